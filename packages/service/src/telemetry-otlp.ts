/**
 * The part of telemetry.ts that loads OpenTelemetry; imported only when a collector is set.
 *
 * NodeSDK puts the three signals together, so that the OTEL_* variables mean here what they mean elsewhere. Our defaults (queue, timeouts,
 * one export in flight, outcome counters) hold for what no variable says.
 */
import {
  context as contextApi,
  logs as logsApi,
  type Meter,
  type MeterProvider as MeterProviderApi,
  metrics as metricsApi,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor } from '@opentelemetry/sdk-logs';
import { PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import type { Metrics } from './metrics.ts';
import { registryProducer } from './otlp-metrics.ts';
import {
  batchOptions,
  chosenByEnvironment,
  envNumber,
  exporterOptions,
  type OtlpOptions,
  parseHeaders,
  type Signal,
} from './telemetry-env.ts';
import type { LogDestination, SpanInit, Telemetry, TelemetryOptions, TraceSpan } from './telemetry-types.ts';
import { parseTraceparent } from './trace-context.ts';

const KINDS = {
  server: SpanKind.SERVER,
  internal: SpanKind.INTERNAL,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** pino level to OpenTelemetry severity (logs data model, "Mapping of SeverityNumber"). */
const SEVERITY: Record<number, number> = { 10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21 };

interface Flusher {
  forceFlush(): Promise<void>;
}
/**
 * Always ours, as a reader from the environment would not know our registry: OTLP as JSON over HTTP, whatever
 * OTEL_EXPORTER_OTLP_PROTOCOL says. Undefined when OTEL_METRICS_EXPORTER leaves `otlp` out; `/metrics` is there for Prometheus.
 */
function metricReader(options: OtlpOptions, metrics: Metrics): PeriodicExportingMetricReader | undefined {
  const exporters = (process.env.OTEL_METRICS_EXPORTER || 'otlp').split(',').map((name) => name.trim());
  if (!exporters.includes('otlp')) return undefined;
  const timeout = envNumber('OTEL_METRIC_EXPORT_TIMEOUT', options.exportTimeoutMs ?? 5000);
  const interval = envNumber('OTEL_METRIC_EXPORT_INTERVAL', Math.max(10_000, options.exportIntervalMs ?? 0));
  return new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter(exporterOptions(options, 'metrics')),
    exportIntervalMillis: Math.max(1, interval),
    exportTimeoutMillis: Math.max(1, Math.min(timeout, interval)),
    metricProducers: [registryProducer(metrics.registry)],
  });
}

export class OtlpTelemetry implements Telemetry {
  readonly enabled = true;
  readonly #options: TelemetryOptions;
  readonly #sdk: NodeSDK;
  readonly #tracer;
  readonly #logger;
  readonly #flushers: readonly Flusher[];
  readonly #limited;
  #second = 0;
  #started = 0;

