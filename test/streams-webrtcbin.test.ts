/** WHIP and WHEP of a media node with a third client of others: GStreamer's webrtcbin, with real pictures and sound. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { flows, joinMedia } from './support/media-peer.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';
import { watch } from './support/stream-client.ts';
import { startWebrtcbin } from './support/webrtcbin.ts';

const WAIT = { timeout: 30_000, interval: 50 };
let stack: MediaStack;
let origin: string;

beforeAll(async () => {
  stack = await startMediaStack({ from: 9 });
  origin = `http://127.0.0.1:${(await stack.mediaNode('m1', 33_000)).httpPort}`;
});
afterAll(() => stack?.[Symbol.asyncDispose]());

async function webrtcbin(way: 'whip' | 'whep', room: string, token?: string) {
  const client = startWebrtcbin(way, `${origin}/${way}/${room}`, token ?? (await stack.keys.token(`${room}-${way}`)));
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

test('W-1 W-4 webrtcbin publishes: people in the room and viewers receive it, and its DELETE takes it out of the room', async () => {
  const encoder = await webrtcbin('whip', 'studio');
  await vi.waitFor(() => expect(encoder.said).toContainEqual({ connection: 'connected' }), WAIT);
  const [posted] = encoder.said.filter(({ status }) => status);
  expect(posted).toMatchObject({ status: 201 });
  // Its offer said what it sends, and the answer takes both.
  expect(posted?.offer?.match(/^a=sendonly/gm)).toHaveLength(2);
  expect(posted?.body?.match(/^a=recvonly/gm)).toHaveLength(2);

  const token = await stack.keys.token('ada');
  const session = new SignalingSession({ url: stack.url, getToken: async () => token });
  const ada = await joinMedia(session, 'studio', 'ada');
  onTestFinished(() => ada.close());
  await vi.waitFor(async () => expect(await flows(ada)).toBe(true), WAIT);
  await vi.waitFor(() => expect(ada.receiver.packets.size).toBe(2), WAIT);
  const viewer = await watch(`${origin}/whep/studio`, await stack.keys.token('viewer', { publish: false }));
  onTestFinished(() => viewer.close());
  await vi.waitFor(() => expect(viewer.peer.packets.size).toBe(2), WAIT);

  await encoder.end();
  expect(encoder.said.filter(({ ended, problem }) => ended || problem)).toEqual([{ ended: 200 }]);
  await vi.waitFor(() => expect(ada.session.peers.size).toBe(0), WAIT);
});

test('W-7 W-8 webrtcbin watches what webrtcbin sends: pictures and sound come out of its decoders', async () => {
  const viewerToken = await stack.keys.token('watcher', { publish: false });
  const early = await webrtcbin('whep', 'show', viewerToken);
  await vi.waitFor(() => expect(early.said[0]).toMatchObject({ status: 409 }), WAIT);
  expect(early.said[0]?.body).toContain('not_live');
  await early.end();

  const encoder = await webrtcbin('whip', 'show');
  await vi.waitFor(() => expect(encoder.said).toContainEqual({ connection: 'connected' }), WAIT);
  const viewer = await webrtcbin('whep', 'show', viewerToken);
  for (const decoded of ['audio', 'video'] as const)
    await vi.waitFor(() => expect(viewer.said).toContainEqual({ decoded, frames: 20 }), WAIT);
  await viewer.end();
  await encoder.end();
  expect(viewer.said.filter(({ ended, problem }) => ended || problem)).toEqual([{ ended: 200 }]);
});

test('W-5 webrtcbin without a right is refused', async () => {
  const viewersToken = await stack.keys.token('listener', { publish: false });
  for (const [token, status] of [
    ['nonsense', 401],
    [viewersToken, 403],
  ] as const) {
    const encoder = await webrtcbin('whip', 'studio', token);
    await vi.waitFor(() => expect(encoder.said[0]).toMatchObject({ status }), WAIT);
    await encoder.end();
  }
});
