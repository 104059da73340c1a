/**
 * Traces, logs and metrics to an OpenTelemetry collector (OTLP over HTTP), never at the service's expense:
 * - without a collector setting nothing is loaded, and a span costs one comparison;
 * - each signal has a bounded queue and one export in flight; what does not fit is dropped and counted
 *   (`tandem_telemetry_items_total{signal,outcome}`), so a stalled or dead collector costs a fixed amount of memory and no latency;
 * - start never waits for the collector, and shutdown waits at most `shutdownMs`.
 *
 * Nothing is global: no ambient context, no patched modules. A span's parent is the `traceparent` that came with the message
 * or the request, because that is the only parent that crosses a browser and two nodes.
 */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';
import { isUrl } from './settings.ts';
import type { Telemetry, TelemetryOptions, TraceSpan } from './telemetry-types.ts';
import { parseTraceparent } from './trace-context.ts';

/** Starts what `options` ask for; with no endpoint or with OTEL_SDK_DISABLED, the cheap nothing. Never throws because of a collector. */
export async function startTelemetry(options: TelemetryOptions, metrics?: Metrics): Promise<Telemetry> {
  if (!options.endpoint || process.env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') {
    // The series exists either way, at 0: an alarm on it must not be one on nothing.
    for (const outcome of ['dropped', 'failed'])
      metrics?.cell('tandem_telemetry_items_total', 'Telemetry items by what became of them.', {
        signal: 'traces',
        outcome,
      });
    return OFF;
  }
  if (!isUrl(options.endpoint, 'http:', 'https:'))
    throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT: expected a URL such as http://collector:4318');
  const { OtlpTelemetry } = await import('./telemetry-otlp.ts');
  return new OtlpTelemetry({ ...options, endpoint: new URL(options.endpoint).href.replace(/\/$/, '') }, metrics);
}

const OFF: Telemetry = {
  enabled: false,
  span: () => undefined,
  logDestination: (stdout = process.stdout) => stdout,
  flush: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/**
 * One span for each HTTP request (and its duration in `tandem_http_request_seconds` with `metrics`), child of its `traceparent` header; the request's log lines carry `trace_id` (with or without
 * a collector), so that logs and traces find each other. Health checks and scrapes are left out.
 */
export function traceRequests(app: FastifyInstance, telemetry: Telemetry, metrics?: Metrics): void {
  const seconds = metrics?.histogram('tandem_http_request_seconds', 'HTTP requests.', HTTP_BUCKETS, [
    'method',
    'route',
    'status',
  ]);
  const spans = new WeakMap<object, TraceSpan>();
  app.addHook('onRequest', async (request, reply) => {
    if (request.url.startsWith('/health') || request.url.startsWith('/metrics')) return;
    const span = telemetry.span(`${request.method} ${request.routeOptions.url ?? '(no route)'}`, {
      parent: request.headers.traceparent,
      kind: 'server',
      attributes: { 'http.request.method': request.method, 'http.route': request.routeOptions.url ?? '' },
    });
    const context = span?.context ?? parseTraceparent(request.headers.traceparent);
    if (context) request.log = reply.log = request.log.child({ trace_id: context.traceId, span_id: context.spanId });
    if (span) spans.set(request, span);
  });
  app.addHook('onResponse', async (request, reply) => {
    seconds?.observe(
      {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: `${Math.floor(reply.statusCode / 100)}xx`,
      },
      reply.elapsedTime / 1000,
    );
    const span = spans.get(request);
    span?.set('http.response.status_code', reply.statusCode);
    span?.end(reply.statusCode >= 500 ? new Error(`HTTP ${reply.statusCode}`) : undefined);
  });
}
