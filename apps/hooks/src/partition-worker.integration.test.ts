/** A room whose nodes all died ends, once; one with a living node, or with time left for who is away, stays. With a real Redis. */
import { partitionOf } from '@tandem/service/room-events';
import { startRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import type { WorkerParts } from './deliveries.ts';
import { keys } from './keys.ts';
import { newCounters } from './observe.ts';
import { PartitionWorker } from './partition-worker.ts';

const PARTITION = 7;
const TOLD = { f: 1, t: 1, m: 1, v: 2, p: { peer: ['ada', 1] } };

/** A room of the partition that the worker holds. */
function named(name: string): string {
  for (let i = 0; ; i++) if (partitionOf(`${name}-${i}`) === PARTITION) return `${name}-${i}`;
}

test('a room whose nodes all died ends once with its events, others stay', async () => {
  await using server = await startRedis();
  const redis = new Redis(server.url);
  const now = Date.now();
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  // Minutes stand in the beats, so that no test waits for them.
  await redis.zadd(keys.nodes, now - 61_000, 'dead', now - 59_000, 'silent', now, 'living');
  const rooms = {
    lost: ['1 0 dead {}'],
    gone: ['1 0 dead {}', `1 ${now - 1} dead {}`],
    kept: ['1 0 dead {}', '1 0 living {}'],
    soon: ['1 0 silent {}'],
    away: [`1 ${now + 3_600_000} dead {}`],
  };
  for (const [name, members] of Object.entries(rooms)) {
    const room = named(name);
    await redis.hset(keys.room(room), '#', '2 1', ...members.flatMap((member, i) => [`peer${i}`, member]));
    await redis.hset(keys.told(PARTITION), room, JSON.stringify(TOLD));
  }
  const parts = { redis, endpoints: { all: async () => [] }, counters: newCounters() } as unknown as WorkerParts;
  const worker = new PartitionWorker(PARTITION, 'dispatcher 1', parts);
  await worker.findLost(now);
  await worker.findLost(now);
  const there = await Promise.all(Object.keys(rooms).map((name) => redis.exists(keys.room(named(name)))));
  expect(there).toEqual([0, 0, 1, 1, 1]);
  const log = await redis.xrange(keys.log(PARTITION), '-', '+');
  const ended = log.map(([, fields]) => `${fields[3]} ${fields[5]}`).sort();
  expect(ended).toEqual([
    ...['gone', 'lost'].map((name) => `peer.left ${named(name)}`),
    ...['gone', 'lost'].map((name) => `room.ended ${named(name)}`),
  ]);
  redis.disconnect();
});
