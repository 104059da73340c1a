/** Who is put out of a room gets no packet more from its media node, and sends none: real signaling, Redis and Janus, peers without encoders. */
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';
import type { MediaNodeConfig } from '../infra/media-node/src/config.ts';
import type { Candidate } from '../infra/media-node/src/engine.ts';
import { startJanusEngine } from '../infra/media-node/src/janus-engine.ts';
import { janusProgram } from '../infra/media-node/src/location.ts';
import { type MediaNode, startMediaNode } from '../infra/media-node/src/media-node.ts';
import { RtpReceiver, RtpSender } from '../infra/media-node/src/testing/rtp-peer.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { startRedis, type TestRedis } from '../packages/service/src/testing/index.ts';
import { cachedEngine } from '../scripts/lib/media-engine.mjs';

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
const clients: Client[] = [];

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
    MEDIA_API_KEY: '',
    REDIS_URL: redis.url,
    DRAIN_SECONDS: 0,
    PUBLIC_IP: address,
    ZONE: 'a',
  } satisfies MediaNodeConfig;
  node = await startMediaNode(config, {
    id: 'm1',
    zone: 'a',
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

interface Client {
  readonly session: SignalingSession;
  readonly receiver: RtpReceiver;
  packets(): number;
  close(): void;
}

/** Someone who sends to the room's media node and receives all others from it. */
async function client(room: string, name: string, grants: object = {}): Promise<Client> {
  const token = await keys.token(name, grants);
  const session = new SignalingSession({ url: signaling.wsUrl, getToken: async () => token });
  const [sender, receiver] = [new RtpSender(name, address), new RtpReceiver(name, address)];
  await session.join(room);
  await vi.waitFor(() => expect(session.media).toBeDefined(), WAIT);
  const agent = session.media?.peerId ?? '';
  const trickle = (leg: 'up' | 'down') => (candidate: Candidate) =>
    void session.sendTo(agent, 'ice-candidate', { candidate: { ...candidate, leg, gen: 1 } as never });
  sender.onCandidate = trickle('up');
  receiver.onCandidate = trickle('down');
  const answered = Promise.withResolvers<string>();
  session.on('signal', (signal) => {
    if (signal.peerId !== agent) return;
    const { sdp, candidate } = signal as { sdp?: { sdp: string; n?: number }; candidate?: Candidate & { leg: string } };
    if (signal.type === 'answer' && sdp) answered.resolve(sdp.sdp);
    if (signal.type === 'ice-candidate' && candidate) (candidate.leg === 'up' ? sender : receiver).candidate(candidate);
    if (signal.type === 'offer' && sdp)
      void receiver.answer(sdp.sdp).then((answer) =>
        session.sendTo(agent, 'answer', {
          sdp: { type: 'answer', sdp: answer, leg: 'down', gen: 1, to: sdp.n } as never,
        }),
      );
  });
  void session.sendTo(agent, 'media-want', { want: { gen: 1 } });
  void sender.connect({
    offer: (sdp) => {
      void session.sendTo(agent, 'offer', { sdp: { type: 'offer', sdp, leg: 'up', gen: 1 } as never });
      return answered.promise;
    },
  });
  const one: Client = {
    session,
    receiver,
    packets: () => [...receiver.packets.values()].reduce((sum, n) => sum + n, 0),
    close: () => {
      session.close();
      sender.close();
      receiver.close();
    },
  };
  clients.push(one);
  return one;
}

/** Packets come now. */
async function flows(who: Client): Promise<boolean> {
  const before = who.packets();
  await new Promise((resolve) => setTimeout(resolve, 200));
  return who.packets() > before;
}

/** Two in a room, then both are served. */
async function pair(room: string): Promise<[Client, Client]> {
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
