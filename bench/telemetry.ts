/** What observing costs, µs of CPU for one call of each. */
import { createMetrics, formatTraceparent, newTraceContext, startTelemetry } from '@tandem/service';
import { startCollector } from '@tandem/service/testing';

export const summary = 'CPU of a counter and of a span, with and without a collector';

export async function run(): Promise<void> {
  const metrics = createMetrics({});
  const cell = metrics.cell('bench_cell_total', 'A plain number.', { kind: 'a' });
  const counter = metrics.counter('bench_counter_total', 'A labelled counter.', ['kind']);
  const time = (name: string, n: number, once: () => void) => {
    for (let i = 0; i < n / 10; i++) once();
    const start = process.cpuUsage();
    for (let i = 0; i < n; i++) once();
    const used = process.cpuUsage(start);
    console.log(`${name.padEnd(36)} ${((used.user + used.system) / n).toFixed(3).padStart(8)} µs`);
  };
  time('counter on the hot path (cell)', 1e7, () => {
    cell.value++;
  });
  time('labelled counter', 5e5, () => counter.inc({ kind: 'a' }));
  const sampled = formatTraceparent(newTraceContext());
  const unsampled = formatTraceparent(newTraceContext(false));
  await using off = await startTelemetry({ service: 'bench', node: 'n' });
  time('span, no collector set', 1e6, () => off.span('x', { parent: sampled })?.end());
  await using collector = await startCollector();
  await using on = await startTelemetry({
    service: 'bench',
    node: 'n',
    endpoint: collector.url,
    maxSpansPerSecond: 1e9,
  });
  time('span, caller not sampled', 2e5, () => on.span('x', { parent: unsampled, followOnly: true })?.end());
  time('span, caller sampled', 5e4, () => on.span('x', { parent: sampled, followOnly: true })?.end());
}
