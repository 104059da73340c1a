/** A sustained rate, and bursts of what was not used before. */

/** Longest burst: what this time gives, s. */
export const BURST_SECONDS = 3;

/** `rate` a second, bursts of `BURST_SECONDS`. */
export class Bucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;
  constructor(rate: number, now: number, burst = rate * BURST_SECONDS) {
    this.#rate = rate / 1000;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Takes one. 0 when there was one, otherwise ms until there will be. */
  take(now: number): number {
    const tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#rate);
    this.#at = now;
    if (tokens < 1) {
      this.#tokens = tokens;
      return Math.ceil((1 - tokens) / this.#rate);
    }
    this.#tokens = tokens - 1;
    return 0;
  }

  /** How many may be taken at once. */
  left(now: number): number {
    return Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#rate);
  }

  /** Nothing was taken for long: as good as new. */
  full(now: number): boolean {
    return this.#tokens + (now - this.#at) * this.#rate >= this.#burst;
  }
}

/** Most keys that are remembered. */
const MAX_BUCKETS = 10_000;

/** One bucket a key. A flood of ever new keys costs neither memory without end nor a search of all of them each time. */
export class Buckets {
  readonly #buckets = new Map<string, Bucket>();
  readonly #rate: number;
  constructor(rate: number) {
    this.#rate = rate;
  }

  get size(): number {
    return this.#buckets.size;
  }

  of(key: string, now: number): Bucket {
    const known = this.#buckets.get(key);
    if (known) return known;
    if (this.#buckets.size >= MAX_BUCKETS) this.#forget(now);
    const bucket = new Bucket(this.#rate, now);
    this.#buckets.set(key, bucket);
    return bucket;
  }

  /** The full ones, which are as good as new; where few are, also the oldest, until a quarter of all is free. */
  #forget(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.full(now)) this.#buckets.delete(key);
    for (const key of this.#buckets.keys()) {
      if (this.#buckets.size <= (MAX_BUCKETS * 3) / 4) return;
      this.#buckets.delete(key);
    }
  }
}
