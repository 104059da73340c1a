/** What is owed stays owed, whatever is written between two looks at it; with a real Redis. */
import type { RedisClient } from '@tandem/service';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Deliveries, TRIES_AT_ONCE, type WorkerParts } from './deliveries.ts';
import { TrySlots } from './delivery/try-slots.ts';
import type { Endpoint } from './endpoints.ts';
import { keys } from './keys.ts';
import { newCounters } from './observe.ts';
import { listDeliveries } from './replay.ts';
import { runScript } from './scripts.ts';

const PARTITION = 7;
const LEASE = 'dispatcher 1';
const endpoint = { id: 'ep', state: 'active', rooms: ['*'] } as unknown as Endpoint;

let server: TestRedis;
let redis: Redis;
beforeAll(async () => {
  server = await startRedis();
  redis = new Redis(server.url);
  await redis.set(keys.lease(PARTITION), LEASE);
});
afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

/** An event of `room` in the log, owed to the endpoint as commit.lua does. */
async function owe(room: string, id: string): Promise<void> {
  const entry = (await redis.xadd(keys.log(PARTITION), '*', 'i', id, 't', 'peer.joined', 'r', room, 'b', '{}')) ?? '';
  const named = [keys.due(PARTITION, endpoint.id), keys.queue(PARTITION, endpoint.id, room)];
  await runScript(redis as unknown as RedisClient, 'replay', named, [room, entry]);
}

function start(
  seenEmpty: () => Promise<void>,
  behindMs = -1000,
  answered: () => Promise<void> = async () => {},
  all: () => Promise<readonly Endpoint[]> = async () => [endpoint],
) {
  const delivered: string[] = [];
  const watched = new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'evalsha' && name !== 'eval') return value.bind(target);
      return async (...args: unknown[]) => {
        const answer = (await (value as (...of: unknown[]) => unknown).apply(target, args)) as string[];
        if (answer[0] === 'empty') await seenEmpty();
        return answer;
      };
    },
  });
  const parts = {
    redis: watched,
    endpoints: { all },
    counters: newCounters(),
    log: { warn: () => {}, error: () => {} },
    deliver: async (_endpoint: Endpoint, { id }: { id: string }) => {
      delivered.push(id);
      await answered();
      return { kind: 'accepted', status: 204 };
    },
    slots: new TrySlots(1),
    now: () => Date.now() - behindMs,
  } as unknown as WorkerParts;
  const deliveries = new Deliveries({ partition: PARTITION, lease: LEASE, parts, onFenced: () => {} });
  const round = async () => {
    deliveries.owed();
    await deliveries.begin(Date.now() + 1000);
    await deliveries.underWay();
  };
  return { delivered, round, deliveries, now: parts.now, slots: parts.slots };
}

test('an event that comes when the queue was just seen empty is delivered, not forgotten', async () => {
  let late: string | undefined = 'second';
  const { delivered, round } = start(async () => {
    const id = late;
    late = undefined;
    if (id) await owe('busy', id);
  });
  await owe('busy', 'first');
  await round();
  await round();
  expect(delivered).toEqual(['first', 'second']);
  expect(await redis.zcard(keys.due(PARTITION, endpoint.id))).toBe(0);
});

test('a room whose queue is gone is looked at no more', async () => {
  await redis.zadd(keys.due(PARTITION, endpoint.id), 1, 'expired');
  const { delivered, round } = start(async () => {});
  await round();
  expect(delivered).toEqual([]);
  expect(await redis.zcard(keys.due(PARTITION, endpoint.id))).toBe(0);
});

test('more rooms than an endpoint may have tries of follow as slots become free, without another look', async () => {
  const rooms = Array.from({ length: 3 * TRIES_AT_ONCE }, (_, i) => `many-${i}`);
  for (const room of rooms) await owe(room, room);
  const { delivered, round } = start(async () => {});
  await round();
  expect([...delivered].sort()).toEqual([...rooms].sort());
});

test.for<[string, () => readonly Endpoint[]]>([
  ['disabled', () => [{ ...endpoint, state: 'disabled' }]],
  ['removed', () => []],
  [
    'not to be read',
    () => {
      throw new Error('that server of the Cluster is away');
    },
  ],
])('an endpoint that is %s while it has a backlog is left at rest, and gets it when it is back', async ([, find]) => {
  const rooms = Array.from({ length: 3 * TRIES_AT_ONCE }, (_, i) => `rest-${i}`);
  for (const room of rooms) await owe(room, room);
  let reads = 0;
  let isBack = false;
  const { delivered, round } = start(
    async () => {},
    undefined,
    undefined,
    // The first is of the look that begins.
    async () => (isBack || reads++ === 0 ? [endpoint] : find()),
  );
  await round();
  expect(delivered).toEqual([]);
  expect(await redis.zcard(keys.due(PARTITION, endpoint.id))).toBe(rooms.length);
  isBack = true;
  await round();
  expect([...delivered].sort()).toEqual([...rooms].sort());
});

test('what is owed is delivered at the next look, also by a task whose clock is behind that of Redis', async () => {
  const { delivered, round } = start(async () => {}, 500);
  await owe('fresh', 'fresh');
  await round();
  expect(delivered).toEqual(['fresh']);
});

test('how long what is due waits: for a slot, and for the answer; not what is put off, nor what is done', async () => {
  let answer: () => void = () => {};
  const { round, deliveries, delivered, now, slots } = start(
    async () => {},
    0,
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  const due = keys.due(PARTITION, endpoint.id);
  for (const room of ['slow', 'behind', 'put-off']) await owe(room, room);
  const at = Date.now();
  await redis.zadd(due, at - 90_000, 'slow', at - 40_000, 'behind', at + 60_000, 'put-off');
  expect(deliveries.overdueMs(now())).toBe(0);
  // Another partition has the slot.
  const taken = await slots.take(endpoint.id);
  const over = round();
  await expect.poll(() => deliveries.overdueMs(at)).toBe(90_000);
  expect(delivered).toEqual([]);
  taken[Symbol.dispose]();
  await expect.poll(() => delivered).toEqual(['slow']);
  expect(deliveries.overdueMs(at)).toBe(90_000);
  answer();
  await expect.poll(() => delivered).toEqual(['slow', 'behind']);
  expect(deliveries.overdueMs(at)).toBe(40_000);
  answer();
  await over;
  expect(deliveries.overdueMs(at + 30_000)).toBe(0);
  await redis.del(due);
});

test('E-9 what waits of rooms that an endpoint has no more is sent to nobody, nor listed', async () => {
  for (const room of ['mine.1', 'yours.1', '']) for (const id of ['first', 'second']) await owe(room, `${room} ${id}`);
  await redis.hset(keys.tries(PARTITION, endpoint.id), 'mine.1', '1 status_500', 'yours.1', '1 status_500');
  // Its rooms were narrowed, and the address may be another's since.
  const narrowed = { ...endpoint, rooms: ['mine.*'] };
  const { delivered, round } = start(
    async () => {},
    undefined,
    undefined,
    async () => [narrowed],
  );
  const waiting = await listDeliveries(redis as unknown as RedisClient, narrowed, 'waiting');
  expect(waiting.map(({ roomId }) => roomId)).toEqual(['mine.1']);
  await round();
  expect([...delivered].sort()).toEqual([' first', ' second', 'mine.1 first', 'mine.1 second']);
  expect(await redis.zcard(keys.due(PARTITION, endpoint.id))).toBe(0);
});
