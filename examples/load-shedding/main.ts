/** Goodput under overload, with and without load shedding: the same arrivals, twice. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { quantile, table } from '../lib/table.ts';

/** Clients give up after this time, ms; a later answer is useless. */
const DEADLINE_MS = 500;
const CONNECTIONS = 1000;
/** Requests a second that the service can answer: server.ts takes 5 ms of CPU for each. */
const CAPACITY = 200;

export interface Load {
  readonly offered: number;
  /** Good answers within the deadline, per second. */
  readonly goodput: number;
  readonly late: number;
  readonly shed: number;
  readonly p95: number;
}

function warm(agent: Agent, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', agent, path: '/warm' }, (response) => response.resume().on('end', resolve))
      .on('error', reject)
      .end();
  });
}

async function measure(shed: boolean, perSecond: number, seconds: number): Promise<Load> {
  const child = fork(new URL('./server.ts', import.meta.url), { env: { ...process.env, SHED: shed ? '1' : '0' } });
  const [port] = (await once(child, 'message')) as [number];
  // Connections are open before the load begins, as those of a load balancer are: queues form in the service, not in its accept backlog.
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS });
  await Promise.all(Array.from({ length: CONNECTIONS }, () => warm(agent, port)));
  const good: number[] = [];
  let late = 0;
  let refused = 0;
  const pending = new Set<Promise<void>>();
  const one = () => {
    const t0 = performance.now();
    const done = new Promise<void>((resolve) => {
      const r = request({ port, host: '127.0.0.1', agent, timeout: 20_000 }, (response) => {
        response.resume();
        response.on('end', () => {
          const ms = performance.now() - t0;
          if (response.statusCode === 503) refused++;
          else if (ms <= DEADLINE_MS) good.push(ms);
          else late++;
          resolve();
        });
      });
      r.on('error', () => resolve());
      r.end();
    });
    pending.add(done);
    void done.then(() => pending.delete(done));
  };
  // Open loop: arrivals do not wait for answers, as people do not.
  const started = performance.now();
  let sent = 0;
  while (performance.now() - started < seconds * 1000) {
    const due = ((performance.now() - started) / 1000) * perSecond;
    while (sent < due) {
      one();
      sent++;
    }
    await sleep(5);
  }
  await sleep(DEADLINE_MS);
  child.kill('SIGKILL');
  await Promise.all(pending);
  agent.destroy();
  return { offered: sent / seconds, goodput: good.length / seconds, late, shed: refused, p95: quantile(good, 0.95) };
}

export async function run(
  print: (line: string) => void = console.log,
  options: { perSecond?: number; seconds?: number } = {},
): Promise<{ without: Load; with: Load }> {
  const { perSecond = 400, seconds = 8 } = options;
  print(
    `Each request takes 5 ms of CPU (at most ${CAPACITY}/s); ${perSecond}/s arrive for ${seconds} s; clients give up after ${DEADLINE_MS} ms.\n`,
  );
  const without = await measure(false, perSecond, seconds);
  const shedding = await measure(true, perSecond, seconds);
  const row = (name: string, l: Load) => [
    name,
    l.offered.toFixed(0),
    l.goodput.toFixed(1),
    l.shed,
    l.late,
    Number.isNaN(l.p95) ? '-' : l.p95.toFixed(0),
  ];
  print(
    table(
      ['', 'offered/s', 'goodput/s', 'refused', 'too late', 'p95 of good, ms'],
      [row('without', without), row('with shedding', shedding)],
    ),
  );
  const share = (load: Load) => `${((load.goodput / CAPACITY) * 100).toFixed(0)} %`;
  print(
    `\nuseful answers, of the ${CAPACITY}/s possible: ${share(without)} without shedding, ${share(shedding)} with it`,
  );
  return { without, with: shedding };
}

if (import.meta.main) await run();
