/** `npm run bench -- events`: what events cost a join, and how long they take from the change to the receiver. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connectRedis } from '@tandem/service';
import { compareEvents } from './joins.ts';
import { cpuNs } from './lib/cpu.ts';
import { type EventReceiver, joinAt, openPeers, startBenchHooks, startEventReceiver } from './lib/event-load.ts';
import { pinSelf } from './lib/proc.ts';
import { startBenchRedis } from './lib/redis.ts';
import { fixed, quantile, table } from './lib/stats.ts';
import { type System, tandem } from './lib/systems.ts';

export const summary = 'delay of events from the change to the receiver, by joins a second, and what they cost a join';

/** Longest wait for what was not delivered yet, ms. */
const PATIENCE_MS = 120_000;

interface Parts {
  readonly system: System;
  readonly redis: { readonly pid: number; readonly url: string };
  readonly hooks: { readonly pid: number };
  readonly receiver: EventReceiver;
}

/** A row: `seconds` of joins at `rate`. @throws Error when an event is missing */
async function measure({ system, redis, hooks, receiver }: Parts, rate: number, seconds: number, first: number) {
  const count = rate * seconds;
  const peers = await openPeers(system, first, count);
  receiver.delays.clear();
  receiver.repeated = 0;
  const pids = [system.pids[0], hooks.pid, redis.pid] as number[];
  const before = pids.map(cpuNs);
  const began = performance.now();
  const done = await joinAt(system, peers, rate, `bench-${first}`);
  for (const end = performance.now() + PATIENCE_MS; receiver.delays.size < count; await sleep(50))
    if (performance.now() > end) throw new Error(`${count - receiver.delays.size} of ${count} events did not come`);
  const took = performance.now() - began;
  const cpu = pids.map((pid, i) => (cpuNs(pid) - (before[i] as number)) / count / 1000);
  for (const peer of peers) peer.raw.end();
  const delays = [...receiver.delays.values()];
  return [
    String(rate),
    fixed(done, 0),
    fixed((count / took) * 1000, 0),
    ...[0.5, 0.99, 1].map((q) => fixed(quantile(delays, q), 0)),
    ...cpu.map((us) => fixed(us, 0)),
    String(receiver.repeated),
  ];
}

export async function run(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rates: { type: 'string', default: '50,100,200,400,700,1000' },
      seconds: { type: 'string', default: '4' },
      peers: { type: 'string', default: '2000' },
      'warm-up': { type: 'string', default: '400' },
    },
  });
  pinSelf();
  if (Number(values.peers) > 0) await compareEvents(Number(values.peers), {});
  await using parts = new AsyncDisposableStack();
  const redis = parts.use(await startBenchRedis());
  const system = parts.use(await tandem({ redisUrl: redis.url, start: { env: { EVENTS: 'true' } } }));
  const receiver = parts.use(await startEventReceiver());
  const hooks = parts.use(await startBenchHooks(redis.url, receiver.url));
  const all = { system, redis, hooks, receiver };
  const seconds = Number(values.seconds);
  // The compilers warm up.
  const warmUp = Number(values['warm-up']);
  await measure(all, warmUp / 4, 4, 0);
  let first = warmUp;
  const rows: string[][] = [];
  for (const rate of values.rates.split(',').map(Number)) {
    rows.push(await measure(all, rate, seconds, first));
    first += rate * seconds;
  }
  const client = connectRedis(redis.url);
  const slow = ((await client.slowlog('GET', 20)) as [unknown, unknown, number, string[]][]).map(
    ([, , us, [name = '']]) => `${name} ${fixed(us / 1000, 0)} ms`,
  );
  client.disconnect();
  console.log(
    `\n${seconds} s of joins on open connections, in rooms of two, one event each; servers on one core, load and receiver on the other`,
  );
  console.log(
    'delay: from the change in Redis to the receiver, 500 ms of it are waited on purpose (E-3); CPU a join or event\n',
  );
  const head = [
    'joins/s',
    'done',
    'events/s',
    'p50 ms',
    'p99 ms',
    'longest',
    'signaling µs',
    'hooks µs',
    'Redis µs',
    'repeated',
  ];
  console.log(table([head, ...rows]));
  console.log(`\ncommands of Redis above 10 ms: ${slow.join(', ') || 'none'}`);
}
