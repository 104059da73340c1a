/**
 * Admission under overload: a node that is late for its present clients takes no new ones. Refusing at the door costs
 * microseconds; a connection that is accepted and then served late costs everybody.
 *
 * Two kinds of limit:
 * - hard: connections and memory. At the limit nothing more comes in.
 * - soft: event-loop delay. The share of arrivals that is admitted shrinks with each late sample, in proportion to how late it is
 *   (at most by half), and grows by 3 points with each good one (additive increase, multiplicative decrease, as TCP does it:
 *   RFC 5681), so the node settles near the limit instead of flapping between open and closed. A turn of the loop that is itself late admits no connection.
 */
import { totalmem } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoadShedderOptions {
  /** Present connections of this node. Default: none are counted. */
  readonly connections?: () => number;
  /** Hard limit of {@link connections}. Default: none. */
  readonly maxConnections?: number;
  /** Hard limit of resident memory, bytes. Default: 80 % of what the container, or else the machine, has. */
  readonly maxMemoryBytes?: number;
  /** Event-loop delay (90th percentile of one sample) above which admission shrinks, ms. Default 100. */
  readonly maxEventLoopDelayMs?: number;
  /** How often load is sampled, ms. Default 250. */
  readonly sampleMs?: number;
  /** Shortest Retry-After handed out, seconds. Default 1. */
  readonly minRetryAfter?: number;
  /** Longest Retry-After handed out, seconds. Default 10. */
  readonly maxRetryAfter?: number;
  /** Reads the load; tests replace it. Default: this process. */
  readonly read?: () => { readonly eventLoopDelayMs: number; readonly memoryBytes: number };
}

export type ShedReason = 'connections' | 'memory' | 'event-loop';

/** Answer of {@link LoadShedder.admit}. */
export type Admission =
  | { readonly admit: true }
  | {
      readonly admit: false;
      readonly reason: ShedReason;
      /** Whole seconds for the `Retry-After` header (RFC 9110 section 10.2.3), with jitter so that a herd spreads out. */
      readonly retryAfter: number;
    };

/** A moment of the load, for metrics and health. */
export interface LoadState {
  readonly eventLoopDelayMs: number;
  readonly memoryBytes: number;
  /** Share of arrivals admitted at present, 0.05 to 1. */
  readonly admitRatio: number;
  readonly admitted: number;
  readonly shed: Readonly<Record<ShedReason, number>>;
}

/** Never below this share: the trickle that gets in shows whether the overload is over. */
const FLOOR = 0.05;

/**
 * Ask {@link admit} once for each arrival, before the work starts (for WebSocket: before the upgrade). It is cheap (no
 * system call, no allocation when it admits). Dispose it to stop its timer; the timer does not keep the process alive.
 *
 * @example
 * const shedder = new LoadShedder({ connections: () => hub.size, maxConnections: 20_000 });
 * const admission = shedder.admit();
 * if (!admission.admit) return refuse(503, { 'retry-after': String(admission.retryAfter) });
 */
export class LoadShedder implements Disposable {
  readonly #options: Required<Omit<LoadShedderOptions, 'read'>>;
  readonly #read: NonNullable<LoadShedderOptions['read']>;
  readonly #timer: NodeJS.Timeout;
  readonly #stop: () => void;
  #sampledAt = performance.now();
  #delay = 0;
  #memory = 0;
  #ratio = 1;
  /** Of the next arrivals; a whole one at first, so that of few that come while the loop is a little late the first gets in. */
  #credit = 1;
  #admitted = 0;
  readonly #shed: Record<ShedReason, number> = { connections: 0, memory: 0, 'event-loop': 0 };

