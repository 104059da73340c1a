/** A room whose nodes all died ends, once; one with a living node, or with time left for who is away, stays. With a real Redis and a real Cluster. */
import { connectRedis, type RedisClient } from '@tandem/service';
import { outboxKey, partitionOf, writeRecordingEntry } from '@tandem/service/room-events';
import { startCluster, startRedis } from '@tandem/service/testing';
import { expect, test, vi } from 'vitest';
import type { WorkerParts } from './deliveries.ts';
import { keys } from './keys.ts';
import { NodeWatch } from './node-watch.ts';
import { newCounters } from './observe.ts';
import { PartitionWorker } from './partition-worker.ts';

const PARTITION = 7;
/** When workers begin, ms. */
const NOW = 1_000_000;
const TOLD = { f: 1, t: 1, m: 1, v: 2, p: { peer: ['ada', 1] } };

/** A room of the partition that the worker holds. */
function named(name: string): string {
  for (let i = 0; ; i++) if (partitionOf(`${name}-${i}`) === PARTITION) return `${name}-${i}`;
}

/** Silent for longer than its members may be away. */
const ONE_DEAD: Pick<NodeWatch, 'dead'> = { dead: () => ['dead'] };

function workerOn(redis: RedisClient, lease = 'dispatcher 1', nodes = ONE_DEAD): PartitionWorker {
  const parts = {
    ...{ redis, nodes },
    endpoints: { all: async () => [] },
    counters: newCounters(),
    now: () => NOW,
  } as unknown as WorkerParts;
  return new PartitionWorker(PARTITION, lease, parts);
}

async function tellRoom(redis: RedisClient, room: string, members: readonly string[]): Promise<void> {
  await redis.hset(keys.room(room), '#', '2 1', ...members.flatMap((member, i) => [`peer${i}`, member]));
  await redis.hset(keys.told(PARTITION), room, JSON.stringify(TOLD));
  await redis.zadd(keys.rooms(PARTITION), 0, room);
}

/** Type and room of each event of the log. */
async function loggedEvents(redis: RedisClient): Promise<string[]> {
  const log = await redis.xrange(keys.log(PARTITION), '-', '+');
  return log.map(([, fields]) => `${fields[3]} ${fields[5]}`);
}

test.for([
  ['one server', startRedis],
  ['a Cluster', startCluster],
] as const)('E-10 a room whose nodes all died ends once with its events, others stay: %s', async ([, start]) => {
  await using server = await start();
  const redis = connectRedis(server.url);
  const now = Date.now();
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  const rooms = {
    lost: ['1 0 dead {}'],
    gone: ['1 0 dead {}', `1 ${now - 1} dead {}`],
    kept: ['1 0 dead {}', '1 0 living {}'],
    soon: ['1 0 silent {}'],
    away: [`1 ${now + 3_600_000} dead {}`],
  };
  for (const [name, members] of Object.entries(rooms)) await tellRoom(redis, named(name), members);
  // As signaling writes them: kept for an hour when the room is empty.
  await redis.hset(keys.settings(named('gone')), 'rules', '0 0 0 0 3600000 0', 'doc', '{}', 'revision', '1');
  await redis.pexpire(keys.settings(named('gone')), 86_400_000);
  const worker = workerOn(redis);
  await worker.findLost(now);
  await worker.findLost(now);
  const there = await Promise.all(Object.keys(rooms).map((name) => redis.exists(keys.room(named(name)))));
  expect(there).toEqual([0, 0, 1, 1, 1]);
  expect((await loggedEvents(redis)).sort()).toEqual([
    ...['gone', 'lost'].map((name) => `peer.left ${named(name)}`),
    ...['gone', 'lost'].map((name) => `room.ended ${named(name)}`),
  ]);
  // What has settings is listed as long as they are kept; the other name goes.
  const listed = await redis.zrange(keys.rooms(PARTITION), '0', '-1');
  expect(listed).toEqual(['away', 'gone', 'kept', 'soon'].map(named).sort());
  expect(await redis.pttl(keys.settings(named('gone')))).toBeLessThanOrEqual(3_600_000);
  // The living node leaves too, by itself: what is left is of the dead one.
  await redis.hdel(keys.room(named('kept')), 'peer1');
  await worker.findLost(now);
  expect(await loggedEvents(redis)).toContain(`room.ended ${named('kept')}`);
  redis.disconnect();
});

