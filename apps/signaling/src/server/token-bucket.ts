/** A sustained rate, and bursts of what was not used before. */

/** `rate` a second, bursts of three seconds' worth. */
export class Bucket {
  readonly #rate: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;
  constructor(rate: number, now: number, burst = rate * 3) {
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
