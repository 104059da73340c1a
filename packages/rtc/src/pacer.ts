/**
 * Stay below the server's message rate: a burst after a resume must not be answered with `rate_limited`.
 *
 * End-to-end delivery says again what still waits here, and a receipt says all that the one before it said: such a frame takes the place of
 * the old one. Negotiation and requests go before messages and receipts, with all messages that were given before to the same peer: what
 * one peer receives stays in order.
 */
import type { Clock } from './clock.ts';
import type { Frame } from './wire.ts';

interface Waiting {
  readonly frame: Frame;
  /** UTF-16 units as JSON. */
  readonly size: number;
}

/** No more messages and receipts are taken, of which the server takes as many in some ten seconds. Delivery says them again later. */
const MOST_WAITING = 1024;
const MOST_SIZE = 4 * 1024 * 1024;
/** One frame of these is a message or receipt, however much goes before: who makes me negotiate without end must not silence me. */
const SHARE = 4;

export class Pacer {
  readonly #clock: Clock;
  readonly #send: (frame: Frame) => boolean;
  #perSecond = 50;
  #tokens = 25;
  #at: number;
  /** In the order of sending, by what one frame has in common with the next that replaces it. All messages to one peer are in the same one. */
  readonly #first = new Map<unknown, Waiting>();
  readonly #rest = new Map<unknown, Waiting>();
  #size = 0;
  #turn = 0;
  #timer: unknown;

  constructor(clock: Clock, send: (frame: Frame) => boolean) {
    this.#clock = clock;
    this.#send = send;
    this.#at = clock.now();
  }

  /** Frames that wait. */
  get waiting(): number {
    return this.#first.size + this.#rest.size;
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

  /** Send now or soon. False: not at all, too much waits. */
  push(frame: Frame): boolean {
    const key = keyOf(frame);
    const isPlain = frame.type === 'message' || frame.type === 'receipt';
    const queue = isPlain && !this.#goesFirst(frame) ? this.#rest : this.#first;
    const old = queue.get(key)?.size ?? 0;
    const size = this.waiting ? sizeOf(frame) : 0;
    if (isPlain && !queue.has(key) && (this.waiting >= MOST_WAITING || this.#size + size > MOST_SIZE)) return false;
    if (!isPlain) this.#bringForward(frame);
    queue.set(key, { frame, size });
    this.#size += size - old;
    this.#drain();
    return true;
  }

  /** Drop what waits: its connection is gone. */
  clear(): void {
    this.#first.clear();
    this.#rest.clear();
    this.#size = 0;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Must it stay behind something that goes first? */
  #goesFirst(frame: Frame): boolean {
    return frame.type !== 'receipt' && [...this.#first.values()].some((other) => isBefore(other.frame, frame));
  }

  /** What must go out before `frame` goes first as well. */
  #bringForward(frame: Frame): void {
    const leaves = frame.type === 'leave';
    for (const [key, waiting] of this.#rest) {
      if (!leaves && !isBefore(waiting.frame, frame)) continue;
      this.#rest.delete(key);
      // After the leave it reaches no one: what does not go out within a second is not waited for.
      if (leaves && this.#first.size >= this.#perSecond) this.#size -= waiting.size;
      else this.#first.set(key, waiting);
    }
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
    while (this.waiting && this.#tokens >= 1) {
      this.#tokens--;
      this.#sendNext();
    }
    if (!this.waiting || this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimeout(
      () => {
        this.#timer = undefined;
        this.#drain();
      },
      Math.ceil(((1 - this.#tokens) * 1000) / this.#perSecond) + 1,
    );
  }

  #sendNext(): void {
    const isTurnOfRest = this.#rest.size && (!this.#first.size || ++this.#turn % SHARE === 0);
    const queue = isTurnOfRest ? this.#rest : this.#first;
    for (const [key, { frame, size }] of queue) {
      queue.delete(key);
      this.#size -= size;
      this.#send(frame);
      return;
    }
  }
}

/** What two frames have in common of which the later one makes the earlier one needless. */
function keyOf(frame: Frame): unknown {
  if (frame.type === 'receipt') return ` ${frame.peerId}`;
  if (frame.type === 'update') return frame.type;
  return frame.id === undefined ? frame : `${frame.id} ${frame.peerId}`;
}

/** To the same peer, or both to the server. */
const isBefore = (one: Frame, other: Frame) => one.peerId === other.peerId && one.type !== 'receipt';

function sizeOf(frame: Frame): number {
  try {
    return JSON.stringify(frame).length;
  } catch {
    // It is no JSON, and the socket will not take it.
    return 0;
  }
}
