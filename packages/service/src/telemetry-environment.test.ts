/** The OTEL_* variables that operators know, set for real and read off what a collector receives. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createLogger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { startTelemetry } from './telemetry.ts';
import type { Telemetry } from './telemetry-types.ts';

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function receiver() {
  const requests: Received[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() });
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    requests,
    paths: () => [...new Set(requests.map((r) => r.path))].sort(),
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const wait = { timeout: 15_000, interval: 20 };
afterEach(() => {
  vi.unstubAllEnvs();
});

/** One span, one log line and the metrics, sent. */
async function sendOne(telemetry: Telemetry): Promise<void> {
  telemetry.span('one')?.end();
  createLogger('s', 'info', telemetry.logDestination({ write: () => {} })).info('a line');
  await telemetry.flush();
}

async function started(env: Record<string, string>, options: object = {}) {
  const collector = await receiver();
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value.replace('COLLECTOR', collector.url));
  const metrics = createMetrics({ service: 's' });
  const telemetry = await startTelemetry(
    { service: 's', node: 'n', endpoint: collector.url, ratio: 1, exportIntervalMs: 50, shutdownMs: 200, ...options },
    metrics,
  );
  return {
    collector,
    metrics,
    telemetry,
    async [Symbol.asyncDispose]() {
      await telemetry[Symbol.asyncDispose]();
      await collector[Symbol.asyncDispose]();
    },
  };
}

test('without variables: three signals as JSON, under the names of service and node', async () => {
  await using it = await started({});
  await sendOne(it.telemetry);
  await vi.waitFor(() => expect(it.collector.paths()).toEqual(['/v1/logs', '/v1/metrics', '/v1/traces']), wait);
  for (const { body, headers } of it.collector.requests) {
    expect(headers['content-type']).toBe('application/json');
    expect(body).toContain('"service.instance.id","value":{"stringValue":"n"}');
  }
});

test('OTEL_SDK_DISABLED turns everything off', async () => {
  await using it = await started({ OTEL_SDK_DISABLED: 'true' });
  expect(it.telemetry.enabled).toBe(false);
});

test('OTEL_EXPORTER_OTLP_HEADERS and the endpoint and headers of one signal', async () => {
  await using it = await started({
    OTEL_EXPORTER_OTLP_HEADERS: 'x-key=one%20two',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'COLLECTOR/elsewhere',
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-traces=yes',
  });
  await sendOne(it.telemetry);
  await vi.waitFor(() => expect(it.collector.paths()).toEqual(['/elsewhere', '/v1/logs', '/v1/metrics']), wait);
  for (const { headers } of it.collector.requests) expect(headers['x-key']).toBe('one two');
  expect(it.collector.requests.find((r) => r.path === '/elsewhere')?.headers['x-traces']).toBe('yes');
});

test('OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME', async () => {
  await using it = await started({
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=blue',
    OTEL_SERVICE_NAME: 'mine',
  });
  await sendOne(it.telemetry);
  await vi.waitFor(() => expect(it.collector.paths()).toContain('/v1/traces'), wait);
  for (const { body } of it.collector.requests) {
    expect(body).toContain('"deployment.environment","value":{"stringValue":"blue"}');
    expect(body).toContain('"service.name","value":{"stringValue":"mine"}');
  }
});

test('OTEL_TRACES_SAMPLER decides instead of our ratio', async () => {
  await using off = await started({ OTEL_TRACES_SAMPLER: 'always_off' });
  expect(off.telemetry.span('x')).toBeUndefined();
  await using on = await started({ OTEL_TRACES_SAMPLER: 'always_on' }, { ratio: 0 });
  expect(on.telemetry.span('x')).toBeDefined();
});

test('OTEL_METRIC_EXPORT_INTERVAL: metrics come by themselves', async () => {
  await using it = await started({ OTEL_METRIC_EXPORT_INTERVAL: '50' });
  await vi.waitFor(
    () => expect(it.collector.requests.filter((r) => r.path === '/v1/metrics').length).toBeGreaterThan(2),
    wait,
  );
});

test('OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BSP_SCHEDULE_DELAY bound the spans', async () => {
  await using it = await started(
    { OTEL_BSP_MAX_QUEUE_SIZE: '10', OTEL_BSP_SCHEDULE_DELAY: '600000' },
    { maxSpansPerSecond: 1e9 },
  );
  for (let i = 0; i < 100; i++) it.telemetry.span('x')?.end();
  const dropped = /signal="traces",outcome="dropped".*} (\d+)/.exec(await it.metrics.text())?.[1];
  expect(Number(dropped)).toBeGreaterThanOrEqual(70);
});

test('OTEL_EXPORTER_OTLP_PROTOCOL chooses the encoding, OTEL_TRACES_EXPORTER=none leaves spans out', async () => {
  await using it = await started({
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'COLLECTOR',
    OTEL_TRACES_EXPORTER: 'none',
  });
  expect(it.telemetry.span('x')).toBeUndefined();
  await sendOne(it.telemetry);
  await vi.waitFor(() => expect(it.collector.paths()).toEqual(['/v1/logs', '/v1/metrics']), wait);
  expect(it.collector.paths()).not.toContain('/v1/traces');
  const type = (path: string) => it.collector.requests.find((r) => r.path === path)?.headers['content-type'];
  expect(type('/v1/logs')).toBe('application/x-protobuf');
  // Of our registry, which a reader from the environment would not know.
  expect(type('/v1/metrics')).toBe('application/json');
});

test('an interval that is longer than any timer sends seldom, not each millisecond', async () => {
  await using collector = await receiver();
  vi.stubEnv('OTEL_METRIC_EXPORT_INTERVAL', String(30 * 86_400_000));
  const options = { service: 's', node: 'n', endpoint: collector.url };
  await using _telemetry = await startTelemetry(options, createMetrics({ service: 's' }));
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(collector.requests).toEqual([]);
});
