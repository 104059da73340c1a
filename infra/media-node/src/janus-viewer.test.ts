/** Which size of a camera a viewer of a stream gets: the rule on readings, and what Janus does with it. */
import { randomUUID } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { EngineRoom, LegEvents } from './engine.ts';
import type { HandleEvents, JanusClient } from './janus-client.ts';
import { startJanusEngine } from './janus-engine.ts';
import { JanusViewer } from './janus-viewer.ts';
import { SubscribedLayers } from './subscribed-layers.ts';
import { address, program } from './testing/real-janus.ts';
import { RtpCamera } from './testing/rtp-camera.ts';
import { RtpSender, RtpViewer } from './testing/rtp-peer.ts';

const WAIT = { timeout: 60_000, interval: 50 };

const SOUND = 'v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n';

/** A viewer on an imitation of Janus. */
async function imitated(camera: string | undefined, offer = 'v=0') {
  const said: string[] = [];
  let heard: HandleEvents | undefined;
  const client = {
    attach: async (_plugin: string, events: HandleEvents) => {
      heard = events;
      return {
        message: async ({ request, streams }: { request: string; streams?: object }) => {
          if (streams) said.push(`${request} ${JSON.stringify(streams)}`);
          return { data: {}, sdp: SOUND };
        },
        detach: async () => {},
      };
    },
  } as unknown as JanusClient;
  const events = { onCandidate: () => {}, onLive: () => {}, onLost: () => {} };
  const layers: string[] = [];
  const viewer = new JanusViewer({ ...events, onLayer: (layer) => layers.push(layer) }, () => {});
  const answer = await viewer.open(client, { mountpoint: 'm', camera }, offer);
  let now = 0;
  /** Readings of 2 s, in each of whose seconds that number of packets was lost. */
  const pass = (seconds: number, lost: number, more: object = {}) => {
    for (let passed = 0; passed < seconds; passed += 2) {
      const slow = { janus: 'slowlink', media: 'video', lost, ...more };
      if (lost > 0) for (const _second of [1, 2]) heard?.onFrame(slow);
      now += 2000;
      viewer.read(now);
    }
  };
  viewer.read(now);
  return { viewer, answer, said, layers, pass };
}

test('trouble of four seconds takes a size off, ten good ones bring it back, thirty after a try that failed', async () => {
  const { viewer, said, layers, pass } = await imitated('1');
  // 5 % of 1200 kbit/s are 6.8 packets a second.
  pass(30, 6);
  pass(4, 9);
  expect(layers).toEqual([]);
  pass(2, 9);
  expect(layers).toEqual(['mid']);
  expect(said).toEqual(['configure [{"mid":"1","substream":1}]']);
  // Of 500 kbit/s they are 2.8.
  pass(4, 4);
  expect(layers).toEqual(['mid', 'low']);
  pass(20, 100);
  expect(layers).toEqual(['mid', 'low']);
  pass(10, 0);
  expect(layers).toHaveLength(2);
  pass(2, 0);
  expect(layers.at(-1)).toBe('mid');
  pass(6, 9);
  expect(layers.at(-1)).toBe('low');
  pass(30, 0);
  expect(layers.at(-1)).toBe('low');
  pass(2, 0);
  expect(layers.at(-1)).toBe('mid');
  // The one before did no harm.
  pass(2, 0);
  expect(layers.at(-1)).toBe('high');
  const before = said.length;
  pass(60, 0);
  expect(said).toHaveLength(before);
  await viewer.close();
  pass(10, 100);
  expect(said).toHaveLength(before);
});

test('lost sound, and a camera of one size, change nothing', async () => {
  const { said, pass } = await imitated('1');
  pass(20, 100, { media: 'audio' });
  expect(said).toEqual([]);
  const single = await imitated(undefined);
  single.pass(20, 100);
  expect(single.said).toEqual([]);
});

test('a viewer whose offer allows it may ask for lost sound again, and no other', async () => {
  expect((await imitated(undefined, SOUND)).answer).toBe(SOUND);
  const allows = `${SOUND}a=rtcp-fb:111 nack\r\n`;
  expect((await imitated(undefined, allows)).answer).toBe(allows);
});

async function watcher(room: EngineRoom, name: string, order?: readonly ('audio' | 'video')[]) {
  const peer = new RtpViewer(name, address ?? '', order);
  onTestFinished(() => peer.close());
  const layers: string[] = [];
  const lost: string[] = [];
  const events: LegEvents = {
    ...{ onCandidate: (candidate) => peer.candidate(candidate), onLive() {} },
    onLost: (why) => lost.push(why),
  };
  const held: Parameters<RtpViewer['candidate']>[0][] = [];
  peer.onCandidate = (candidate) => held.push(candidate);
  await peer.connect({
    offer: async (sdp) => {
      const leg = await room.watch('ada', sdp, { ...events, onLayer: (layer) => layers.push(layer) });
      for (const candidate of held) leg.candidate(candidate);
      peer.onCandidate = (candidate) => leg.candidate(candidate);
      return leg.answer;
    },
  });
  return { peer, layers, lost, size: () => (['low', 'mid', 'high'] as const)[peer.mark] };
}

