/** Faces move smoothly enough, and a third of the work of 30 a second is saved. */
const MAX_RATE = 24;
/** Of one core. The encoder and the pictures of the others need the rest. */
const MAX_SHARE = 0.5;

/** Which pictures to take, so that a slow machine sends fewer of them instead of late ones. */
export class Pace {
  #cost = 0;
  #next = 0;

  /** Milliseconds until the next picture is due. */
  wait(now: number): number {
    return Math.max(0, this.#next - now);
  }

  /** A picture was begun and finished at these times. */
  took(begun: number, finished: number): void {
    const cost = finished - begun;
    // Follows within a second, and one hiccup does not halve the rate.
    this.#cost = this.#cost === 0 ? cost : this.#cost * 0.8 + cost * 0.2;
    const interval = Math.max(1000 / MAX_RATE, this.#cost / MAX_SHARE);
    // From when it was due, or a camera of 30 would give 15; but nothing that was missed is caught up on.
    this.#next = Math.max(this.#next + interval, finished);
  }
}
