/** What a publisher asks of Janus when that refuses; what it does when not is in the engine's contract. */
import { expect, test, vi } from 'vitest';
import type { JanusClient } from './janus-client.ts';
import { JanusPublisher } from './janus-publisher.ts';

const OFFER = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n';

async function published(fails: number) {
  const asked: boolean[] = [];
  const lost: string[] = [];
  const gate = Promise.withResolvers<void>();
  const handle = {
    message: async ({ streams }: { streams?: { send: boolean }[] }) => {
      if (streams) {
        asked.push(streams[0]?.send === true);
        if (asked.length <= fails) {
          await gate.promise;
          throw new Error('no answer');
        }
      }
      return { data: {}, sdp: 'v=0' };
    },
    detach: async () => {},
  };
  const events = { onCandidate: () => {}, onLive: () => {}, onLost: (reason: string) => lost.push(reason) };
  const leg = new JanusPublisher({
    room: 'r',
    feed: 'ada',
    events,
    live: () => {},
    talking: () => {},
    ended: () => {},
  });
  await leg.open({ attach: async () => handle } as unknown as JanusClient);
  await leg.offer(OFFER);
  return { leg, asked, lost, fail: gate.resolve };
}

test.each([
  ['asked for once more', 1, [false, false], []],
  ['the end of the leg when it fails again', 2, [false, false], ['mute: Error: no answer']],
])('M-22 a mute that fails is %s', async (_, fails, asked, lost) => {
  const ada = await published(fails);
  ada.leg.mute(true);
  ada.fail();
  await vi.waitFor(() => expect(ada.asked).toEqual(asked));
  await vi.waitFor(() => expect(ada.lost).toEqual(lost));
});

test('M-22 a mute that fails when it is over is not asked for again', async () => {
  const ada = await published(1);
  ada.leg.mute(true);
  ada.leg.mute(false);
  ada.fail();
  await vi.waitFor(() => expect(ada.asked).toHaveLength(3));
  expect([ada.asked.at(-1), ada.lost]).toEqual([true, []]);
});
