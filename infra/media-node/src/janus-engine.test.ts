/** Janus as it is installed: the contract, and what only a real engine can show. */
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SignalingConfig } from '@tandem/signaling/config';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Candidate, MAX_SECTIONS, type SubscriberLeg } from './engine.ts';
import { type JanusEngine, startJanusEngine } from './janus-engine.ts';
import { configuration } from './janus-process.ts';
import { engineContract } from './testing/contract.ts';
import { publisher, subscriber, track } from './testing/contract-clients.ts';
import { address, clearJanus, janusHarness, janusSettings, program } from './testing/real-janus.ts';
import type { RtpReceiver, RtpSender } from './testing/rtp-peer.ts';

/** Of signaling: MAX_FRAME_BYTES. */
const { default: DEFAULT_FRAME_BYTES = 0 } = SignalingConfig.properties.MAX_FRAME_BYTES as {
  readonly default?: number;
};
const WAIT = { timeout: 10_000, interval: 20 };

const settings = () => janusSettings([25_000, 25_999]);
let engine: JanusEngine;

beforeAll(async () => {
  if (program.lacks) console.log(`  ${program.lacks}`);
  engine = await startJanusEngine(settings());
});
afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  clearJanus();
});

describe(`janus ${program.version}`, () => {
  const h = janusHarness(() => engine);
  engineContract(h);

  test('M-14 an offer of as many sections as the engine makes fits a frame of signaling', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const ada = await publisher(h, room, 'ada');
    const offers: string[] = [];
    const leg = await room.subscribe('eve', {
      onOffer: (sdp) => offers.push(sdp),
      onCandidate: () => {},
      onLive: () => {},
      onLost: () => {},
    });
    leg.want([track('ada', 'video')]);
    await ada.connect();
    await vi.waitFor(() => expect(offers).toHaveLength(1), WAIT);
    // A section of video is the longest; what is before the first section counts with it.
    expect(JSON.stringify(offers[0]).length * MAX_SECTIONS).toBeLessThan(DEFAULT_FRAME_BYTES);
    // Janus drops a browser's first DTLS message where it comes before its own path is chosen.
    expect(offers[0]?.match(/^a=setup:\w+/gm)).toEqual(['a=setup:active']);
    await room.close();
  });

  test('M-7 candidates are of the given address alone, and a loopback address is refused with the reason', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const ada = await publisher(h, room, 'ada');
    await ada.connect();
    await vi.waitFor(() => expect(ada.said).toContain('live'), WAIT);
    const addresses = ada.candidates.flatMap((c) => (c ? [c.candidate.split(' ')[4]] : []));
    expect(new Set(addresses)).toEqual(new Set([address]));
    await room.close();
    await expect(startJanusEngine({ ...settings(), address: '127.0.0.1' })).rejects.toThrow(/PUBLIC_IP: 127.0.0.1/);
  });

  test.skipIf(program.lacks)(
    'M-8 one receiver that cannot decode does not make a keyframe of every frame',
    async () => {
      const room = await engine.openRoom(randomUUID(), 10);
      const [ada, bob] = [await publisher(h, room, 'ada'), await subscriber(h, room, 'bob')];
      bob.leg.want([track('ada')]);
      await ada.connect();
      await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
      const sender = ada.client as RtpSender;
      const asked = 60;
      for (let i = 0; i < asked; i++) {
        (bob.client as unknown as RtpReceiver).requestKeyframe(bob.mid(track('ada')) ?? '');
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await vi.waitFor(() => expect(sender.keyframeRequests).toBeGreaterThan(0), WAIT);
      expect(sender.keyframeRequests).toBeLessThan(asked / 5);
      await room.close();
    },
  );

  test('M-15 a keyframe is asked for when the receiver’s transport is up, and not before', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const ada = await publisher(h, room, 'ada');
    await ada.connect();
    await vi.waitFor(() => expect(ada.said).toContain('live'), WAIT);
    const requests = () => (ada.client as unknown as RtpSender).keyframeRequests;
    for (const layer of ['high', 'low'] as const) {
      // What the arrival before asked for is over.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const before = requests();
      const bob = h.receiver(`bob-${layer}`, () => leg);
      // Without candidates there is no path yet.
      const held: (() => void)[] = [];
      const answered = Promise.withResolvers<void>();
      const leg: SubscriberLeg = await room.subscribe(`bob-${layer}`, {
        onCandidate: (candidate) => held.push(() => bob.candidate(candidate)),
        onLive: () => {},
        onLost: () => {},
        onOffer: (sdp) =>
          void bob
            .answer(sdp)
            .then((answer) => leg.answer(answer))
            .then(answered.resolve),
      });
      bob.onCandidate = (candidate) => held.push(() => leg.candidate(candidate));
      leg.want([track('ada', 'audio'), track('ada')]);
      leg.select(track('ada'), layer);
      await answered.promise;
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(requests() - before, layer).toBe(0);
      for (const release of held) release();
      await vi.waitFor(() => expect(requests()).toBeGreaterThan(before), WAIT);
      await leg.close();
    }
    await room.close();
  });

  test('M-16 who comes just after another is told of, as the engine asks for no keyframe then', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const needed: string[] = [];
    room.onKeyframeNeeded = (publisher) => needed.push(publisher);
    const ada = await publisher(h, room, 'ada');
    await ada.connect();
    const [bob, eve] = [await subscriber(h, room, 'bob'), await subscriber(h, room, 'eve')];
    bob.leg.want([track('ada', 'audio'), track('ada')]);
    await vi.waitFor(() => expect(bob.said).toContain('live'), WAIT);
    expect(needed).toEqual([]);
    eve.leg.want([track('ada', 'audio')]);
    await vi.waitFor(() => expect(eve.said).toContain('live'), WAIT);
    // Sound needs none.
    expect(needed).toEqual([]);
    // A picture that is added to a transport that is up: twice, so that two come within a second also where this machine is slow.
    for (let i = 0; i < 2; i++) {
      eve.leg.want([track('ada', 'audio'), track('ada')]);
      await vi.waitFor(() => expect(eve.mid(track('ada'))).toBeDefined(), WAIT);
      eve.leg.want([track('ada', 'audio')]);
      await vi.waitFor(() => expect(eve.mid(track('ada'))).toBeUndefined(), WAIT);
    }
    await vi.waitFor(() => expect(needed).toContain('ada'), WAIT);
    await room.close();
  });

  test('M-17 one whose connection never comes up is not waited for by who receives the others', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const [ada, eve] = [await publisher(h, room, 'ada'), await publisher(h, room, 'eve')];
    // It offers, and no candidate of either side reaches the other.
    eve.client.candidate = () => {};
    eve.client.onCandidate = () => {};
    const bob = await subscriber(h, room, 'bob');
    bob.leg.want([track('eve'), track('ada')]);
    void eve.connect().catch(() => {});
    await ada.connect();
    await vi.waitFor(async () => expect(await bob.receives(track('ada'))).toBe(true), WAIT);
    expect(bob.mid(track('eve'))).toBeUndefined();
    await room.close();
  });

  test('M-22 a publisher that is muted is not recorded, and again once it is not', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const [ada, eve] = [await publisher(h, room, 'ada'), await publisher(h, room, 'eve')];
    const name = randomUUID();
    await room.record((id) => `${name}-${id}`);
    await Promise.all([ada.connect(), eve.connect()]);
    const files = (id: string) => globSync(`${name}-${id}-*`, { cwd: engine.recordings }).toSorted();
    const sizes = (id: string) => files(id).map((file) => statSync(join(engine.recordings, file)).size);
    // Both of its files, by more than Janus writes at once.
    const grows = async (id: string) => {
      const before = sizes(id);
      await vi.waitFor(() => expect(sizes(id).map((n, i) => n > (before[i] ?? 0) + 4096)).toEqual([true, true]), WAIT);
    };
    await grows('ada');
    ada.leg.mute(true);
    // That it is carried out takes a moment.
    await grows('eve');
    const before = sizes('ada');
    await grows('eve');
    expect(sizes('ada')).toEqual(before);
    ada.leg.mute(false);
    await grows('ada');
    await room.close();
  });

  test('R-6 the name of a recording is asked for once for each connection, however often that offers', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const ada = await publisher(h, room, 'ada');
    const asked: string[] = [];
    await room.record((id) => `${randomUUID()}-${id}-${asked.push(id)}`);
    await ada.connect();
    await vi.waitFor(() => expect(asked).toEqual(['ada']), WAIT);
    await ada.connect();
    await ada.connect();
    expect(asked).toEqual(['ada']);
    await room.close();
  });

  test('a publisher that the engine refuses has no leg, and takes no place of another', async () => {
    const room = await engine.openRoom(randomUUID(), 1);
    await room.close();
    const ignore = () => {};
    const events = { onCandidate: ignore, onLive: ignore, onLost: ignore };
    for (const id of ['ada', 'bob']) await expect(room.publish(id, events)).rejects.toThrow('(426)');
    expect(room).toHaveProperty('legs', 0);
  });

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'M-11 after %s each leg is told, and nothing waits',
    async (signal) => {
      const second = await startJanusEngine(settings());
      onTestFinished(async () => await second[Symbol.asyncDispose]());
      const h2 = janusHarness(() => second);
      const room = await second.openRoom(randomUUID(), 10);
      const [ada, bob] = [await publisher(h2, room, 'ada'), await subscriber(h2, room, 'bob')];
      bob.leg.want([track('ada')]);
      await ada.connect();
      await vi.waitFor(() => expect(bob.said).toContain('live'), WAIT);
      process.kill(second.pid, signal);
      await second.ended;
      for (const { said } of [ada, bob]) await vi.waitFor(() => expect(said.at(-1)).toBe('lost: engine ended'), WAIT);
      // The client's own connection still calls itself connected: it cannot know.
      if (signal === 'SIGKILL') expect((bob.client as unknown as RtpReceiver).state).toBe('connected');
      await expect(second.openRoom(randomUUID(), 10)).rejects.toMatchObject({ code: 'gone' });
    },
    60_000,
  );

  test('a leg that an engine that stood still has not opened takes nobody’s place', async () => {
    const second = await startJanusEngine(settings());
    onTestFinished(async () => await second[Symbol.asyncDispose]());
    const room = await second.openRoom(randomUUID(), 1);
    process.kill(second.pid, 'SIGSTOP');
    const late = publisher(
      janusHarness(() => second),
      room,
      'ada',
    );
    await expect(late).rejects.toMatchObject({ code: 'timeout' });
    process.kill(second.pid, 'SIGCONT');
    expect(second.legs).toBe(0);
    const bob = await publisher(
      janusHarness(() => second),
      room,
      'bob',
    );
    await bob.connect();
    await vi.waitFor(() => expect(bob.said).toContain('live'), WAIT);
    await room.close();
  }, 60_000);

  test('M-12 media runs in as many threads as were set, whatever the number of people', async () => {
    const threads = () => readdirSync(`/proc/${engine.pid}/task`).length;
    const room = await engine.openRoom(randomUUID(), 20);
    const first = await publisher(h, room, 'p0');
    await first.connect();
    await vi.waitFor(() => expect(first.said).toContain('live'), WAIT);
    const before = threads();
    for (let i = 1; i <= 6; i++) {
      const next = await publisher(h, room, `p${i}`);
      await next.connect();
      await vi.waitFor(() => expect(next.said).toContain('live'), WAIT);
    }
    // Two of glib's come and go; a thread a handle would be six or twelve.
    expect(threads() - before).toBeLessThanOrEqual(2);
    await room.close();
  });

  test.skipIf(program.lacks)('M-13 who vanishes without a word gets nothing more after 30 s', async () => {
    const room = await engine.openRoom(randomUUID(), 10);
    const ada = await publisher(h, room, 'ada');
    await ada.connect();
    const child = fork(join(import.meta.dirname, 'testing/receiver-process.ts'), [address ?? '']);
    onTestFinished(() => void child.kill('SIGKILL'));
    const said: string[] = [];
    const leg = await room.subscribe('bob', {
      onCandidate: (candidate) => child.send({ candidate }),
      onOffer: (offer) => child.send({ offer }),
      onLive: () => said.push('live'),
      onLost: (reason) => said.push(reason),
    });
    child.on('message', (message: { answer?: string; candidate?: Candidate }) => {
      if (message.answer) void leg.answer(message.answer);
      if (message.candidate) leg.candidate(message.candidate);
    });
    leg.want([track('ada')]);
    await vi.waitFor(() => expect(said).toEqual(['live']), WAIT);
    child.kill('SIGKILL');
    // RFC 7675 section 5.1: consent expires 30 s after the last answer.
    await vi.waitFor(() => expect(said).toEqual(['live', 'ICE failed']), { timeout: 60_000, interval: 200 });
    await room.close();
  });

  test('nothing of the agent’s environment reaches the engine', () => {
    expect(readFileSync(`/proc/${engine.pid}/environ`, 'utf8').split('\0').filter(Boolean)).toEqual([
      expect.stringMatching(/^PATH=/),
    ]);
  });

  test('the API asks for its secret and listens on loopback alone', () => {
    const files = configuration(settings(), 1234, 'geheim');
    expect(files['janus.jcfg']).toContain('api_secret = "geheim"');
    expect(files['janus.transport.websockets.jcfg']).toContain('ws_ip = "127.0.0.1"');
  });
});
