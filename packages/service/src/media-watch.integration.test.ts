/** Who is taken for dead, on a real Redis and by a clock of the test. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { MEDIA_DIRECTORY_KEY, writeMediaNode } from './media-directory.ts';
import { MediaWatch } from './media-watch.ts';
import { connectRedis, type RedisClient } from './redis.ts';
import { startRedis, type TestRedis } from './testing/redis-server.ts';

let server: TestRedis;
let redis: RedisClient;
beforeAll(async () => {
  server = await startRedis();
  redis = connectRedis(server.url);
});
beforeEach(async () => void (await redis.del(MEDIA_DIRECTORY_KEY)));
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
});

/** A watch that reads every 500 ms; `renew` are those who write before a reading. */
function watching() {
  let now = 0;
  let writes = 0;
  const began = Date.now();
  const watch = new MediaWatch(redis, () => now);
  const write = async (id: string) => {
    // An entry counts as renewed when it says another time: never twice the same.
    const updatedAt = began - ++writes;
    const entry = { zone: 'z', load: 0, state: 'serving', updatedAt };
    await redis.hset(MEDIA_DIRECTORY_KEY, id, JSON.stringify(entry));
  };
  const read = async (seconds: number, ...renew: string[]) => {
    let ids: string[] = [];
    for (let half = 0; half < seconds * 2; half++) {
      now += 500;
      for (const id of renew) await write(id);
      ids = [...(await watch.read()).keys()].sort();
    }
    return ids;
  };
  const skip = (seconds: number) => {
    now += seconds * 1000;
  };
  return { watch, write, read, skip };
}

test('S-123 a node that renews its entry lives; one that does not is overdue after 1.5 s and dead after 3 s', async () => {
  const { watch, write, read } = watching();
  await write('mute');
  expect(await read(1, 'loud')).toEqual(['loud', 'mute']);
  expect(watch.isOverdue('mute')).toBe(false);
  expect(await read(1, 'loud')).toEqual(['loud', 'mute']);
  expect([watch.isOverdue('mute'), watch.isOverdue('loud'), watch.isOverdue('nobody')]).toEqual([true, false, true]);
  expect(await read(1, 'loud')).toEqual(['loud', 'mute']);
  expect(await read(0.5, 'loud')).toEqual(['loud']);
  // It goes on.
  expect(await read(0.5, 'loud', 'mute')).toEqual(['loud', 'mute']);
});

test('S-123 time in which nobody read, as while Redis is away, makes no node dead', async () => {
  const { watch, write, read, skip } = watching();
  await write('mute');
  await read(2);
  skip(5);
  expect(await read(0.5)).toEqual(['mute']);
  expect(watch.isOverdue('mute')).toBe(false);
  expect(await read(2.5)).toEqual(['mute']);
  expect(await read(0.5)).toEqual([]);
});

test('S-123 whose clock is wrong, and whose entry Redis lost while it was away, are not dead: what counts is that they write', async () => {
  const { write, read, skip } = watching();
  const late = async (by: number) => {
    const entry = { zone: 'z', load: 0, state: 'serving', updatedAt: Date.now() - 3_600_000 + by };
    await redis.hset(MEDIA_DIRECTORY_KEY, 'late', JSON.stringify(entry));
  };
  await late(0);
  await write('lost');
  expect(await read(0.5)).toEqual(['lost']);
  await late(1000);
  expect(await read(0.5)).toEqual(['late', 'lost']);
  // A failover to a replica that never had them.
  skip(7);
  await redis.del(MEDIA_DIRECTORY_KEY);
  await late(2000);
  expect(await read(0.5)).toEqual(['late', 'lost']);
  expect(await read(1.5, 'lost')).toEqual(['late', 'lost']);
  // Removed while Redis is there: it has ended.
  await read(3, 'lost', 'other');
  await redis.hdel(MEDIA_DIRECTORY_KEY, 'lost');
  expect(await read(0.5, 'other')).toEqual(['other']);
});

test('an entry older than six seconds is of a dead node at the first reading', async () => {
  await writeMediaNode(redis, 'old', { zone: 'z', load: 0, state: 'serving' });
  const text = JSON.parse((await redis.hget(MEDIA_DIRECTORY_KEY, 'old')) ?? '');
  await redis.hset(MEDIA_DIRECTORY_KEY, 'old', JSON.stringify({ ...text, updatedAt: Date.now() - 6100 }));
  expect(await watching().read(0.5)).toEqual([]);
});
