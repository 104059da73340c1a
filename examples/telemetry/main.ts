/** Telemetry never blocks: a signaling node relays while its collector works, stalls and dies. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatTraceparent, newTraceContext } from '@tandem/service';
import { startTestKeys, startTestNode, type TestKeys } from '@tandem/signaling/testing';
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

/** High enough that no message of this example is refused. */
const LIMITS = {
  MESSAGES_PER_SECOND: 100_000,
  USER_MESSAGES_PER_SECOND: 100_000,
  BYTES_PER_SECOND: 1_000_000_000,
  USER_FAN_OUT_BYTES_PER_SECOND: 1_000_000_000,
};

/** Counts of the node's own metrics. */
async function readItems(nodeUrl: string): Promise<Pick<Phase, 'exported' | 'lost' | 'limited'>> {
  const text = await (await fetch(`${nodeUrl}/metrics`)).text();
  const sum = (outcomes: string) => {
    const all = text.matchAll(
      new RegExp(`^tandem_telemetry_items_total\\{signal="\\w+",outcome="(?:${outcomes})".*\\} (\\d+)$`, 'gm'),
    );
    return [...all].reduce((total, match) => total + Number(match[1]), 0);
  };
  return { exported: sum('exported'), lost: sum('dropped|failed'), limited: sum('limited') };
}

/** Sends messages one after the other. @returns how long each took, ms */
async function exchange(ada: Peer, ben: Peer, peerId: string, messages: number): Promise<number[]> {
  const latencies: number[] = [];
  // Every message is of a sampled call: the worst case; in real life one call in a hundred is.
  const traceparent = formatTraceparent(newTraceContext());
  for (let i = 0; i < messages; i++) {
    const t0 = performance.now();
    ada.send({ type: 'message', peerId, data: 'x'.repeat(200), traceparent });
    await ben.next('message');
    latencies.push(performance.now() - t0);
    if (i % 10 === 9) await sleep(5);
  }
  return latencies;
}

/** Measures one phase; `until-lost` waits until the items of a dead collector count as lost. */
type Measure = (name: string, settle?: 'until-lost') => Promise<Phase>;

/** Starts a node with two people in a room, and gives `body` what measures them. */
async function withNode(
  keys: TestKeys,
  { config, messages }: { readonly config: Record<string, unknown>; readonly messages: number },
  body: (measure: Measure) => Promise<void>,
): Promise<void> {
  await using service = await startTestNode({ keys, config: { ...LIMITS, ...config } });
  using ada = await Peer.connect(service.wsUrl, await keys.token('ada'));
  using ben = await Peer.connect(service.wsUrl, await keys.token('ben'));
  await ada.next('welcome');
  const { peerId } = await ben.next('welcome');
  ada.send({ type: 'join', roomId: 'r' });
  await ada.next('joined');
  ben.send({ type: 'join', roomId: 'r' });
  await ben.next('joined');
  await body(async (name, settle) => {
    const before = await readItems(service.url);
    const cpu = process.cpuUsage();
    const latencies = await exchange(ada, ben, peerId, messages);
    const { user, system } = process.cpuUsage(cpu);
    // An export is retried for some seconds before it counts as lost.
    for (let i = 0; settle && i < 300 && (await readItems(service.url)).lost === before.lost; i++) await sleep(100);
    const after = await readItems(service.url);
    return {
      name,
      p50: quantile(latencies, 0.5),
      p99: quantile(latencies, 0.99),
      cpuMicros: (user + system) / messages,
      rssMb: process.memoryUsage.rss() / 1e6,
      exported: after.exported - before.exported,
      lost: after.lost - before.lost,
      limited: after.limited - before.limited,
    };
  });
}

function phaseTable(phases: readonly Phase[]): string {
  return table(
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
  );
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
  try {
    await withNode(keys, { config: {}, messages }, async (measure) => {
      await measure('(warm-up)');
      phases.push(await measure('no collector set'));
    });
    await withNode(keys, { config: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, messages }, async (measure) => {
      await measure('(warm-up)');
      phases.push(await measure('collector healthy'));
      collector.kill('SIGSTOP');
      phases.push(await measure('collector stalled'));
      phases.push(await measure('collector stalled, longer'));
      collector.kill('SIGKILL');
      phases.push(await measure('collector dead', 'until-lost'));
    });
  } finally {
    collector.kill('SIGKILL');
  }
  print(`One signaling node relays ${messages} messages in each phase; every one belongs to a sampled call.\n`);
  print(phaseTable(phases));
  print(
    '\nA stalled or dead collector costs no latency; what cannot be sent is dropped and counted, memory stays bounded.',
  );
  return phases;
}

if (import.meta.main) await run();