  constructor(options: OtlpOptions, metrics?: Metrics) {
    this.#options = options;
    if (options.headers) parseHeaders(options.headers);
    const items = (signal: Signal, outcome: string) =>
      metrics?.cell('tandem_telemetry_items_total', 'Telemetry items by what became of them.', { signal, outcome }) ?? {
        value: 0,
      };
    this.#limited = items('traces', 'limited');
    const reader = metrics && metricReader(options, metrics);
    this.#sdk = new NodeSDK({
      resource: resourceFromAttributes({
        'service.name': options.service,
        'service.namespace': 'tandem',
        'service.instance.id': options.node,
      }),
      // OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win over the above; others would replace the name of this node.
      ...(process.env.OTEL_NODE_RESOURCE_DETECTORS ? {} : { resourceDetectors: [envDetector] }),
      ...(process.env.OTEL_TRACES_SAMPLER
        ? {}
        : { sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio ?? 0.01) }) }),
      textMapPropagator: null,
      ...(chosenByEnvironment('traces')
        ? {}
        : {
            spanProcessors: [
              new BatchSpanProcessor({
                ...batchOptions(options, 'OTEL_BSP'),
                exporter: new OTLPTraceExporter(exporterOptions(options, 'traces')),
                selfObsMeterProvider: outcomeMeter((outcome) => items('traces', outcome)),
              }),
            ],
          }),
      ...(chosenByEnvironment('logs')
        ? {}
        : {
            logRecordProcessors: [
              new BatchLogRecordProcessor({
                ...batchOptions(options, 'OTEL_BLRP'),
                exporter: new OTLPLogExporter(exporterOptions(options, 'logs')),
                selfObsMeterProvider: outcomeMeter((outcome) => items('logs', outcome)),
              }),
            ],
          }),
      metricReaders: reader ? [reader] : [],
    });
    const { tracerProvider, loggerProvider } = startPrivately(this.#sdk);
    this.#tracer = tracerProvider.getTracer('@tandem/service');
    this.#logger = loggerProvider.getLogger('@tandem/service');
    this.#flushers = [tracerProvider, loggerProvider, reader].filter((part: unknown) => canFlush(part)) as Flusher[];
  }

  span(name: string, init: SpanInit = {}): TraceSpan | undefined {
    const parent = parseTraceparent(init.parent);
    if (parent ? !parent.sampled : init.followOnly) return undefined;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#started = 0;
    }
    if (this.#started >= (this.#options.maxSpansPerSecond ?? 200)) {
      this.#limited.value++;
      return undefined;
    }
    const context = parent
      ? trace.setSpanContext(ROOT_CONTEXT, { ...parent, traceFlags: 1, isRemote: true })
      : ROOT_CONTEXT;
    const span = this.#tracer.startSpan(
      name,
      { kind: KINDS[init.kind ?? 'internal'], ...(init.attributes ? { attributes: init.attributes } : {}) },
      context,
    );
    if (!span.isRecording()) return undefined;
    this.#started++;
    const { traceId, spanId } = span.spanContext();
    return {
      context: { traceId, spanId, sampled: true },
      set: (key, value) => void span.setAttribute(key, value),
      end: (error) => {
        if (error) span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
        span.end();
      },
    };
  }

  logDestination(stdout: LogDestination = process.stdout): LogDestination {
    return {
      write: (line) => {
        stdout.write(line);
        this.#log(line);
      },
    };
  }

  async flush(): Promise<void> {
    await Promise.allSettled(this.#flushers.map((f) => f.forceFlush()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.shutdownMs ?? 2000);
    });
    await Promise.race([Promise.allSettled([this.#sdk.shutdown()]), deadline]);
    clearTimeout(timer);
  }

  /** The line is redacted already: what may not stand in a log does not reach the collector either. */
  #log(line: string): void {
    try {
      const { level, time, msg, trace_id, span_id, pid: _p, hostname: _h, name: _n, ...attributes } = JSON.parse(line);
      const context =
        typeof trace_id === 'string'
          ? trace.setSpanContext(ROOT_CONTEXT, {
              traceId: trace_id,
              spanId: typeof span_id === 'string' ? span_id : '0'.repeat(16),
              traceFlags: 1,
            })
          : ROOT_CONTEXT;
      this.#logger.emit({
        severityNumber: SEVERITY[level as number] ?? 9,
        body: String(msg ?? ''),
        timestamp: Number(time) || Date.now(),
        attributes: typeof trace_id === 'string' ? { ...attributes, trace_id } : attributes,
        context,
      });
    } catch {
      // Not a JSON line: it is on stdout, that must do.
    }
  }
}

/**
 * Starts the SDK, takes what it registered with the OpenTelemetry API, and leaves nothing registered: a process may run several
 * services (tests, `npm start` with one process), and spans have no ambient parent here.
 */
function startPrivately(sdk: NodeSDK) {
  const globals = [trace, logsApi, metricsApi, contextApi, propagation];
  for (const api of globals) api.disable();
  sdk.start();
  const proxy = trace.getTracerProvider();
  const tracerProvider = proxy instanceof ProxyTracerProvider ? proxy.getDelegate() : proxy;
  const loggerProvider = logsApi.getLoggerProvider();
  for (const api of globals) api.disable();
  return { tracerProvider, loggerProvider };
}

/** A provider that has nothing to export is one of the API's, which cannot flush. */
function canFlush(part: unknown): part is Flusher {
  return typeof (part as Partial<Flusher> | undefined)?.forceFlush === 'function';
}

/** Turns the SDK's own accounting (spans and records processed, by error type) into our outcome cells. */
function outcomeMeter(cell: (outcome: string) => { value: number }): MeterProviderApi {
  const exported = cell('exported');
  const dropped = cell('dropped');
  const failed = cell('failed');
  const nothing = { add() {}, record() {}, addCallback() {}, removeCallback() {} };
  const meter = {
    createCounter: (name: string) =>
      name.endsWith('.processed')
        ? {
            add(n: number, attributes?: Record<string, unknown>) {
              const error = attributes?.['error.type'];
              (error === 'queue_full' ? dropped : error ? failed : exported).value += n;
            },
          }
        : nothing,
    createUpDownCounter: () => nothing,
    createHistogram: () => nothing,
    createGauge: () => nothing,
    createObservableCounter: () => nothing,
    createObservableGauge: () => nothing,
    createObservableUpDownCounter: () => nothing,
    addBatchObservableCallback() {},
    removeBatchObservableCallback() {},
  };
  return { getMeter: () => meter as unknown as Meter };
}
