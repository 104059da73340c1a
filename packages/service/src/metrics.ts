/**
 * Metrics, one way: a prom-client registry per service instance, read by Prometheus at `GET /metrics` and, when a collector
 * is set, pushed over OTLP from the same registry (telemetry.ts). Naming: Prometheus base units, `tandem_` in front.
 */
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** A number that hot code adds to without a call: `cell.value++`. Read only when somebody scrapes. */
export interface Cell {
  value: number;
}

export type Labels = Readonly<Record<string, string>>;

/**
 * Make the metrics of one service instance. No global registry, so that two nodes can live in one test process.
 * @param labels constant labels of every series, e.g. `{service, node}`
 */
export function createMetrics(labels: Labels): Metrics {
  return new Metrics(labels);
}

export class Metrics {
  readonly registry = new Registry();
  readonly #cells = new Map<string, { metric: Counter | Gauge; cells: { labels: Labels; cell: Readonly<Cell> }[] }>();

  constructor(labels: Labels) {
    this.registry.setDefaultLabels(labels);
  }

  /** Event-loop lag, heap, garbage collection, file handles. Call it once, in `main`: it observes the whole process. */
  observeProcess(): void {
    // The lag's quantiles include this precision, ms. The default of 10 wakes an idle process 100 times a second.
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 50 });
  }

  /** Labelled counter, for things that happen up to some thousands of times a second (about 0.3 µs each). */
  counter<T extends string = never>(name: string, help: string, labelNames: readonly T[] = []): Counter<T> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** @param read called at each scrape */
  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }

  /** @param buckets upper bounds in the unit of the name (seconds for `_seconds`) */
  histogram<T extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly T[] = [],
  ): Histogram<T> {
    return new Histogram({
      name,
      help,
      buckets: [...buckets],
      labelNames: [...labelNames],
      registers: [this.registry],
    });
  }

  /**
   * A counter for the hot path: the caller owns a plain number (about 1 ns an increment). Call again with other label values
   * for another series of the same name. The value must only grow.
   */
  cell(name: string, help: string, labels: Labels = {}): Cell {
    const cell: Cell = { value: 0 };
    this.#add(name, help, labels, cell);
    return cell;
  }

  /** A counter that somebody else keeps. @param read called at each scrape; must only grow */
  total(name: string, help: string, read: () => number, labels: Labels = {}): void {
    this.#add(name, help, labels, {
      get value() {
        return read();
      },
    });
  }

  #add(name: string, help: string, labels: Labels, cell: Readonly<Cell>): void {
    let entry = this.#cells.get(name);
    if (!entry) {
      const cells: { labels: Labels; cell: Readonly<Cell> }[] = [];
      const metric: Counter = new Counter({
        name,
        help,
        labelNames: Object.keys(labels),
        registers: [this.registry],
        collect() {
          this.reset();
          for (const { labels, cell } of cells) this.inc(labels, cell.value);
        },
      });
      entry = { metric, cells };
      this.#cells.set(name, entry);
    }
    entry.cells.push({ labels, cell });
  }

  /** Prometheus text format 0.0.4. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  /** Serve `GET /metrics`. Keep it off the edge: it is for the scraper inside. */
  register(app: FastifyInstance): void {
    app.get('/metrics', { logLevel: 'silent' }, async (_request, reply) =>
      reply.header('content-type', this.registry.contentType).send(await this.text()),
    );
  }
}
