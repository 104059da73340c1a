/** How long to wait before the next attempt. */
export interface BackoffOptions {
  /** Ceiling of the first delay, ms. Default 500. */
  readonly initial?: number;
  /** Ceiling of every delay, ms. Default 15,000. */
  readonly max?: number;
}

/**
 * Full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog): uniform between 0 and a ceiling that
 * doubles, from the first retry on, so that a thousand clients of one dead node do not come back in one moment.
 * A server's `retryAfter` (ms) is a floor; the jitter goes on top of it, between half of it and twice it plus a second wide: a server
 * that answers knows better than a doubling ceiling when to come.
 */
export function fullJitter(
  attempt: number,
  random: () => number,
  { initial = 500, max = 15_000 }: BackoffOptions = {},
  retryAfter = 0,
): number {
  const ceiling = Math.min(max, initial * 2 ** Math.min(attempt, 16));
  if (retryAfter === 0) return Math.round(random() * ceiling);
  return Math.round(retryAfter + random() * Math.max(Math.min(ceiling, 2 * retryAfter + 1000), retryAfter / 2));
}

/** `Retry-After` of RFC 9110 section 10.2.3 in ms: seconds or a date. Undefined when it is neither. */
export function parseRetryAfter(value: string | null | undefined, now: number): number | undefined {
  if (!value) return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
