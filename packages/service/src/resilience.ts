/**
 * One guarded way to a dependency: bulkhead, retry, breaker and timeout from cockatiel, in the order that works:
 * the bulkhead bounds what waits, each retry asks the breaker anew, and the timeout bounds each single try.
 */
import {
  type BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  decorrelatedJitterGenerator,
  ExponentialBackoff,
  handleWhen,
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
  const openMs = options.openMs ?? 5000;
  const counts = (e: Error) => e instanceof TaskCancelledError || (options.isFailure?.(e) ?? true);
  const breaker = circuitBreaker(handleWhen(counts), {
    halfOpenAfter: openMs,
    breaker: new ConsecutiveBreaker(options.failures ?? 5),
  });
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
  const policy = wrap(limit, again, breaker, timeout(options.timeoutMs ?? 2000, TimeoutStrategy.Aggressive));

  const unavailable = (reason: UnavailableError['reason'], retryAfter: number) => {
    const message = `${options.name} is unavailable (${reason}); retry after ${retryAfter} s`;
    return new UnavailableError(message, { dependency: options.name, reason, retryAfter });
  };

  let since = new Date().toISOString();
  let latencyMs: number | undefined;
  let openedAt = 0;
  let detail: string | undefined;
  breaker.onStateChange((state) => {
    since = new Date().toISOString();
    if (state === CircuitState.Open) openedAt = Date.now();
    const line = { event: `breaker.${STATES[state]}`, dependency: options.name };
    if (state === CircuitState.Open) options.log?.warn(line, `${options.name} keeps failing; left alone for a while`);
    else options.log?.info(line, `${options.name}: breaker ${STATES[state]}`);
  });

  return {
    get state() {
      return STATES[breaker.state];
    },
    async run(call) {
      const started = performance.now();
      try {
        const result = await policy.execute(({ signal }) =>
          // A call that heeds its signal throws its own abort error before the timeout can: say what it was.
          call(signal).catch((e: unknown) => {
            throw signal.aborted ? new TaskCancelledError() : e;
          }),
        );
        latencyMs = performance.now() - started;
        detail = undefined;
        return result;
      } catch (error) {
        if (isBrokenCircuitError(error as BrokenCircuitError))
          throw unavailable('breaker-open', Math.max(1, Math.ceil((openedAt + openMs - Date.now()) / 1000)));
        if (error instanceof BulkheadRejectedError) throw unavailable('bulkhead-full', 1);
        if (error instanceof TaskCancelledError) {
          detail = 'timeout';
          throw unavailable('timeout', 1);
        }
        detail = error instanceof Error ? error.name : 'error';
        throw error;
      }
    },
    health() {
      const state = STATES[breaker.state];
      return {
        state: state === 'closed' ? 'up' : state === 'open' ? 'down' : 'degraded',
        since,
        ...(latencyMs === undefined ? {} : { latencyMs: Math.round(latencyMs * 10) / 10 }),
        ...(detail && state !== 'closed' ? { detail: `breaker ${state} after ${detail}` } : {}),
      };
    },
  };
}
