/**
 * Events of rooms with real processes: three nodes on one Redis, people who come and go, and a node that is killed with SIGKILL while
 * they do. Events are written by the script that changes the room, so that none is lost, repeated or out of order.
 */
import { startRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { expect, test, vi } from 'vitest';
import { connectClient, startTestKeys, startTestNode, type TestClient } from '../apps/signaling/src/testing.ts';
import { type NodeProcess, startNode } from './cluster-faults/cluster.ts';
import { Random } from './simulation/random.ts';
import { differences, foldOutbox, storedPresence } from './support/room-events.ts';

const ROOMS = 12;
const SETTINGS = { GRACE_MS: 1500, BEAT_MS: 300, NODE_TIMEOUT_MS: 2000, SWEEP_MS: 500, LOG_LEVEL: 'info' };

async function killWhilePeopleMove() {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const client = new Redis(redis.url);
  stack.defer(() => client.disconnect());
  const keys = stack.use(await startTestKeys());
  const nodes = await Promise.all(
    ['a', 'b', 'c'].map((name) => startNode(name, keys.jwksUrl, redis.url, { ...SETTINGS, EVENTS: true })),
  );
  stack.defer(async () => {
    for (const node of nodes) node.kill('SIGKILL');
    await Promise.all(nodes.map((node) => node.ended));
  });
  const random = new Random(7);
  const [a, ...others] = nodes as [NodeProcess, NodeProcess, NodeProcess];
  const enter = async (node: NodeProcess, room: number) => {
    const token = await keys.token(`user-${random.int(0, 1e9)}`);
    const one = stack.use(await connectClient({ wsUrl: `ws://127.0.0.1:${node.port}/ws/signal` }, token));
    one.send({ type: 'join', roomId: `room-${room}` });
    return one;
  };
  const rooms = Array.from({ length: ROOMS }, (_, i) => i);
  // Somebody of a node that goes on in each room: what the dead node leaves behind is found.
  const staying = await Promise.all(rooms.map((room) => enter(random.pick(others) as NodeProcess, room)));
  await Promise.all(staying.map((one) => one.next('joined')));
  const early = await Promise.all(rooms.map((room) => enter(a, room)));
  await Promise.all(early.slice(0, 8).map((one) => one.next('joined')));
  early[0]?.send({ type: 'leave' });
  early[1]?.ws.terminate();
  // Joins and departures are on their way to Redis.
  for (const room of rooms) for (const node of nodes) void enter(node, room).catch(() => {});
  await vi.waitFor(async () => expect((await storedPresence(client)).size).toBeGreaterThan(ROOMS * 2 + 4), 30_000);
  a.kill('SIGKILL');
  await a.ended;
  return { stack: stack.move(), client, staying };
}

async function settled(client: Redis, staying: readonly TestClient[]): Promise<void> {
  // The dead node's are reaped, and those who stay are alone with the late ones of the living nodes.
  await vi.waitFor(
    async () => {
      const records = await storedPresence(client);
      expect([...records.values()].filter((at) => at === 'away')).toEqual([]);
      expect(records.size).toBe(staying.length * 3);
    },
    { timeout: 60_000, interval: 300 },
  );
}

test('a node is killed while people come and go: folded events are the stored rooms, each joined has one left', async () => {
  const { stack, client, staying } = await killWhilePeopleMove();
  await using _ = stack;
  const now = await foldOutbox(client);
  expect(now.faults).toEqual([]);
  await settled(client, staying);
  const then = await foldOutbox(client);
  const stored = await storedPresence(client);
  expect(differences(then.presence, stored)).toEqual([]);
  expect(then.joins - then.leaves).toBe(stored.size);
  expect(then.faults).toEqual([]);
  expect(then.reasons.timeout, 'of the killed node').toBeGreaterThan(5);
});

test('negative control: a node that writes no events is found out', async () => {
  await using redis = await startRedis();
  await using keys = await startTestKeys();
  const client = new Redis(redis.url);
  const config = { REDIS_URL: redis.url };
  await using told = await startTestNode({ keys, config: { ...config, EVENTS: true } });
  await using silent = await startTestNode({ keys, config });
  const differing = async () => differences((await foldOutbox(client)).presence, await storedPresence(client));
  using one = await connectClient(told, await keys.token('ada'));
  await one.join('room');
  expect(await differing()).toEqual([]);
  using other = await connectClient(silent, await keys.token('bob'));
  await other.join('room');
  expect(await differing()).toHaveLength(1);
  client.disconnect();
});