/** A room of a real engine, and somebody who sends in it. */
async function sending<Sender extends RtpSender>(make: (address: string) => Sender) {
  if (!address) throw new Error('this test needs one address that is not loopback');
  const folder = await mkdtempDisposable(join(tmpdir(), 'janus-test-'));
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const settings = { program, runDir: folder.path, address, eventLoops: 2, complain: () => {} };
  const engine = await startJanusEngine({ ...settings, mediaPorts: [26_000, 26_499] });
  onTestFinished(() => engine[Symbol.asyncDispose]());
  const room = await engine.openRoom(randomUUID(), 10);
  const sender = make(address);
  onTestFinished(() => sender.close());
  const early: Parameters<RtpSender['candidate']>[0][] = [];
  sender.onCandidate = (candidate) => early.push(candidate);
  const leg = await room.publish('ada', { onCandidate: (c) => sender.candidate(c), onLive() {}, onLost() {} });
  await sender.connect(leg);
  for (const candidate of early) leg.candidate(candidate);
  sender.onCandidate = (candidate) => leg.candidate(candidate);
  await vi.waitFor(() => expect(room.isLive('ada')).toBe(true), WAIT);
  return { room, sender, leg };
}

test('M-22 who views a publisher that is muted is let go, and may view it again once it is not', async () => {
  const { room, leg } = await sending((own) => new RtpSender('ada', own));
  const bob = await watcher(room, 'bob');
  const packets = (peer: RtpViewer) => [...peer.packets.values()].reduce((sum, n) => sum + n, 0);
  await vi.waitFor(() => expect(packets(bob.peer)).toBeGreaterThan(0), WAIT);
  leg.mute(true);
  await expect(watcher(room, 'eve')).rejects.toThrow(expect.objectContaining({ code: 'gone' }));
  await vi.waitFor(() => expect(bob.lost).toHaveLength(1), WAIT);
  leg.mute(false);
  const eve = await watcher(room, 'eve');
  await vi.waitFor(() => expect(packets(eve.peer)).toBeGreaterThan(0), WAIT);
  await room.close();
});

test('M-20 a viewer that loses packets gets the next smaller size, others keep theirs, and it comes back', async () => {
  const came = vi.spyOn(SubscribedLayers.prototype, 'came');
  onTestFinished(() => came.mockRestore());
  const { room } = await sending((own) => new RtpCamera('ada', own));
  const [bob, eve] = [await watcher(room, 'bob'), await watcher(room, 'eve')];
  // Nothing asks for keyframes but the engine: none is to be missed.
  await vi.waitFor(() => expect([bob.size(), eve.size()]).toEqual(['high', 'high']), WAIT);
  bob.peer.reports.loss = 0.2;
  await vi.waitFor(() => expect(bob.size()).toBe('mid'), WAIT);
  await vi.waitFor(() => expect(bob.size()).toBe('low'), WAIT);
  expect([eve.size(), eve.layers]).toEqual(['high', []]);
  // Streaming says each switch (M-24).
  expect(came.mock.calls.map(([, substream]) => substream)).toEqual(expect.arrayContaining([2, 1, 0]));
  bob.peer.reports.loss = 0;
  await vi.waitFor(() => expect(bob.size()).toBe('high'), WAIT);
  expect(bob.layers).toEqual(['mid', 'low', 'mid', 'high']);
  await room.close();
});

/** Keyframes that were asked for, when no further one comes in the time that Janus holds requests back. */
async function settled(sender: RtpSender): Promise<number> {
  let seen: number;
  do {
    seen = sender.keyframeRequests;
    await sleep(3000);
  } while (seen !== sender.keyframeRequests);
  return seen;
}

test.each([
  ['sound and a picture', ['audio', 'video'], [['audio', 'video'], ['video', 'audio'], ['video']]],
  [
    'a picture alone',
    ['video'],
    [
      ['audio', 'video'],
      ['video', 'audio'],
    ],
  ],
] as const)(
  'M-21 a viewer gets the keyframe that it asks for, in whichever order it offers, where %s is sent',
  async (_what, sends, orders) => {
    const { room, sender } = await sending((own) => new RtpSender('ada', own, sends));
    const viewers: RtpViewer[] = [];
    for (const order of orders) viewers.push((await watcher(room, order.join(), order)).peer);
    await vi.waitFor(() => expect(viewers.map((one) => (one.packets.get('1') ?? 0) > 0)).not.toContain(false), WAIT);
    for (const viewer of viewers) {
      const before = await settled(sender);
      expect(viewer.requestKeyframe()).toBe(true);
      await vi.waitFor(() => expect(sender.keyframeRequests).toBeGreaterThan(before), {
        timeout: 10_000,
        interval: 50,
      });
    }
    await room.close();
  },
);