  constructor(options: LoadShedderOptions = {}) {
    this.#options = {
      connections: options.connections ?? (() => 0),
      maxConnections: options.maxConnections ?? Number.POSITIVE_INFINITY,
      maxMemoryBytes: options.maxMemoryBytes ?? 0.8 * Math.min(process.constrainedMemory() || Infinity, totalmem()),
      maxEventLoopDelayMs: options.maxEventLoopDelayMs ?? 100,
      sampleMs: options.sampleMs ?? 250,
      minRetryAfter: options.minRetryAfter ?? 1,
      maxRetryAfter: options.maxRetryAfter ?? 10,
    };
    const own = options.read ? undefined : processLoad();
    this.#read = options.read ?? own?.read ?? (() => ({ eventLoopDelayMs: 0, memoryBytes: 0 }));
    this.#stop = () => own?.stop();
    this.#timer = setInterval(() => this.sample(), this.#options.sampleMs);
    this.#timer.unref();
  }

  /** May one more come in now? Counts its answer. */
  admit(): Admission {
    const { connections, maxConnections, maxMemoryBytes } = this.#options;
    if (connections() >= maxConnections) return this.#refuse('connections');
    if (this.#memory >= maxMemoryBytes) return this.#refuse('memory');
    // The sample is overdue: the loop is stuck in this very turn, and whatever else it finds in its sockets waits longer still.
    const { sampleMs, maxEventLoopDelayMs } = this.#options;
    if (performance.now() - this.#sampledAt > sampleMs + maxEventLoopDelayMs) return this.#refuse('event-loop');
    if (this.#ratio < 1) {
      // Error diffusion instead of dice: exactly the wanted share gets in, evenly spread.
      this.#credit += this.#ratio;
      if (this.#credit < 1) return this.#refuse('event-loop');
      this.#credit -= 1;
    }
    this.#admitted++;
    return ADMITTED;
  }

  /**
   * May work that can wait come in now? Refused before {@link admit} refuses anything: at half of the event-loop delay, at nine tenths of the
   * connections and of the memory, and as long as any arrival is shed.
   */
  admitDeferrable(): Admission {
    const { connections, maxConnections, maxMemoryBytes, maxEventLoopDelayMs } = this.#options;
    if (connections() >= 0.9 * maxConnections) return this.#refuse('connections');
    if (this.#memory >= 0.9 * maxMemoryBytes) return this.#refuse('memory');
    if (this.#ratio < 1 || this.#delay > maxEventLoopDelayMs / 2) return this.#refuse('event-loop');
    return this.admit();
  }

  /** The present load and what was decided so far. */
  state(): LoadState {
    return {
      eventLoopDelayMs: this.#delay,
      memoryBytes: this.#memory,
      admitRatio: this.#ratio,
      admitted: this.#admitted,
      shed: { ...this.#shed },
    };
  }

  /** Read the load and adjust. Runs by itself every `sampleMs`; public for tests. */
  sample(): void {
    this.#sampledAt = performance.now();
    const { eventLoopDelayMs, memoryBytes } = this.#read();
    this.#delay = eventLoopDelayMs;
    this.#memory = memoryBytes;
    this.#ratio =
      eventLoopDelayMs > this.#options.maxEventLoopDelayMs
        ? Math.max(FLOOR, this.#ratio * Math.max(0.5, this.#options.maxEventLoopDelayMs / eventLoopDelayMs))
        : Math.min(1, this.#ratio + 0.03);
    if (this.#ratio === 1) this.#credit = 1;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#stop();
  }

  #refuse(reason: ShedReason): Admission {
    this.#shed[reason]++;
    const { minRetryAfter, maxRetryAfter } = this.#options;
    // The deeper the overload, the longer the herd is spread.
    const span = (maxRetryAfter - minRetryAfter) * (reason === 'event-loop' ? 1 - this.#ratio : 1);
    return { admit: false, reason, retryAfter: Math.max(1, Math.round(minRetryAfter + Math.random() * span)) };
  }
}

const ADMITTED: Admission = { admit: true };

/**
 * Load of this process. The histogram records the time between two timer runs, so its resolution is taken off: delays come out up to
 * that much too short. Finer wakes the process more often than its work does.
 */
function processLoad() {
  const resolution = 20;
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  return {
    read: () => {
      const eventLoopDelayMs = Math.max(0, histogram.percentile(90) / 1e6 - resolution);
      histogram.reset();
      return {
        eventLoopDelayMs: Number.isFinite(eventLoopDelayMs) ? eventLoopDelayMs : 0,
        memoryBytes: process.memoryUsage.rss(),
      };
    },
    stop: () => histogram.disable(),
  };
}
