/** Stay below the server's message rate: a burst after a resume must not be answered with `rate_limited`. */
import type { Clock } from './clock.ts';

export class Pacer<T> {
  readonly #clock: Clock;
  readonly #send: (item: T) => boolean;
  #perSecond = 50;
  #tokens = 25;
  #at: number;
  #queue: T[] = [];
  #timer: unknown;

  constructor(clock: Clock, send: (item: T) => boolean) {
    this.#clock = clock;
    this.#send = send;
    this.#at = clock.now();
  }

  /** Messages per second that the server accepts; this uses 80 % of it, in bursts of half a second. */
  setRate(perSecond: number): void {
    this.#perSecond = Math.max(1, perSecond * 0.8);
    this.#tokens = Math.min(this.#tokens, this.#perSecond / 2);
  }

  /** Send nothing for `ms`: the server said so. */
  pause(ms: number): void {
    this.#refill();
    this.#tokens = Math.min(this.#tokens, 1 - (ms * this.#perSecond) / 1000);
  }

  /** Send now or soon. */
  push(item: T): void {
    this.#queue.push(item);
    this.#drain();
  }

  /** Drop what waits: its connection is gone. */
  clear(): void {
    this.#queue = [];
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #refill(): void {
    const now = this.#clock.now();
    this.#tokens = Math.min(
      Math.max(1, this.#perSecond / 2),
      this.#tokens + ((now - this.#at) * this.#perSecond) / 1000,
    );
    this.#at = now;
  }

  #drain(): void {
    this.#refill();
    while (this.#queue.length && this.#tokens >= 1) {
      this.#tokens--;
      const [item] = this.#queue.splice(0, 1);
      if (item !== undefined) this.#send(item);
    }
    if (!this.#queue.length || this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#drain();
      },
      Math.ceil(((1 - this.#tokens) * 1000) / this.#perSecond) + 1,
    );
  }
}
