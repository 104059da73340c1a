/** What a service asks of its telemetry, with or without a collector. */
import type { TraceContext } from './trace-context.ts';

export interface TelemetryOptions {
  readonly service: string;
  /** Name of this instance (`service.instance.id`). */
  readonly node: string;
  /** Collector base URL; `/v1/traces` and so on is appended. Default: telemetry is off. */
  readonly endpoint?: string | undefined;
  /** `name=value,name=value`. */
  readonly headers?: string | undefined;
  /** Share of new traces recorded, 0 to 1. Default 0.01. */
  readonly ratio?: number | undefined;
  /**
   * Spans a second at most. Browsers decide whether their call is sampled, and a browser is a stranger: beyond this, spans are
   * not started (counted as `limited`). Default 200.
   */
  readonly maxSpansPerSecond?: number;
  /** Items queued per signal before dropping. Default 2048. */
  readonly queueSize?: number;
  /** Time between exports, ms. Default 1000. */
  readonly exportIntervalMs?: number;
  /** An export that takes longer is given up, ms. Default 5000. */
  readonly exportTimeoutMs?: number;
  /** How long shutdown may take for a last flush, ms. Default 2000. */
  readonly shutdownMs?: number;
}

/** One operation being timed. */
export interface TraceSpan {
  readonly context: TraceContext;
  set(name: string, value: string | number | boolean): void;
  /** @param error marks the span as failed */
  end(error?: Error): void;
}

export interface SpanInit {
  /** `traceparent` of the caller, unchecked. */
  readonly parent?: unknown;
  readonly kind?: 'server' | 'internal' | 'producer' | 'consumer';
  readonly attributes?: Readonly<Record<string, string | number | boolean>>;
  /** Only follow a sampled parent, never start a trace. For the relay path. Default false. */
  readonly followOnly?: boolean;
}

export interface Telemetry extends AsyncDisposable {
  readonly enabled: boolean;
  /** Undefined when off, not sampled or over the limit: `telemetry.span('x')?.end()`. */
  span(name: string, init?: SpanInit): TraceSpan | undefined;
  /** Where pino should write: what it writes to stdout, and the collector too. */
  logDestination(stdout?: LogDestination): LogDestination;
  /** Send what is queued now. For tests and shutdown. */
  flush(): Promise<void>;
}

export interface LogDestination {
  write(line: string): void;
}
