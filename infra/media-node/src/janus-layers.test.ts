/** Sizes of a camera through Janus as it is installed. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type JanusEngine, startJanusEngine } from './janus-engine.ts';
import { publisher, subscriber, track } from './testing/contract-clients.ts';
import { clearJanus, janusHarness, janusSettings } from './testing/real-janus.ts';
import { RtpCamera } from './testing/rtp-camera.ts';
import type { RtpReceiver } from './testing/rtp-peer.ts';

const WAIT = { timeout: 10_000, interval: 20 };
/** As WantedLayers: a size that nobody wants is encoded for so much longer, ms. */
const OFF_AFTER_MS = 2000;
let engine: JanusEngine;
const harness = janusHarness(() => engine, RtpCamera);

beforeAll(async () => {
  engine = await startJanusEngine(janusSettings([27_000, 27_499]));
});
afterAll(async () => {
  await engine?.[Symbol.asyncDispose]();
  clearJanus();
});

test('M-24 a size that is asked for just after another comes all the same, also when it is the only one that is sent', async () => {
  const room = await engine.openRoom(randomUUID(), 10);
  const [ada, bob] = [await publisher(harness, room, 'ada'), await subscriber(harness, room, 'bob')];
  const camera = ada.client as RtpCamera;
  bob.leg.want([track('ada')]);
  await ada.connect();
  const receiver = bob.client as unknown as RtpReceiver;
  const size = () => (['low', 'mid', 'high'] as const)[receiver.marks.get(bob.mid(track('ada')) ?? '') ?? -1];
  await vi.waitFor(() => expect(size()).toBe('high'), WAIT);
  for (const [first, second] of [
    ['mid', 'low'],
    ['mid', 'high'],
  ] as const) {
    // What was asked for before is over: the first of the two changes makes a keyframe, the second comes within the second after it.
    await sleep(1500);
    bob.leg.select(track('ada'), first);
    await vi.waitFor(() => expect(size()).toBe(first), WAIT);
    bob.leg.select(track('ada'), second);
    await sleep(OFF_AFTER_MS);
    camera.sizes = new Set([second]);
    receiver.marks.clear();
    await vi.waitFor(() => expect(size()).toBe(second), WAIT);
    camera.sizes = new Set(['low', 'mid', 'high']);
  }
  await room.close();
});
