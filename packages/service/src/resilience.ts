/**
 * One guarded way to a dependency: bulkhead, retry, breaker and timeout from cockatiel, in the order that works:
 * the bulkhead bounds what waits, each retry asks the breaker anew, and the timeout bounds each single try.
 */
import {
  type BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  decorrelatedJitterGenerator,
  ExponentialBackoff,
  handleWhen,
  type ICancellationContext,
  type IPolicy,
  isBrokenCircuitError,
  retry,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { DependencyHealth } from './health.ts';
import type { Logger } from './log.ts';
import { UnavailableError } from './unavailable-error.ts';

export interface GuardOptions {
  /** Name of the dependency, for errors and events. */
  readonly name: string;
  /** Longest time of one try, ms. Default 2000. */
  readonly timeoutMs?: number;
  /** Tries in all, with decorrelated jitter between them (Brooker, "Exponential Backoff And Jitter"). Default 3; 1 = no retry. */
  readonly attempts?: number;
  /** First backoff, ms. Default 50. */
  readonly backoffMs?: number;
  /** Failures in a row that open the breaker. Default 5. */
  readonly failures?: number;
  /** How long it stays open before it lets one probe through, ms. Default 5000. */
  readonly openMs?: number;
  /** Calls at the same time. Default 64. */
  readonly concurrency?: number;
  /** Calls waiting for a place; more are refused. Default 256. */
  readonly queue?: number;
  /** Which errors count. Default: all. Leave out the caller's own mistakes (HTTP 4xx). */
  readonly isFailure?: (error: Error) => boolean;
  /** Gets a line for each change of the breaker, with a `breaker.*` event. */
  readonly log?: Pick<Logger, 'info' | 'warn'> | undefined;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface Guard {
  /**
   * Run `call` guarded. Give its `signal` to fetch and the like, so that a timeout frees the socket.
   * @throws UnavailableError when it was not tried or timed out; else whatever the last try threw
   */
  run<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T>;
  readonly state: BreakerState;
  /** For `/health/ready`. An open breaker is `down`, half-open `degraded`. */
  health(): DependencyHealth;
}

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Isolated]: 'open',
};

/** Make the guard of one dependency. Keep it for the process's life: the breaker's memory is its point. */
export function guard(options: GuardOptions): Guard {
  return new DependencyGuard(options);
}

class DependencyGuard implements Guard {
  readonly #options: GuardOptions;
  readonly #openMs: number;
  readonly #breaker: CircuitBreakerPolicy;
  readonly #policy: IPolicy<ICancellationContext>;
  #since = new Date().toISOString();
  #latencyMs: number | undefined;
  #openedAt = 0;
  #detail: string | undefined;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#openMs = options.openMs ?? 5000;
    const counts = (e: Error) => e instanceof TaskCancelledError || (options.isFailure?.(e) ?? true);
    this.#breaker = circuitBreaker(handleWhen(counts), {
      halfOpenAfter: this.#openMs,
      breaker: new ConsecutiveBreaker(options.failures ?? 5),
    });
    this.#breaker.onStateChange((state) => this.#changed(state));
    const again = retry(
      handleWhen((e) => !isBrokenCircuitError(e) && counts(e)),
      {
        maxAttempts: (options.attempts ?? 3) - 1,
        backoff: new ExponentialBackoff({
          initialDelay: options.backoffMs ?? 50,
          maxDelay: 2000,
          generator: decorrelatedJitterGenerator,
        }),
      },
    );
    const limit = bulkhead(options.concurrency ?? 64, options.queue ?? 256);
    const perTry = timeout(options.timeoutMs ?? 2000, TimeoutStrategy.Aggressive);
    this.#policy = wrap(limit, again, this.#breaker, perTry);
  }

  get state(): BreakerState {
    return STATES[this.#breaker.state];
  }

  async run<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      const result = await this.#policy.execute(({ signal }) =>
        // A call that heeds its signal throws its own abort error before the timeout can: say what it was.
        call(signal).catch((e: unknown) => {
          throw signal.aborted ? new TaskCancelledError() : e;
        }),
      );
      this.#latencyMs = performance.now() - started;
      this.#detail = undefined;
      return result;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  health(): DependencyHealth {
    const { state } = this;
    return {
      state: state === 'closed' ? 'up' : state === 'open' ? 'down' : 'degraded',
      since: this.#since,
      ...(this.#latencyMs === undefined ? {} : { latencyMs: Math.round(this.#latencyMs * 10) / 10 }),
      ...(this.#detail && state !== 'closed' ? { detail: `breaker ${state} after ${this.#detail}` } : {}),
    };
  }

  #failure(error: unknown): unknown {
    if (isBrokenCircuitError(error as BrokenCircuitError)) {
      const openFor = this.#openedAt + this.#openMs - Date.now();
      return this.#unavailable('breaker-open', Math.max(1, Math.ceil(openFor / 1000)));
    }
    if (error instanceof BulkheadRejectedError) return this.#unavailable('bulkhead-full', 1);
    if (error instanceof TaskCancelledError) {
      this.#detail = 'timeout';
      return this.#unavailable('timeout', 1);
    }
    this.#detail = error instanceof Error ? error.name : 'error';
    return error;
  }

  #unavailable(reason: UnavailableError['reason'], retryAfter: number): UnavailableError {
    const { name } = this.#options;
    const message = `${name} is unavailable (${reason}); retry after ${retryAfter} s`;
    return new UnavailableError(message, { dependency: name, reason, retryAfter });
  }

  #changed(state: CircuitState): void {
    const { name, log } = this.#options;
    this.#since = new Date().toISOString();
    if (state === CircuitState.Open) this.#openedAt = Date.now();
    const line = { event: `breaker.${STATES[state]}`, dependency: name };
    if (state === CircuitState.Open) log?.warn(line, `${name} keeps failing; left alone for a while`);
    else log?.info(line, `${name}: breaker ${STATES[state]}`);
  }
}
