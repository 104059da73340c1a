import Fastify, { type FastifyBaseLogger } from 'fastify';
import Type from 'typebox';
import { expect, test, vi } from 'vitest';
import { loadConfig } from './config.ts';
import { createLogger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { TelemetrySettings } from './settings.ts';
import { startTelemetry, traceRequests } from './telemetry.ts';
import { startCollector } from './testing/collector.ts';
import { formatTraceparent, newTraceContext, parseTraceparent } from './trace-context.ts';

const wait = { timeout: 15_000, interval: 20 };
const count = async (metrics: ReturnType<typeof createMetrics>, signal: string, outcome: string) =>
  Number(new RegExp(`signal="${signal}",outcome="${outcome}".*} (\\d+)`).exec(await metrics.text())?.[1] ?? 0);

test('off without an endpoint: no span, no cost, stdout as it was', async () => {
  await using telemetry = await startTelemetry({ service: 's', node: 'n' });
  expect(telemetry.enabled).toBe(false);
  expect(telemetry.span('x', { parent: formatTraceparent(newTraceContext()) })).toBeUndefined();
  expect(telemetry.logDestination(process.stdout)).toBe(process.stdout);
});

test('a wrong endpoint or header list is named; the header value is not told', async () => {
  // The second is a URL, of the scheme `localhost:`.
  for (const endpoint of ['collector', 'localhost:4318']) {
    await expect(startTelemetry({ service: 's', node: 'n', endpoint })).rejects.toThrow('OTEL_EXPORTER_OTLP_ENDPOINT');
    const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint };
    expect(() => loadConfig(Type.Object(TelemetrySettings), settings)).toThrow('OTEL_EXPORTER_OTLP_ENDPOINT: expected');
  }
  const encoded = startTelemetry({ service: 's', node: 'n', endpoint: 'http://127.0.0.1:1', headers: 'key=s3cret%' });
  await expect(encoded).rejects.toThrow('OTEL_EXPORTER_OTLP_HEADERS');
  const bad = startTelemetry({ service: 's', node: 'n', endpoint: 'http://127.0.0.1:1', headers: '=s3cret' });
  await expect(bad).rejects.toThrow('OTEL_EXPORTER_OTLP_HEADERS');
  await expect(bad).rejects.not.toThrow('s3cret');
});

test('spans and redacted logs of one request arrive under the trace id of the caller', async () => {
  await using collector = await startCollector();
  const metrics = createMetrics({ service: 's' });
  await using telemetry = await startTelemetry(
    { service: 's', node: 'n', endpoint: collector.url, exportIntervalMs: 50 },
    metrics,
  );
  const lines: string[] = [];
  const log = createLogger('s', 'info', telemetry.logDestination({ write: (line) => void lines.push(line) }));
  const app = Fastify({ loggerInstance: log as FastifyBaseLogger });
  traceRequests(app, telemetry);
  app.get('/hello/:id', async (request) => {
    request.log.info({ event: 'hello', token: 'tok-1', nested: { password: 'pw-1' } }, 'said hello');
    return 'hi';
  });
  const caller = newTraceContext();
  await app.inject({ url: '/hello/7?token=tok-2', headers: { traceparent: formatTraceparent(caller) } });
  await telemetry.flush();
  await vi.waitFor(() => expect(collector.spans).toHaveLength(1), wait);
  expect(collector.spans[0]).toMatchObject({
    name: 'GET /hello/:id',
    traceId: caller.traceId,
    parentSpanId: caller.spanId,
    service: 's',
    node: 'n',
  });
  await vi.waitFor(() => expect(collector.logs.find((l) => l.body === 'said hello')).toBeDefined(), wait);
  expect(collector.logs.find((l) => l.body === 'said hello')?.traceId).toBe(caller.traceId);
  expect(lines.some((l) => l.includes(caller.traceId) && l.includes('said hello'))).toBe(true);
  const everything = JSON.stringify([collector.logs, collector.spans, lines]);
  for (const secret of ['tok-1', 'tok-2', 'pw-1']) expect(everything).not.toContain(secret);
  expect(await count(metrics, 'traces', 'exported')).toBe(1);
  await app.close();
});

