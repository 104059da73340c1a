/** The part of telemetry.ts that loads OpenTelemetry; imported only when a collector is set. */
import {
  type Meter,
  type MeterProvider as MeterProviderApi,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Metrics } from './metrics.ts';
import { registryProducer } from './otlp-metrics.ts';
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

export class OtlpTelemetry implements Telemetry {
  readonly enabled = true;
  readonly #options: TelemetryOptions;
  readonly #tracer;
  readonly #logger;
  readonly #providers: { forceFlush(): Promise<void>; shutdown(): Promise<void> }[];
  readonly #limited;
  #second = 0;
  #started = 0;

  constructor(options: TelemetryOptions & { readonly endpoint: string }, metrics?: Metrics) {
    this.#options = options;
    const items = (signal: string, outcome: string) =>
      metrics?.cell('tandem_telemetry_items_total', 'Telemetry items by what became of them.', { signal, outcome }) ?? {
        value: 0,
      };
    this.#limited = items('traces', 'limited');
    const resource = resourceFromAttributes({
      'service.name': options.service,
      'service.namespace': 'tandem',
      'service.instance.id': options.node,
    });
    const batch = {
      maxQueueSize: options.queueSize ?? 2048,
      maxExportBatchSize: Math.min(512, options.queueSize ?? 512),
      scheduledDelayMillis: options.exportIntervalMs ?? 1000,
      exportTimeoutMillis: options.exportTimeoutMs ?? 5000,
    };
    const exporter = (path: string) => ({
      url: `${options.endpoint}${path}`,
      timeoutMillis: options.exportTimeoutMs ?? 5000,
      concurrencyLimit: 1,
      ...(options.headers ? { headers: parseHeaders(options.headers) } : {}),
    });
    const traces = new TracerProvider({
      resource,
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(options.ratio ?? 0.01) }),
      spanProcessors: [
        new BatchSpanProcessor({
          ...batch,
          exporter: new OTLPTraceExporter(exporter('/v1/traces')),
          selfObsMeterProvider: outcomeMeter((outcome) => items('traces', outcome)),
        }),
      ],
    });
    const logs = new LoggerProvider({
      resource,
      processors: [
        new BatchLogRecordProcessor({
          ...batch,
          exporter: new OTLPLogExporter(exporter('/v1/logs')),
          selfObsMeterProvider: outcomeMeter((outcome) => items('logs', outcome)),
        }),
      ],
    });
    this.#tracer = traces.getTracer('@tandem/service');
    this.#logger = logs.getLogger('@tandem/service');
    this.#providers = [traces, logs];
    if (metrics)
      this.#providers.push(
        new MeterProvider({
          resource,
          readers: [
            new PeriodicExportingMetricReader({
              exporter: new OTLPMetricExporter(exporter('/v1/metrics')),
              exportIntervalMillis: Math.max(10_000, batch.scheduledDelayMillis, batch.exportTimeoutMillis),
              exportTimeoutMillis: batch.exportTimeoutMillis,
              metricProducers: [registryProducer(metrics.registry)],
            }),
          ],
        }),
      );
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
    await Promise.allSettled(this.#providers.map((p) => p.forceFlush()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.shutdownMs ?? 2000);
    });
    await Promise.race([Promise.allSettled(this.#providers.map((p) => p.shutdown())), deadline]);
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

function parseHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new Error('OTEL_EXPORTER_OTLP_HEADERS: expected name=value[,name=value…]');
      return [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())];
    }),
  );
}
