/** Whose media the engine does not know by the name that we have for it: real Janus. The rest is in janus-subscriber.test.ts. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startJanusEngine } from './janus-engine.ts';
import { address, program } from './testing/real-janus.ts';
import { RtpReceiver, RtpSender } from './testing/rtp-peer.ts';

test('M-23 one whose media section has two names keeps nobody else’s media away', async () => {
  if (!address) throw new Error('this test needs one address that is not loopback');
  const runDir = mkdtempSync(join(tmpdir(), 'janus-test-'));
  onTestFinished(() => rmSync(runDir, { recursive: true, force: true }));
  await using engine = await startJanusEngine({
    ...{ program, runDir, address, eventLoops: 1 },
    mediaPorts: [24_000, 24_499],
    complain: () => {},
  });
  const room = await engine.openRoom(randomUUID(), 10);
  for (const name of ['mal', 'ada', 'bob']) {
    const client = new RtpSender(name, address);
    onTestFinished(() => client.close());
    const live = Promise.withResolvers<void>();
    const leg = await room.publish(name, {
      onCandidate: (candidate) => client.candidate(candidate),
      onLive: live.resolve,
      onLost: (why) => live.reject(new Error(why)),
    });
    client.onCandidate = (candidate) => leg.candidate(candidate);
    // VideoRoom takes the last name of a section, slotsOf the first.
    const twoNames = (sdp: string) => sdp.replace(/^a=mid:1/m, 'a=mid:7\r\na=mid:1');
    await client.connect({ offer: (sdp) => leg.offer(name === 'mal' ? twoNames(sdp) : sdp) });
    await live.promise;
  }
  const receiver = new RtpReceiver('eve', address);
  onTestFinished(() => receiver.close());
  const refused: string[] = [];
  let seen: string[] = [];
  const leg = await room.subscribe('eve', {
    onCandidate: (candidate) => receiver.candidate(candidate),
    onLive: () => {},
    onLost: () => {},
    onRefused: (why) => refused.push(why),
    onOffer: (sdp, tracks) => {
      seen = tracks.map(({ publisher, slot }) => `${slot} of ${publisher}`);
      void receiver.answer(sdp).then((answer) => leg.answer(answer));
    },
  });
  receiver.onCandidate = (candidate) => leg.candidate(candidate);
  leg.want(['mal', 'ada', 'bob'].flatMap((publisher) => [{ publisher, slot: 'video' as const }]));
  await vi.waitFor(() => expect(seen.sort()).toEqual(['video of ada', 'video of bob']), { timeout: 10_000 });
  await vi.waitFor(() => expect([...receiver.packets.values()].filter((n) => n > 5)).toHaveLength(2), {
    timeout: 10_000,
  });
  expect(refused).toEqual([expect.stringContaining('428')]);
  await room.close();
});