test('E-10 a dispatcher dies between the removal of a room and its events: the next one writes them, once', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  const now = Date.now();
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  const room = named('lost');
  await tellRoom(redis, room, ['1 0 dead {}']);
  const dying = new Proxy(redis, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name !== 'hmget' && name !== 'evalsha') return typeof value === 'function' ? value.bind(target) : value;
      // The removal is carried out, and nothing after it.
      return async (...args: unknown[]) => {
        if ((await target.exists(keys.room(room))) === 0) throw new Error('killed');
        return (value as (...of: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  await expect(workerOn(dying).findLost(now)).rejects.toThrow('killed');
  expect(await redis.exists(keys.room(room))).toBe(0);
  expect(await loggedEvents(redis)).toEqual([]);
  // Another takes the partition; the dead one's lease counts no more.
  await redis.set(keys.lease(PARTITION), 'other 2');
  await workerOn(redis).findLost(now);
  expect(await loggedEvents(redis)).toEqual([]);
  const next = workerOn(redis, 'other 2');
  await next.findLost(now);
  await next.findLost(now);
  expect(await loggedEvents(redis)).toEqual([`peer.left ${room}`, `room.ended ${room}`]);
  redis.disconnect();
});

test('E-10 Redis was away for minutes and comes back before any node has beaten: no room ends, and one does whose node stays silent', async () => {
  await using server = await startRedis({ args: ['--appendonly', 'yes'] });
  const redis = connectRedis(server.url);
  redis.on('error', () => {});
  let clock = 0;
  const nodes = new NodeWatch(redis, () => clock);
  /** As time goes on, each `living` node beats, and the beats are read every three seconds. */
  const watch = async (seconds: number, ...living: string[]) => {
    for (const until = clock + seconds * 1000; clock < until; ) {
      clock += 3000;
      for (const node of living) await redis.zincrby(keys.nodes, 3000, node);
      await nodes.read();
    }
  };
  const written = Date.now() - 300_000;
  await redis.zadd(keys.nodes, written, 'n1', written, 'n2');
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  for (const [name, node] of [
    ['one', 'n1'],
    ['two', 'n2'],
  ] as const)
    await tellRoom(redis, named(name), [`1 0 ${node} {}`]);
  await watch(90, 'n1', 'n2');
  expect(nodes.dead()).toEqual([]);
  server.kill('SIGKILL');
  clock += 3000;
  await expect(nodes.read()).rejects.toThrow();
  clock += 300_000;
  await server.restart();
  // The lease is taken before a node has beaten, and its holder looks at once.
  await vi.waitFor(() => nodes.read(), { timeout: 30_000 });
  const worker = workerOn(redis, 'dispatcher 1', nodes);
  await worker.findLost(Date.now());
  await watch(57, 'n1');
  await worker.findLost(Date.now());
  expect(await loggedEvents(redis)).toEqual([]);
  await watch(3, 'n1');
  expect(nodes.dead()).toEqual(['n2']);
  await worker.findLost(Date.now());
  expect(await loggedEvents(redis)).toEqual([`peer.left ${named('two')}`, `room.ended ${named('two')}`]);
  // What was not read for a while proves nothing, nor do beats of before, as of a Redis that lost some.
  clock += 16_000;
  expect(nodes.dead()).toEqual([]);
  await watch(57, 'n1');
  expect(nodes.dead()).toEqual([]);
  await redis.zincrby(keys.nodes, -100_000, 'n2');
  await watch(57, 'n1');
  expect(nodes.dead()).toEqual([]);
  redis.disconnect();
});

test('E-3 a join that was refused is not told where a page of a backlog ends between the two', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  const room = named('backlog');
  const write = (at: number, head: string, line: string) =>
    redis.xadd(outboxKey('tandem', PARTITION), `${at}-1`, 'e', `${head} ${room}\n${line}`);
  // 499 of somebody who stays, so that the join of another is the last of the first page of 500, and its end begins the second.
  await write(1000, '10 10 1', '1 joined stays "ada"');
  for (let i = 1; i < 499; i++) await write(1000 + i, `${10 + i} 10 1`, `1 ${i % 2 ? 'away' : 'back'} stays `);
  await write(2000, '509 10 2', '1 joined refused "bob"');
  await write(2100, '510 10 1', '1 left refused refused');
  const worker = workerOn(redis);
  while (await worker.fold(Date.now()));
  const bodies = (await redis.xrange(keys.log(PARTITION), '-', '+')).map(([, fields]) => fields[7] ?? '');
  expect(bodies.filter((body) => body.includes('"refused"'))).toEqual([]);
  expect(await redis.get(keys.cursor(PARTITION))).toBe('2100-1 501');
  redis.disconnect();
});

test.for([
  ['in one round', [20_900]],
  ['in two rounds', [20_600, 20_900]],
  ['in two rounds of two dispatchers', [20_600, 20_900]],
] as const)(
  'E-3 a short absence is not told where its end is folded %s, and the next one is',
  async ([name, rounds]) => {
    await using server = await startRedis();
    const redis = connectRedis(server.url);
    await redis.set(keys.lease(PARTITION), 'dispatcher 1');
    const room = named('brief');
    let version = 10;
    const write = (at: number, line: string) =>
      redis.xadd(outboxKey('tandem', PARTITION), `${at}-1`, 'e', `${version++} 10 1 ${room}\n1 ${line}`);
    let worker = workerOn(redis);
    await write(10_000, 'joined peer "ada"');
    await worker.fold(11_000);
    await write(20_000, 'away peer ');
    await write(20_300, 'back peer ');
    for (const at of rounds) {
      await worker.fold(at);
      if (name.includes('dispatchers')) worker = workerOn(redis);
    }
    expect(await loggedEvents(redis)).toEqual([`room.started ${room}`, `peer.joined ${room}`]);
    await write(30_000, 'away peer ');
    await worker.fold(30_600);
    await write(30_700, 'back peer ');
    await worker.fold(31_600);
    expect((await loggedEvents(redis)).slice(2)).toEqual([`peer.away ${room}`, `peer.back ${room}`]);
    redis.disconnect();
  },
);

test('E-12 a client that never stops with updates is told twice a second, though each round sees a few of them', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  const room = named('chatty');
  let version = 10;
  const write = (at: number, line: string) =>
    redis.xadd(outboxKey('tandem', PARTITION), `${at}-1`, 'e', `${version++} 10 1 ${room}\n1 ${line}`);
  const worker = workerOn(redis);
  await write(10_000, 'joined peer "ada"');
  for (let at = 20_000; at < 30_000; at += 100) {
    await write(at, 'updated peer ');
    await worker.fold(at);
  }
  await worker.fold(40_000);
  const bodies = (await redis.xrange(keys.log(PARTITION), '-', '+')).map(([, fields]) => JSON.parse(fields[7] ?? ''));
  const told = bodies.filter(({ type }) => type === 'peer.updated').map(({ timestamp }) => Date.parse(timestamp));
  expect(told).toEqual(Array.from({ length: 20 }, (_, i) => 20_400 + 500 * i));
  redis.disconnect();
});

