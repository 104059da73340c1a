/** What a node measures of itself, and the line by which CloudWatch Logs makes metrics of it. */
import { readFile } from 'node:fs/promises';

export interface MetricIdentity {
  /** `turn` or `media`. */
  readonly service: string;
  readonly stack: string;
  /** Which fleet of that stack. */
  readonly part: string;
}

/**
 * A line in CloudWatch's embedded metric format (AWS "Specification: Embedded metric format"), in the namespace Tandem.
 * @param values by name; an undefined one is left out
 */
export function embeddedMetrics(
  identity: MetricIdentity,
  values: Readonly<Record<string, number | undefined>>,
): string {
  const metrics = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
  return JSON.stringify({
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [
        {
          Namespace: 'Tandem',
          Dimensions: [['service', 'stack', 'part']],
          Metrics: Object.keys(metrics).map((Name) => ({ Name })),
        },
      ],
    },
    ...identity,
    ...metrics,
  });
}

export interface MetricsLogOptions {
  readonly identity: MetricIdentity;
  /** Default 60,000 ms. */
  readonly everyMs?: number | undefined;
  /** Default: standard output. */
  readonly write?: ((line: string) => void) | undefined;
}

interface MetricsSettings {
  readonly METRICS_STACK?: string | undefined;
  readonly METRICS_PART: string;
}

/** Of a node with these settings. @returns undefined without METRICS_STACK: nothing is written */
export function metricsLog(
  service: 'turn' | 'media',
  { METRICS_STACK: stack, METRICS_PART: part }: MetricsSettings,
  options: { readonly metricsMs?: number; readonly writeMetrics?: (line: string) => void },
): MetricsLog | undefined {
  if (!stack) return undefined;
  return new MetricsLog({
    identity: { service, stack, part },
    everyMs: options.metricsMs,
    write: options.writeMetrics,
  });
}

/** Writes a line each minute. */
export class MetricsLog {
  readonly #options: MetricsLogOptions;
  readonly #everyMs: number;
  #next: number;

  constructor(options: MetricsLogOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? 60_000;
    this.#next = Date.now() + this.#everyMs;
  }

  /** Writes when it is time. */
  tick(values: () => Readonly<Record<string, number | undefined>>): void {
    if (Date.now() < this.#next) return;
    // Of the clock, not of the last tick: else a minute without a value comes up again and again.
    this.#next += this.#everyMs;
    const write = this.#options.write ?? ((line: string) => console.log(line));
    write(embeddedMetrics(this.#options.identity, values()));
  }
}

/** @returns how much this number has grown since the call before */
export function growthOf(read: () => number): () => number {
  let before = 0;
  return () => {
    const now = read();
    const growth = now - before;
    before = now;
    return growth;
  };
}

/** Mbit/s that this host sends. */
export class SentRate {
  readonly #bytesSent: () => Promise<number>;
  #bytes: number;
  #at = Date.now();

  private constructor(bytesSent: () => Promise<number>, bytes: number) {
    this.#bytesSent = bytesSent;
    this.#bytes = bytes;
  }

  /** @param bytesSent default: what all interfaces but loopback have sent */
  static async start(bytesSent: () => Promise<number> = sentBytes): Promise<SentRate> {
    return new SentRate(bytesSent, await bytesSent());
  }

  /** Since the last call. */
  async mbps(): Promise<number> {
    const bytes = await this.#bytesSent();
    const seconds = Math.max(0.001, (Date.now() - this.#at) / 1000);
    const mbps = Math.max(0, ((bytes - this.#bytes) * 8) / 1e6 / seconds);
    this.#bytes = bytes;
    this.#at = Date.now();
    return mbps;
  }
}

async function sentBytes(): Promise<number> {
  const text = await readFile('/proc/net/dev', 'utf8').catch(() => '');
  let total = 0;
  for (const line of text.split('\n')) {
    const [name, numbers] = line.split(':');
    if (!numbers || name?.trim() === 'lo') continue;
    total += Number(numbers.trim().split(/\s+/)[8] ?? 0);
  }
  return total;
}
