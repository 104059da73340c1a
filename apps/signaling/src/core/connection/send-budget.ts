/** What a connection, and all connections of a user, may send: a sustained rate, and bursts of what was not used before. */

/** What {@link SendBudget}s of one kind allow; one object is shared by all of them. */
export interface SendLimits {
  /** Per ms. */
  readonly frameRate: number;
  readonly frameBurst: number;
  /** Per ms. */
  readonly byteRate: number;
  readonly byteBurst: number;
}

/** Bursts: three seconds' worth of frames, two of bytes. */
export function sendLimits(framesPerSecond: number, bytesPerSecond: number): SendLimits {
  return {
    frameRate: framesPerSecond / 1000,
    frameBurst: framesPerSecond * 3,
    byteRate: bytesPerSecond / 1000,
    byteBurst: bytesPerSecond * 2,
  };
}

/** A bucket of frames and one of bytes. Two numbers and a time: there is one for each connection. */
export class SendBudget {
  readonly #limits: SendLimits;
  #frames: number;
  #bytes: number;
  #at: number;
  constructor(limits: SendLimits, now: number) {
    this.#limits = limits;
    this.#frames = limits.frameBurst;
    this.#bytes = limits.byteBurst;
    this.#at = now;
  }

  /** Takes one frame of `bytes`. 0 when it fits, otherwise ms until it will; a refused frame takes nothing. */
  take(now: number, bytes: number): number {
    this.#refill(now);
    const { frameRate } = this.#limits;
    const wait = this.#waitFor(bytes);
    if (this.#frames < 1) return Math.max(wait, Math.ceil((1 - this.#frames) / frameRate));
    if (wait > 0) return wait;
    this.#frames--;
    this.#bytes -= bytes;
    return 0;
  }

  /** Takes more bytes for a frame that was taken. */
  takeBytes(now: number, bytes: number): number {
    this.#refill(now);
    const wait = this.#waitFor(bytes);
    if (wait === 0) this.#bytes -= bytes;
    return wait;
  }

  /** Nothing was taken for long: as good as new. */
  full(now: number): boolean {
    this.#refill(now);
    return this.#frames === this.#limits.frameBurst && this.#bytes === this.#limits.byteBurst;
  }

  #refill(now: number): void {
    const { frameRate, frameBurst, byteRate, byteBurst } = this.#limits;
    const passed = now - this.#at;
    this.#at = now;
    this.#frames = Math.min(frameBurst, this.#frames + passed * frameRate);
    this.#bytes = Math.min(byteBurst, this.#bytes + passed * byteRate);
  }

  #waitFor(bytes: number): number {
    // A frame larger than a burst passes when the bucket is full, and leaves it below zero.
    const missing = Math.min(bytes, this.#limits.byteBurst) - this.#bytes;
    return missing <= 0 ? 0 : Math.ceil(missing / this.#limits.byteRate);
  }
}
