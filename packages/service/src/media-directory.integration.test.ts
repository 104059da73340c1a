/** The media directory on a real Redis. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  assignRoom,
  forgetRoom,
  MEDIA_DIRECTORY_KEY,
  nextCall,
  rankMediaNodes,
  readAssignment,
  readMediaNodes,
  renewRoom,
  writeMediaNode,
} from './media-directory.ts';
import { connectRedis, type RedisClient } from './redis.ts';
import { startRedis, type TestRedis } from './testing/redis-server.ts';

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

test('a node that was silent for six seconds is none, and neither is what is not one', async () => {
  await writeMediaNode(redis, 'a', { zone: 'z1', load: 0.2, state: 'serving' });
  await redis.hset(MEDIA_DIRECTORY_KEY, 'b', '{"zone":1}', 'c', 'no json');
  expect([...(await readMediaNodes(redis)).keys()]).toEqual(['a']);
  expect((await readMediaNodes(redis, Date.now() + 6001)).size).toBe(0);
});

test('nodes that drain are not chosen, full ones last, and the own zone first', () => {
  const node = (zone: string, load: number, state: 'serving' | 'draining' = 'serving') =>
    ({ zone, load, state, updatedAt: 0 }) as const;
  const nodes = new Map([
    ['full', node('z1', 0.95)],
    ['far', node('z2', 0.1)],
    ['near', node('z1', 0.2)],
    ['leaving', node('z1', 0, 'draining')],
  ]);
  expect(rankMediaNodes(nodes, 'z1')).toEqual(['near', 'far', 'full']);
});

test('of many that assign a room at once one wins, its node hears of it, and no epoch goes back', async () => {
  const before = await readAssignment(redis, 'room');
  expect(before).toBeUndefined();
  const all = await Promise.all(['a', 'b', 'c', 'd'].map((node) => assignRoom(redis, 'room', before, node)));
  const won = all.filter((one) => one !== undefined);
  expect(won).toHaveLength(1);
  const [first] = won;
  expect(await readAssignment(redis, 'room')).toEqual(first);
  expect(await nextCall(redis, first?.node ?? '', 1)).toEqual({ room: 'room', epoch: first?.epoch });
  const second = await assignRoom(redis, 'room', first, 'e');
  expect(second?.epoch).toBe((first?.epoch ?? 0) + 1);
  // The node before neither keeps nor removes what is another's now.
  if (!first || !second) throw new Error('not assigned');
  expect(await renewRoom(redis, 'room', first)).toBe(false);
  await forgetRoom(redis, 'room', first.epoch);
  expect(await readAssignment(redis, 'room')).toEqual(second);
  await forgetRoom(redis, 'room', second.epoch);
  expect(await readAssignment(redis, 'room')).toBeUndefined();
  // Redis has forgotten the room: the next epoch is not lower than the clock was.
  const later = await assignRoom(redis, 'room', undefined, 'a');
  expect(later?.epoch).toBeGreaterThanOrEqual(first.epoch);
});

test('every key of a room ends by itself', async () => {
  await assignRoom(redis, 'mortal', undefined, 'n');
  for (const key of ['tandem:{media}:room:mortal', 'tandem:{media}:calls:n'])
    expect(await redis.ttl(key)).toBeGreaterThan(0);
});