test('follows sampled parents only, within the limit of spans a second', async () => {
  await using collector = await startCollector();
  const metrics = createMetrics({ service: 's' });
  await using telemetry = await startTelemetry(
    { service: 's', node: 'n', endpoint: collector.url, ratio: 1, maxSpansPerSecond: 5 },
    metrics,
  );
  expect(telemetry.span('x', { followOnly: true })).toBeUndefined();
  expect(telemetry.span('x', { followOnly: true, parent: 'rubbish' })).toBeUndefined();
  expect(telemetry.span('x', { parent: formatTraceparent(newTraceContext(false)) })).toBeUndefined();
  const parent = formatTraceparent(newTraceContext());
  const started = Array.from({ length: 50 }, () => telemetry.span('x', { parent, followOnly: true }));
  for (const span of started) span?.end();
  const n = started.filter(Boolean).length;
  expect(n).toBeGreaterThanOrEqual(5);
  expect(n).toBeLessThanOrEqual(10);
  expect(await count(metrics, 'traces', 'limited')).toBe(50 - n);
});

test('a stalled collector: the queue stays bounded, drops are counted, shutdown has a deadline', async () => {
  await using collector = await startCollector();
  collector.stall(true);
  const metrics = createMetrics({ service: 's' });
  const telemetry = await startTelemetry(
    {
      service: 's',
      node: 'n',
      endpoint: collector.url,
      ratio: 1,
      queueSize: 100,
      exportIntervalMs: 10,
      maxSpansPerSecond: 1e9,
      shutdownMs: 100,
    },
    metrics,
  );
  for (let i = 0; i < 1000; i++) telemetry.span('x')?.end();
  expect(await count(metrics, 'traces', 'dropped')).toBeGreaterThanOrEqual(800);
  expect(await count(metrics, 'traces', 'exported')).toBe(0);
  await telemetry[Symbol.asyncDispose]();
});

test('the collector gets what /metrics says: counters, gauges and histograms with their labels', async () => {
  await using collector = await startCollector();
  const metrics = createMetrics({ service: 's', node: 'n' });
  metrics.cell('cells_total', 'Cells.', { kind: 'a' }).value = 3;
  metrics.counter('calls_total', 'Calls.', ['outcome']).inc({ outcome: 'ok' }, 2);
  metrics.gauge('open', 'Open.', () => 7);
  const seconds = metrics.histogram('wait_seconds', 'Wait.', [0.1, 1]);
  for (const value of [0.05, 0.5, 0.6, 5]) seconds.observe(value);
  const options = { service: 's', node: 'n', endpoint: collector.url, exportIntervalMs: 50 };
  await using telemetry = await startTelemetry(options, metrics);
  await telemetry.flush();
  await vi.waitFor(() => expect(collector.metrics.has('wait_seconds')).toBe(true), wait);
  const only = (name: string) => collector.metrics.get(name) ?? expect.fail(name);
  const labels = { service: 's', node: 'n' };
  expect(only('cells_total')).toMatchObject([{ asDouble: 3, attributes: { ...labels, kind: 'a' } }]);
  expect(only('calls_total')).toMatchObject([{ asDouble: 2, attributes: { ...labels, outcome: 'ok' } }]);
  expect(only('open')).toMatchObject([{ asDouble: 7, attributes: labels }]);
  expect(only('wait_seconds')).toMatchObject([
    { count: 4, sum: 6.15, explicitBounds: [0.1, 1], bucketCounts: [1, 2, 1], attributes: labels },
  ]);
});

test('a collector that is not there is no reason not to start, nor to fail', async () => {
  const telemetry = await startTelemetry({
    service: 's',
    node: 'n',
    endpoint: 'http://127.0.0.1:9',
    ratio: 1,
    shutdownMs: 200,
  });
  telemetry.span('x')?.end();
  await telemetry.flush();
  await telemetry[Symbol.asyncDispose]();
});

test('traceparent: the valid one round-trips, everything else is nothing', () => {
  const context = newTraceContext(false);
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  const id = 'a'.repeat(32);
  for (const bad of [
    '',
    1,
    null,
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${id}-${'0'.repeat(16)}-01`,
    `ff-${id}-${'b'.repeat(16)}-01`,
    `00-${id.toUpperCase()}-${'b'.repeat(16)}-01`,
    'x'.repeat(60),
  ])
    expect(parseTraceparent(bad)).toBeUndefined();
});
