/** Telemetry never blocks: a signaling node relays while its collector works, stalls and dies. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTraceparent, newTraceContext } from '@tandem/service';
import { startTestKeys, startTestNode } from '@tandem/signaling/testing';
import { Peer } from '../lib/peer.ts';
import { quantile, table } from '../lib/table.ts';

export interface Phase {
  readonly name: string;
  readonly p50: number;
  readonly p99: number;
  /** CPU of this process (node and both clients) for one message, µs. */
  readonly cpuMicros: number;
  readonly rssMb: number;
  readonly exported: number;
  /** Dropped by the bounded queue or refused by the collector. */
  readonly lost: number;
  /** Spans not started: over the limit of spans a second. */
  readonly limited: number;
}

export async function run(
  print: (line: string) => void = console.log,
  options: { messages?: number } = {},
): Promise<Phase[]> {
  const { messages = 2000 } = options;
  await using keys = await startTestKeys();
  const collector = fork(new URL('./collector.ts', import.meta.url));
  const [endpoint] = (await once(collector, 'message')) as [string];

  const phases: Phase[] = [];
  const limits = {
    MESSAGES_PER_SECOND: 100_000,
    USER_MESSAGES_PER_SECOND: 100_000,
    BYTES_PER_SECOND: 1_000_000_000,
    USER_FAN_OUT_BYTES_PER_SECOND: 1_000_000_000,
  };
  const node = async (
    config: Record<string, unknown>,
    body: (phase: (name: string, settle?: boolean) => Promise<void>) => Promise<void>,
  ) => {
    await using service = await startTestNode({ keys, config: { ...limits, ...config } });
    using ada = await Peer.connect(service.wsUrl, await keys.token('ada'));
    using ben = await Peer.connect(service.wsUrl, await keys.token('ben'));
    await ada.next('welcome');
    const { peerId } = await ben.next('welcome');
    ada.send({ type: 'join', roomId: 'r' });
    await ada.next('joined');
    ben.send({ type: 'join', roomId: 'r' });
    await ben.next('joined');
    const items = async (outcomes: string) => {
      const text = await (await fetch(`${service.url}/metrics`)).text();
      const all = text.matchAll(
        new RegExp(`^tandem_telemetry_items_total\\{signal="\\w+",outcome="(?:${outcomes})".*\\} (\\d+)$`, 'gm'),
      );
      return [...all].reduce((sum, m) => sum + Number(m[1]), 0);
    };
    await body(async (name, settle = false) => {
      const latencies: number[] = [];
      const before = {
        exported: await items('exported'),
        lost: await items('dropped|failed'),
        limited: await items('limited'),
      };
      // Every message is of a sampled call: the worst case; in real life one call in a hundred is.
      const traceparent = formatTraceparent(newTraceContext());
      const cpu = process.cpuUsage();
      for (let i = 0; i < messages; i++) {
        const t0 = performance.now();
        ada.send({ type: 'message', peerId, data: 'x'.repeat(200), traceparent });
        await ben.next('message');
        latencies.push(performance.now() - t0);
        if (i % 10 === 9) await sleep(5);
      }
      const used = process.cpuUsage(cpu);
      // An export is retried for some seconds before it counts as lost.
      for (let i = 0; settle && i < 300 && (await items('dropped|failed')) === before.lost; i++) await sleep(100);
      phases.push({
        name,
        p50: quantile(latencies, 0.5),
        p99: quantile(latencies, 0.99),
        cpuMicros: (used.user + used.system) / messages,
        rssMb: process.memoryUsage.rss() / 1e6,
        exported: (await items('exported')) - before.exported,
        lost: (await items('dropped|failed')) - before.lost,
        limited: (await items('limited')) - before.limited,
      });
    });
  };

  try {
    await node({}, async (phase) => {
      await phase('(warm-up)');
      await phase('no collector set');
    });
    phases.shift();
    await node({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, async (phase) => {
      await phase('(warm-up)');
      phases.pop();
      await phase('collector healthy');
      collector.kill('SIGSTOP');
      await phase('collector stalled');
      await phase('collector stalled, longer');
      collector.kill('SIGKILL');
      await phase('collector dead', true);
    });
  } finally {
    collector.kill('SIGKILL');
  }
  print(`One signaling node relays ${messages} messages in each phase; every one belongs to a sampled call.\n`);
  print(
    table(
      ['', 'p50 ms', 'p99 ms', 'CPU µs/message', 'RSS MB', 'items sent', 'lost', 'over the limit'],
      phases.map((p) => [
        p.name,
        p.p50.toFixed(2),
        p.p99.toFixed(2),
        p.cpuMicros.toFixed(0),
        p.rssMb.toFixed(0),
        p.exported,
        p.lost,
        p.limited,
      ]),
    ),
  );
  print(
    '\nA stalled or dead collector costs no latency; what cannot be sent is dropped and counted, memory stays bounded.',
  );
  return phases;
}

if (import.meta.main) await run();
