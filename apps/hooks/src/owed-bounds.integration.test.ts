/** What an endpoint that is down is owed stays bounded by the log, and never at the cost of what is new; with a real Redis. */
import { connectRedis, type RedisClient } from '@tandem/service';
import { partitionOf } from '@tandem/service/room-events';
import { startRedis, type TestRedis } from '@tandem/service/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Endpoint } from './endpoints.ts';
import { keys, partitionPrefix } from './keys.ts';
import { listDeliveries, replay } from './replay.ts';
import { runScript } from './scripts.ts';

const PARTITION = 7;
const ENDPOINT = { id: 'ep', types: [], rooms: ['*'] } as unknown as Endpoint;
const due = keys.due(PARTITION, 'ep');
const queue = (room: string) => keys.queue(PARTITION, 'ep', room);

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url);
});
beforeEach(async () => {
  await redis.flushall();
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
});
afterAll(async () => {
  redis?.disconnect();
  await server?.[Symbol.asyncDispose]();
});

/** An event of each of `rooms`, owed to the endpoint. @returns {left out, given up} */
async function commit(rooms: readonly string[], by = redis): Promise<[leftOut: number, expired: number]> {
  const events = rooms.map((room, i) => ({
    id: `evt_${room}_${i}`,
    type: 'peer.joined',
    room,
    body: '{}',
    to: ['ep'],
  }));
  const named = [keys.lease, keys.cursor, keys.told, keys.log, keys.outbox].map((of) => of(PARTITION));
  const cursor = (await redis.get(keys.cursor(PARTITION))) ?? '';
  const args = ['dispatcher 1', cursor, `${cursor}1`, partitionPrefix(PARTITION), JSON.stringify({ told: [], events })];
  return (await runScript(by, 'commit', named, args)) as [number, number];
}

test('E-5 of an endpoint that is down for long, what the log keeps no more makes way, as given up', async () => {
  const old = Array.from({ length: 1500 }, (_, i) => `old-${i}`);
  expect(await commit(old)).toEqual([0, 0]);
  await commit(['old-0']);
  await redis.hset(keys.tries(PARTITION, 'ep'), 'old-0', '3 status_500');
  await redis.zadd(due, Date.now() + 36_000_000, 'old-0');
  await redis.xtrim(keys.log(PARTITION), 'MAXLEN', 1);
  let given = 0;
  for (let i = 0; i < 20; i++) given += (await commit(Array(50).fill(`new-${i}`)))[1];
  // Below that number of rooms, each waits for its own next try.
  expect(await redis.zcard(due)).toBeLessThanOrEqual(1001);
  expect(given).toBeGreaterThanOrEqual(500);
  const dead = await redis.xrange(keys.dead(PARTITION, 'ep'), '-', '+');
  expect(dead).toHaveLength(given);
  expect(new Set(dead.map(([, fields]) => fields[3]))).toEqual(new Set(['expired']));
  // Nothing that can be sent went.
  for (let i = 0; i < 20; i++) expect(await redis.llen(queue(`new-${i}`))).toBe(50);
  const [last] = await redis.xrange(keys.log(PARTITION), '-', '+', 'COUNT', 1);
  expect((await redis.lrange(queue('old-0'), 0, -1)).at(-1)).toBe(last?.[0]);
  for (const room of old.slice(1))
    expect(await redis.exists(queue(room))).toBe(Number(!!(await redis.zscore(due, room))));
});

test('E-9 a replay adds nothing that is owed already, so that what is new finds its place', async () => {
  const room = Array.from({ length: 999 }, (_, i) => `r-${i}`).find((one) => partitionOf(one) === PARTITION) ?? '';
  await commit(Array(40).fill(room));
  const again = () => replay(redis, ENDPOINT, { after: 0, before: undefined, roomId: room });
  for (let i = 0; i < 30; i++) expect(await again()).toBe(0);
  const entries = (await redis.xrange(keys.log(PARTITION), '-', '+')).map(([entry]) => entry);
  await redis.lpop(queue(room));
  // The one that was delivered, behind the others.
  expect(await again()).toBe(1);
  expect(await redis.lrange(queue(room), 0, -1)).toEqual([...entries.slice(1), entries[0]]);
  expect(await commit([room])).toEqual([0, 0]);
});

test('E-8 events go on while the cache has the rights of before, as it may during a deployment', async () => {
  const rights = ['on', 'nopass', '~*', '+@all', '-zcard', '-zrandmember', '-lrange'];
  await redis.call('ACL', 'SETUSER', 'before', ...rights);
  const before = connectRedis(server.url, { username: 'before', password: 'any' });
  const room = Array.from({ length: 999 }, (_, i) => `r-${i}`).find((one) => partitionOf(one) === PARTITION) ?? '';
  expect(await commit([room], before)).toEqual([0, 0]);
  expect(await replay(before, ENDPOINT, { after: 0, before: undefined, roomId: room })).toBe(1);
  before.disconnect();
});

test('E-9 the list of what waits reads about as much as it shows, however much that is', async () => {
  const room = (i: number) => `r-${i}`;
  for (let i = 0; i < 20_000; i += 1000)
    await redis.hset(
      keys.tries(PARTITION, 'ep'),
      ...Array.from({ length: 1000 }, (_, n) => [room(i + n), '3 status_500']).flat(),
    );
  const output = async () => Number(/total_net_output_bytes:(\d+)/.exec(await redis.info('stats'))?.[1]);
  const before = await output();
  const listed = await listDeliveries(redis, ENDPOINT, 'waiting');
  expect(listed).toHaveLength(100);
  expect(new Set(listed.map(({ roomId }) => roomId)).size).toBe(100);
  expect(listed[0]).toEqual({ roomId: expect.stringMatching(/^r-/), reason: 'status_500', tries: 3 });
  expect((await output()) - before).toBeLessThan(50_000);
});

test('E-9 the list of what failed is the latest of all partitions, and reads no more events than it shows', async () => {
  const gone = { ...ENDPOINT, rooms: ['mine'] };
  for (let i = 0; i < 6400; i++) {
    const [p, at] = [i % 64, 1000 + i];
    const room = i === 6399 ? 'yours' : 'mine';
    redis.xadd(keys.log(p), `${at}-0`, 'i', `evt_${i}`, 't', 'peer.left', 'r', room, 'b', '{}').catch(() => {});
    redis.xadd(keys.dead(p, 'ep'), `${at}-0`, 'e', `${at}-0`, 'w', 'status_500').catch(() => {});
  }
  await redis.config('RESETSTAT');
  const listed = await listDeliveries(redis, gone, 'failed');
  // The very latest is of a room that the endpoint has no more.
  expect(listed.map(({ eventId }) => eventId)).toEqual(Array.from({ length: 100 }, (_, i) => `evt_${6398 - i}`));
  expect(listed[0]).toMatchObject({ roomId: 'mine', reason: 'status_500', at: new Date(7398).toISOString() });
  const reads = Number(/cmdstat_xrange:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
  expect(reads).toBeLessThanOrEqual(200);
});
