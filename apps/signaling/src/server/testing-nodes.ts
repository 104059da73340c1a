/** What the tests of many nodes share: nodes on one real Redis, and their clients. */
import { startRedis } from '@tandem/service/testing';
import { afterAll, afterEach, expect } from 'vitest';
import type { SignalingService } from '../app.ts';
import type { SignalingConfig } from '../config.ts';
import { connectClient, type Heard, startTestKeys, startTestNode, type TestClient } from '../testing.ts';

/** Events of a room carry its version (S-26). */
export const version = expect.any(Number);

/** Keys and a Redis that end with the file's tests; nodes and clients end with each test. */
export async function nodesSuite() {
  const keys = await startTestKeys();
  const redis = await startRedis();
  const started: SignalingService[] = [];
  const clients: TestClient[] = [];
  let rooms = 0;
  afterEach(async () => {
    for (const c of clients.splice(0)) c[Symbol.dispose]();
    await Promise.all(started.splice(0).map((n) => n[Symbol.asyncDispose]()));
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
    await keys[Symbol.asyncDispose]();
  });
  const newRoom = () => `room-${++rooms}`;
  const startNode = async (config: Partial<SignalingConfig> = {}) => {
    const node = await startTestNode({
      keys,
      config: { REDIS_URL: redis.url, BEAT_MS: 200, NODE_TIMEOUT_MS: 3000, SWEEP_MS: 500, ...config },
    });
    started.push(node);
    return node;
  };
  const client = async (node: SignalingService, userId: string, grants?: object, claims?: object) => {
    const c = await connectClient(node, await keys.token(userId, grants, claims));
    clients.push(c);
    return c;
  };
  const resume = async (node: SignalingService, userId: string, welcome: Heard, claims?: object) => {
    const c = await client(node, userId, undefined, claims);
    c.send({ type: 'resume', sessionToken: welcome.sessionToken });
    return Object.assign(c, { resumed: await c.next('resumed') });
  };
  /** Ada on the first node, Bob on the second, in one room. */
  const pair = async (config: Partial<SignalingConfig> = {}) => {
    const [n1, n2] = await Promise.all([startNode(config), startNode(config)]);
    const room = newRoom();
    const a = await client(n1, 'ada');
    await a.join(room, { name: 'Ada' });
    const b = await client(n2, 'bob');
    await b.join(room);
    await a.next('peer_joined');
    return { n1, n2, room, a, b, aId: a.welcome.peerId as string, bId: b.welcome.peerId as string };
  };
  return { keys, redis, started, clients, newRoom, startNode, client, resume, pair };
}
