import { DataPointType } from '@opentelemetry/sdk-metrics';
import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { registryProducer } from './otlp-metrics.ts';

test('a cell is a plain number to its owner and a labelled counter to the scraper', async () => {
  const metrics = createMetrics({ service: 'x', node: 'n1' });
  const offers = metrics.cell('tandem_relayed_total', 'Relayed.', { type: 'offer' });
  const answers = metrics.cell('tandem_relayed_total', 'Relayed.', { type: 'answer' });
  offers.value += 3;
  answers.value++;
  const lines = (await metrics.text()).split('\n');
  expect(lines).toContain('tandem_relayed_total{type="offer",service="x",node="n1"} 3');
  expect(lines).toContain('tandem_relayed_total{type="answer",service="x",node="n1"} 1');
  // Scraping does not count twice.
  expect(await metrics.text()).toContain('tandem_relayed_total{type="offer",service="x",node="n1"} 3');
});

test('OTLP sees what Prometheus sees', async () => {
  const metrics = createMetrics({ service: 'x' });
  metrics.counter('c_total', 'C', ['kind']).inc({ kind: 'a' }, 2);
  metrics.gauge('g', 'G', () => 7);
  const h = metrics.histogram('h_seconds', 'H', [0.1, 1]);
  for (const v of [0.05, 0.5, 0.6, 5]) h.observe(v);
  const { resourceMetrics } = await registryProducer(metrics.registry).collect();
  const data = Object.fromEntries(resourceMetrics.scopeMetrics[0]?.metrics.map((m) => [m.descriptor.name, m]) ?? []);
  expect(data.c_total).toMatchObject({ dataPointType: DataPointType.SUM, isMonotonic: true });
  expect(data.c_total?.dataPoints[0]).toMatchObject({ value: 2, attributes: { kind: 'a', service: 'x' } });
  expect(data.g?.dataPoints[0]?.value).toBe(7);
  expect(data.h_seconds?.dataPoints[0]?.value).toMatchObject({
    buckets: { boundaries: [0.1, 1], counts: [1, 2, 1] },
    count: 4,
    sum: 6.15,
  });
});
