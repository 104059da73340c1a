/** Who is put out of a room gets no packet more from its media node, and sends none: real signaling, Redis and Janus, peers without encoders. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { MediaNode } from '../infra/media-node/src/media-node.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { connectRedis, publishRevocation } from '../packages/service/src/index.ts';
import { flows, joinMedia, type MediaPeer } from './support/media-peer.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';

const WAIT = { timeout: 30_000, interval: 50 };
let stack: MediaStack;
let node: MediaNode;
const clients: MediaPeer[] = [];

beforeAll(async () => {
  stack = await startMediaStack({ from: 2 });
  node = await stack.mediaNode('m1', 30_000);
});
afterAll(async () => {
  for (const client of clients) client.close();
  await stack?.[Symbol.asyncDispose]();
});

async function client(room: string, name: string, grants: object = {}, getToken?: () => Promise<string>) {
  const token = await stack.keys.token(name, grants);
  const session = new SignalingSession({ url: stack.url, getToken: getToken ?? (async () => token) });
  const one = await joinMedia(session, room, name);
  clients.push(one);
  return one;
}

/** Two in a room, then both are served. */
async function pair(room: string): Promise<[MediaPeer, MediaPeer]> {
  const both = await Promise.all([client(room, `${room}-ada`, { kick: true }), client(room, `${room}-bob`)]);
  for (const one of both) await vi.waitFor(async () => expect(await flows(one)).toBe(true), WAIT);
  return both;
}

test('a kicked person gets no packet more and sends none', async () => {
  const [ada, bob] = await pair('kick');
  await ada.session.kick(bob.session.peerId ?? '');
  await vi.waitFor(() => expect(bob.session.state).toBe('closed'), WAIT);
  await vi.waitFor(async () => expect([await flows(bob), await flows(ada)]).toEqual([false, false]), WAIT);
  expect(node.rooms.get('kick')?.people).toBe(1);
  ada.session.leave();
  await vi.waitFor(() => expect(node.rooms.has('kick')).toBe(false), WAIT);
  expect(node.engines.map((engine) => engine.legs)).toEqual([0, 0]);
});

test('a closed room ends for all, on the media node too', async () => {
  const [ada, bob] = await pair('close');
  // The room that ends takes its answer with it.
  ada.session.closeRoom().catch(() => undefined);
  await vi.waitFor(async () => expect([await flows(bob), await flows(ada)]).toEqual([false, false]), WAIT);
  await vi.waitFor(() => expect(node.rooms.has('close')).toBe(false), WAIT);
  expect(node.engines.map((engine) => engine.legs)).toEqual([0, 0]);
});

test('a revoked person gets no packet more and sends none', async () => {
  const redis = connectRedis(stack.redis.url);
  onTestFinished(() => void redis.disconnect());
  const [ada, bob] = await pair('revoked');
  const seconds = Math.floor(Date.now() / 1000);
  await publishRevocation(redis, { kind: 'user', id: 'revoked-bob', exp: seconds + 3600, at: seconds + 1 });
  await vi.waitFor(() => expect(bob.session.state).toBe('closed'), WAIT);
  await vi.waitFor(async () => expect([await flows(bob), await flows(ada)]).toEqual([false, false]), WAIT);
  expect(node.rooms.get('revoked')?.people).toBe(1);
  ada.session.leave();
  await vi.waitFor(() => expect(node.rooms.has('revoked')).toBe(false), WAIT);
  expect(node.engines.map((engine) => engine.legs)).toEqual([0, 0]);
});

test('S-124 whom a moderator lets only watch is passed on no more and receives on, and is heard again once it may speak', async () => {
  const [ada, bob] = await pair('watch');
  const mayPublish = (publish: boolean) => ada.session.grant(bob.session.peerId ?? '', { publish });
  await mayPublish(false);
  await vi.waitFor(async () => expect([await flows(bob), await flows(ada)]).toEqual([true, false]), WAIT);
  // Its connection stands: what is passed on later is what it has sent all the time.
  expect(node.engines.map((engine) => engine.legs).sort()).toEqual([0, 4]);
  await mayPublish(true);
  for (const one of [ada, bob]) await vi.waitFor(async () => expect(await flows(one)).toBe(true), WAIT);
  for (const one of [ada, bob]) one.session.leave();
  await vi.waitFor(() => expect(node.rooms.has('watch')).toBe(false), WAIT);
});

test('S-127 when a token is over its person gets no packet more and sends none, until the session resumes with another one', async () => {
  const now = () => Math.floor(Date.now() / 1000);
  const login = { session_id: 'expired-login' };
  let token = await stack.keys.token('expired-bob', {}, { ...login, exp: now() + 8 });
  const [ada, bob] = await Promise.all([
    client('expired', 'expired-ada'),
    client('expired', 'expired-bob', {}, async () => token),
  ]);
  for (const one of [ada, bob]) await vi.waitFor(async () => expect(await flows(one)).toBe(true), WAIT);
  const bobsId = bob.session.peerId;
  await vi.waitFor(async () => expect([await flows(bob), await flows(ada)]).toEqual([false, false]), WAIT);
  // The session waits for another token, and its legs with it.
  expect(bob.session.state).not.toBe('open');
  expect(ada.session.peers.get(bobsId ?? '')?.away).toBe(true);
  expect(node.rooms.get('expired')?.people).toBe(2);
  token = await stack.keys.token('expired-bob', {}, login);
  for (const one of [ada, bob]) await vi.waitFor(async () => expect(await flows(one)).toBe(true), WAIT);
  expect(bob.session.peerId).toBe(bobsId);
  for (const one of [ada, bob]) one.session.leave();
  await vi.waitFor(() => expect(node.rooms.has('expired')).toBe(false), WAIT);
  expect(node.engines.map((engine) => engine.legs)).toEqual([0, 0]);
});

test('S-127 who loses the socket before the token is over keeps its media until then, and no longer', async () => {
  const now = () => Math.floor(Date.now() / 1000);
  const login = { session_id: 'cut-login' };
  const sockets: WebSocket[] = [];
  class Socket extends WebSocket {
    constructor(...args: ConstructorParameters<typeof WebSocket>) {
      super(...args);
      sockets.push(this);
    }
  }
  let token = stack.keys.token('cut-bob', {}, login);
  const session = new SignalingSession({ url: stack.url, getToken: () => token, WebSocket: Socket as never });
  const [ada, bob] = await Promise.all([client('cut', 'cut-ada'), joinMedia(session, 'cut', 'cut-bob')]);
  clients.push(bob);
  for (const one of [ada, bob]) await vi.waitFor(async () => expect(await flows(one)).toBe(true), WAIT);
  const end = now() + 6;
  token = stack.keys.token('cut-bob', {}, { ...login, exp: end });
  sockets.at(-1)?.close(4999);
  await vi.waitFor(() => expect([sockets.length, session.state]).toEqual([2, 'open']), WAIT);
  // It gets no other token.
  token = new Promise(() => {});
  sockets.at(-1)?.close(4999);
  await vi.waitFor(() => expect(ada.session.peers.get(session.peerId ?? '')?.away).toBe(true), WAIT);
  expect([await flows(bob), await flows(ada)]).toEqual([true, true]);
  await vi.waitFor(async () => expect([await flows(bob), await flows(ada)]).toEqual([false, false]), WAIT);
  expect(now()).toBeGreaterThanOrEqual(end);
  for (const one of [ada, bob]) one.close();
});
