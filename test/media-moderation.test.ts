/** Who is put out of a room gets no packet more from its media node, and sends none: real signaling, Redis and Janus, peers without encoders. */
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';
import type { MediaNodeConfig } from '../infra/media-node/src/config.ts';
import { startJanusEngine } from '../infra/media-node/src/janus-engine.ts';
import { janusProgram } from '../infra/media-node/src/location.ts';
import { type MediaNode, startMediaNode } from '../infra/media-node/src/media-node.ts';
import { findHost } from '../infra/node-kit/host.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { startRedis, type TestRedis } from '../packages/service/src/testing/index.ts';
import { cachedEngine } from '../scripts/lib/media-engine.mjs';
import { flows, joinMedia, type MediaPeer } from './support/media-peer.ts';

const address =
  Object.values(networkInterfaces())
    .flat()
    .find((i) => i?.family === 'IPv4' && !i.internal)?.address ?? '';
const WAIT = { timeout: 30_000, interval: 50 };
let keys: TestKeys;
let redis: TestRedis;
let signaling: Awaited<ReturnType<typeof startTestNode>>;
let node: MediaNode;
const runDir = mkdtempSync(join(tmpdir(), 'media-moderation-'));
const clients: MediaPeer[] = [];

beforeAll(async () => {
  keys = await startTestKeys();
  redis = await startRedis();
  signaling = await startTestNode({ keys, config: { REDIS_URL: redis.url, MEDIA_FROM: 2 } });
  const config = {
    JANUS: '',
    RUN_DIR: runDir,
    MEDIA_MIN_PORT: 30_000,
    MEDIA_MAX_PORT: 30_999,
    MAX_LEGS: 400,
    MAX_PUBLISHERS: 50,
    MESH_AFTER_SECONDS: 600,
    SIGNALING_URL: signaling.wsUrl,
    AUTH_URL: 'http://127.0.0.1',
    MEDIA_SECRET: '',
    METRICS_PART: 'media',
    REDIS_URL: redis.url,
    DRAIN_SECONDS: 0,
    PUBLIC_IP: address,
    ZONE: 'a',
  } satisfies MediaNodeConfig;
  node = await startMediaNode(config, {
    host: await findHost({ ...config, NODE_ID: 'm1' }),
    say: () => {},
    token: (room) => keys.token(`media-${room}`, { rooms: [room], media: true }),
    startEngine: (index) =>
      startJanusEngine({
        program: janusProgram(process.env.JANUS ?? cachedEngine() ?? 'janus'),
        address,
        runDir: join(runDir, `${index}`),
        mediaPorts: [30_000 + index * 500, 30_499 + index * 500],
        eventLoops: 2,
        complain: () => {},
      }),
  });
});
afterAll(async () => {
  for (const client of clients) client.close();
  await node?.[Symbol.asyncDispose]();
  await signaling?.[Symbol.asyncDispose]();
  await redis?.[Symbol.asyncDispose]();
  await keys?.[Symbol.asyncDispose]();
  rmSync(runDir, { recursive: true, force: true });
});

async function client(room: string, name: string, grants: object = {}): Promise<MediaPeer> {
  const token = await keys.token(name, grants);
  const session = new SignalingSession({ url: signaling.wsUrl, getToken: async () => token });
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
