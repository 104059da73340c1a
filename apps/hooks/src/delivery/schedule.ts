/** When a webhook that failed is tried again. */

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];

/** Waits between the ten tries, ms: 75 h 35 min together. The schedule that Standard Webhooks recommends. */
export const WAITS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/**
 * @param tries that failed so far, this one included
 * @param retryAfterMs the receiver's wish: it may be longer, never sooner
 * @returns ms until the next try, between half and one and a half times the schedule's; undefined: that was the last
 */
export function nextTry(tries: number, retryAfterMs = 0, random: () => number = Math.random): number | undefined {
  const wait = WAITS_MS[tries - 1];
  return wait === undefined ? undefined : Math.round(Math.max(wait * (0.5 + random()), retryAfterMs));
}
