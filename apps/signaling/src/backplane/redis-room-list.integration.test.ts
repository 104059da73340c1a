/** What a page of rooms asks of Redis, by Redis' own count. */
import { connectRedis, type RedisClient } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { expect, test } from 'vitest';
import { RedisKeys } from './redis-keys.ts';
import { listRooms } from './redis-room-list.ts';
import { PARTITIONS, partitionOf } from './types.ts';

const keys = new RedisKeys('list');

/** @returns the names, in the order of a list */
async function fill(redis: RedisClient, count: number): Promise<string[]> {
  const names = Array.from({ length: PARTITIONS }, (): string[] => []);
  for (let i = 0; i < count; i++) names[partitionOf(`room-${i}`)]?.push(`room-${i}`);
  for (const [partition, all] of names.entries())
    if (all.length > 0) await redis.zadd(keys.rooms(partition), ...all.flatMap((name) => [0, name]));
  return names.flatMap((all) => all.sort());
}

test('B-40 a page that one partition fills asks that one alone; one of a few rooms asks each partition once; none comes twice', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  const asked = async (limit: number, after?: string) => {
    await redis.config('RESETSTAT');
    const names = await listRooms(redis, keys, { prefix: 'room-', limit, ...(after === undefined ? {} : { after }) });
    return [names, Number(/cmdstat_zrangebylex:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1])] as const;
  };
  const few = await fill(redis, 40);
  expect(await asked(100)).toEqual([few, PARTITIONS]);
  const many = await fill(redis, 64 * 50);
  expect(await asked(20)).toEqual([many.slice(0, 20), 1]);
  const all: string[] = [];
  for (let page: readonly string[] = []; all.length < many.length; all.push(...page)) {
    const [names, calls] = await asked(100, all.at(-1));
    // Three partitions of about 50 hold a page; the second step asks three more at once.
    expect(calls).toBeLessThanOrEqual(1 + 3);
    page = names;
  }
  expect(all).toEqual(many);
  redis.disconnect();
});
