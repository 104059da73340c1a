/** `npm run bench -- rooms-list`: all rooms by pages, and how long a call of the API takes beside relayed messages. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectRedis, type RedisClient } from '@tandem/service';
import { PARTITIONS, partitionOf, partitionTag } from '@tandem/service/room-events';
import { waitedNs } from './lib/cpu.ts';
import { Load } from './lib/load.ts';
import { pinSelf } from './lib/proc.ts';
import { startBenchRedis } from './lib/redis.ts';
import { fixed, quantile, table } from './lib/stats.ts';
import { type System, tandem } from './lib/systems.ts';

export const summary =
  'a million rooms listed by pages without a slow command, and p99 of the API beside relayed messages';

/** Rooms of one partition, each with a member, as room.lua leaves them. KEYS[1] list of rooms, ARGV names. */
const FILL = `
local start = string.sub(KEYS[1], 1, -6) .. 'r:'
for _, name in ipairs(ARGV) do
  redis.call('ZADD', KEYS[1], 0, name)
  redis.call('HSET', start .. name, '#', '1795000000000001 1795000000000000', 'peer-of-' .. name, '1 0 n0 {"userId":"ada"}')
end
return 0`;
const FILL_AT_ONCE = 1000;
/** Calls a second of the API while its delay is measured. */
const CALLS_PER_SECOND = 20;

async function fill(redis: RedisClient, count: number): Promise<void> {
  const names: string[][] = Array.from({ length: PARTITIONS }, () => []);
  for (let i = 0; i < count; i++) {
    const name = `room-${String(i).padStart(7, '0')}`;
    (names[partitionOf(name)] as string[]).push(name);
  }
  for (const [partition, all] of names.entries())
    for (let i = 0; i < all.length; i += FILL_AT_ONCE)
      await redis.eval(FILL, 1, `tandem:{${partitionTag(partition)}}:rooms`, ...all.slice(i, i + FILL_AT_ONCE));
}

async function call<T>(system: System, path: string): Promise<{ readonly body: T; readonly ms: number }> {
  const began = performance.now();
  const response = await fetch(`${system.apiUrl}${path}`, {
    headers: { authorization: `Bearer ${await system.backendToken?.()}` },
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${body}`);
  return { body: JSON.parse(body) as T, ms: performance.now() - began };
}

/** @throws Error when a room is missing or comes twice */
async function listAll(system: System, count: number, limit: number): Promise<number[]> {
  const seen = new Set<string>();
  const times: number[] = [];
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const path: string = `/v1/rooms?limit=${limit}${cursor ? `&cursor=${cursor}` : ''}`;
    const page = await call<{ rooms: { roomId: string }[]; nextCursor?: string }>(system, path);
    for (const { roomId } of page.body.rooms) {
      if (seen.has(roomId)) throw new Error(`${roomId} came twice`);
      seen.add(roomId);
    }
    times.push(page.ms);
    cursor = page.body.nextCursor;
  }
  if (seen.size !== count) throw new Error(`${seen.size} of ${count} rooms came`);
  return times;
}

/** Delays of calls, one kind after the other, while `isOn`. */
async function callAll(system: System, isOn: () => boolean): Promise<number[]> {
  const times: number[] = [];
  const paths = ['/v1/rooms?limit=20', '/v1/rooms/room-0000007', '/v1/rooms/room-0000007/peers'];
  while (isOn()) {
    times.push((await call(system, paths[times.length % paths.length] as string)).ms);
    await sleep(1000 / CALLS_PER_SECOND);
  }
  return times;
}

const row = (name: string, times: readonly number[]) => [
  name,
  String(times.length),
  ...[0.5, 0.99, 1].map((q) => fixed(quantile(times, q), 1)),
];

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rooms: { type: 'string', default: '1000000' },
      limit: { type: 'string', default: '100' },
      seconds: { type: 'string', default: '10' },
      rate: { type: 'string', default: '5000' },
    },
  });
  pinSelf();
  const count = Number(values.rooms);
  await using parts = new AsyncDisposableStack();
  const redis = parts.use(await startBenchRedis());
  const client = connectRedis(redis.url);
  parts.defer(() => client.disconnect());
  await fill(client, count);
  const memory = /used_memory:(\d+)/.exec(await client.info('memory'))?.[1];
  console.log(`${count} rooms with a member each: ${fixed(Number(memory) / 1e6, 0)} MB of Redis`);
  const env = { API_REQUESTS_PER_SECOND: '1000000' };
  const system = parts.use(await tandem({ redisUrl: redis.url, start: { env } }));
  await client.slowlog('RESET');
  await client.config('RESETSTAT');
  const waited = waitedNs(redis.pid);
  const rows = [row(`all rooms, ${values.limit} a page`, await listAll(system, count, Number(values.limit)))];
  const ms = Number(values.seconds) * 1000;
  for (const rate of [0, Number(values.rate)]) {
    const load = rate > 0 ? await Load.open(system, 200, { roomSize: 2 }) : undefined;
    let isOn = true;
    const loaded = (load ? load.openLoop(rate, ms) : sleep(ms)).then(() => {
      isOn = false;
    });
    rows.push(
      row(rate === 0 ? 'a call, nothing else' : `a call beside ${rate} messages/s`, await callAll(system, () => isOn)),
    );
    await loaded;
    load?.close();
  }
  const slow = ((await client.slowlog('GET', 20)) as [unknown, unknown, number, string[]][]).map(
    ([, , us, [name = '']]) => `${name} ${fixed(us / 1000, 0)} ms`,
  );
  console.log(`\n${table([['', 'calls', 'p50 ms', 'p99 ms', 'longest'], ...rows])}`);
  console.log(`\ncommands of Redis above 10 ms: ${slow.join(', ') || 'none'}`);
  const stats = await client.info('commandstats');
  const each = ['zrangebylex', 'hkeys', 'hget', 'hmget'].map((name) => {
    const [, calls, us] =
      new RegExp(`cmdstat_${name}:calls=(\\d+),usec=\\d+,usec_per_call=([\\d.]+)`).exec(stats) ?? [];
    return `${name} ${us} µs (${calls} calls)`;
  });
  console.log(`each on average: ${each.join(', ')}`);
  console.log(`Redis could run and had no core for ${fixed((waitedNs(redis.pid) - waited) / 1e6, 0)} ms of it`);
}