test('the age of the oldest change that is no event yet: held, a backlog, read to the end, and a store that does not answer', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  const room = named('late');
  const write = (at: number, version: number) =>
    redis.xadd(outboxKey('tandem', PARTITION), `${at}-1`, 'e', `${version} 10 1 ${room}\n1 away stays `);
  const worker = workerOn(redis);
  // Not read yet: since it began, as that may be the age of a change.
  expect(worker.unreadMs(NOW + 40)).toBe(40);
  await worker.fold(NOW + 100);
  expect(worker.unreadMs(NOW + 150)).toBe(50);
  // A backlog of two pages, of which the last half second of the first waits for the second; and one change that is held still.
  for (let i = 0; i < 501; i++) await write(NOW + 200 + 10 * i, 11 + i);
  await write(NOW + 9800, 512);
  expect(await worker.fold(NOW + 10_000)).toBe(true);
  expect(worker.unreadMs(NOW + 10_000)).toBe(10_000 - 4700);
  expect(await worker.fold(NOW + 10_000)).toBe(false);
  expect(worker.unreadMs(NOW + 10_000)).toBe(200);
  // The lease is another's: what was read did not become events.
  await redis.set(keys.lease(PARTITION), 'other 2');
  await worker.fold(NOW + 60_000);
  expect(worker.unreadMs(NOW + 60_000)).toBe(60_000 - 9800);
  redis.disconnect();
  await expect(worker.fold(NOW + 90_000)).rejects.toThrow();
  expect(worker.unreadMs(NOW + 90_000)).toBe(90_000 - 9800);
});

test('R-10 the end of a recording becomes an event of a room that is over since long', async () => {
  await using server = await startRedis();
  const redis = connectRedis(server.url);
  await redis.set(keys.lease(PARTITION), 'dispatcher 1');
  const recording = { recordingId: 'abcdefghijklmnop', status: 'ready', durationSeconds: 5.5 } as const;
  const value = writeRecordingEntry(named('over'), recording);
  for (const at of [NOW - 5000, NOW - 4000]) await redis.xadd(outboxKey('tandem', PARTITION), `${at}-0`, 'e', value);
  await workerOn(redis).fold(NOW);
  // Told twice, as a node that died after it wrote does: with one id.
  const log = await redis.xrange(keys.log(PARTITION), '-', '+');
  expect(await loggedEvents(redis)).toEqual(Array(2).fill(`recording.ready ${named('over')}`));
  expect(new Set(log.map(([, fields]) => fields[1])).size).toBe(1);
  redis.disconnect();
});
