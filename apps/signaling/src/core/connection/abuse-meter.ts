/** Counts what a client does wrong, and what it sends over its limits, until that is abuse. Made at the first of either. */
import type { CoreSettings } from '../settings.ts';

/** Within this time, ms, `maxFaults` are allowed. */
const FAULT_WINDOW = 10_000;

/** `other`: control and binary frames. */
export type FrameKind = 'message' | 'other';

export class AbuseMeter {
  readonly #settings: CoreSettings;
  #faults = 0;
  #faultsSince = 0;
  #dropped = 0;
  #droppedBytes = 0;
  #droppedSince = 0;
  #answeredUntil = 0;
  constructor(settings: CoreSettings) {
    this.#settings = settings;
  }

  /** A malformed or refused message. @returns whether that was one too many */
  fault(now: number): boolean {
    if (now - this.#faultsSince > FAULT_WINDOW) {
      this.#faultsSince = now;
      this.#faults = 0;
    }
    return ++this.#faults > this.#settings.maxFaults;
  }

  /** Of frames dropped within `wait` ms one is answered. @returns whether that is this one */
  mayAnswer(now: number, wait: number): boolean {
    if (now < this.#answeredUntil) return false;
    this.#answeredUntil = now + wait;
    return true;
  }

  /**
   * A frame was over the limit and was dropped. A correct client's messages of the time that a path may stall unnoticed
   * (`heartbeatTimeout`) arrive all at once when it goes on; more than those are a flood, and so are frames of other kinds.
   * @returns whether that was one too many
   */
  dropped(now: number, bytes: number, kind: FrameKind): boolean {
    if (kind === 'other') return this.fault(now);
    const { heartbeatTimeout, messagesPerSecond, bytesPerSecond } = this.#settings;
    if (now - this.#droppedSince > heartbeatTimeout) {
      this.#droppedSince = now;
      this.#dropped = 0;
      this.#droppedBytes = 0;
    }
    this.#dropped++;
    this.#droppedBytes += bytes;
    const seconds = heartbeatTimeout / 1000;
    return this.#dropped > messagesPerSecond * seconds || this.#droppedBytes > bytesPerSecond * seconds;
  }
}
