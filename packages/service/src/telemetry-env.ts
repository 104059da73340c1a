/** What the OTEL_* variables leave open of exporters and queues, by our defaults. */
import type { TelemetryOptions } from './telemetry-types.ts';

export type Signal = 'traces' | 'logs' | 'metrics';
export type OtlpOptions = TelemetryOptions & { readonly endpoint: string };

/** The longest that a timer takes, ms: more would be 1 ms. */
const MOST = 2 ** 31 - 1;

/** A number of the environment, or our default. */
export function envNumber(name: string, otherwise: number): number {
  const value = Number(process.env[name] || Number.NaN);
  return Number.isFinite(value) && value >= 0 ? Math.min(value, MOST) : otherwise;
}

/** The operator names exporters or a protocol for this signal: then NodeSDK builds it from the environment. */
export function chosenByEnvironment(signal: 'traces' | 'logs'): boolean {
  const name = signal.toUpperCase();
  const variables = [`OTEL_${name}_EXPORTER`, `OTEL_EXPORTER_OTLP_${name}_PROTOCOL`, 'OTEL_EXPORTER_OTLP_PROTOCOL'];
  return variables.some((variable) => process.env[variable]);
}

/** What the environment says of an exporter it reads itself: only what it leaves open is set here. */
export function exporterOptions(options: OtlpOptions, signal: Signal) {
  const { env } = process;
  const name = signal.toUpperCase();
  const timed = env.OTEL_EXPORTER_OTLP_TIMEOUT || env[`OTEL_EXPORTER_OTLP_${name}_TIMEOUT`];
  const own = options.headers && options.headers !== env.OTEL_EXPORTER_OTLP_HEADERS;
  return {
    concurrencyLimit: 1,
    ...(env[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`] ? {} : { url: `${options.endpoint}/v1/${signal}` }),
    ...(timed ? {} : { timeoutMillis: options.exportTimeoutMs ?? 5000 }),
    ...(own ? { headers: parseHeaders(options.headers as string) } : {}),
  };
}

/** @param prefix OTEL_BSP (spans) or OTEL_BLRP (log records) */
export function batchOptions(options: OtlpOptions, prefix: 'OTEL_BSP' | 'OTEL_BLRP') {
  const maxQueueSize = envNumber(`${prefix}_MAX_QUEUE_SIZE`, options.queueSize ?? 2048);
  return {
    maxQueueSize,
    maxExportBatchSize: Math.min(maxQueueSize, envNumber(`${prefix}_MAX_EXPORT_BATCH_SIZE`, 512)),
    scheduledDelayMillis: envNumber(`${prefix}_SCHEDULE_DELAY`, options.exportIntervalMs ?? 1000),
    exportTimeoutMillis: envNumber(`${prefix}_EXPORT_TIMEOUT`, options.exportTimeoutMs ?? 5000),
  };
}

export function parseHeaders(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const at = pair.indexOf('=');
      const value = decoded(pair.slice(at + 1).trim());
      if (at < 1 || value === undefined)
        throw new Error('OTEL_EXPORTER_OTLP_HEADERS: expected name=value[,name=value…], with % as %25');
      return [pair.slice(0, at).trim(), value];
    }),
  );
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
