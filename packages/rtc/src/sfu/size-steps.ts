/**
 * When a picture is to come in a smaller size, and when in a larger one again. For people in a room, whose page decides, and for viewers of a
 * stream, for whom the media node does (infra/media-node): an SFU estimates no receiver's bandwidth.
 */

/** Trouble that lasts this long takes one picture a size down, ms. */
const DOWN_AFTER_MS = 4000;
/** Time without trouble after which one picture comes a size up again, ms. */
const UP_AFTER_MS = 10_000;
/** Time after which the next one does, ms: a reading has said that the one before did no harm. */
const UP_NEXT_MS = 2000;
/** The same after a step up that brought the trouble back. */
const UP_AFTER_FAILED_MS = 30_000;
/** A step up that is followed by trouble within this time has failed, ms. */
const TRIAL_MS = 10_000;

/** Lost packets, share: more is trouble. */
export const LOSS = 0.05;
/** Most that a size of the camera takes, kbit/s: the bitrates of up-leg.ts. Also their order. */
export const KBITS = { off: 0, low: 150, mid: 500, high: 1200 } as const;
/** The next smaller size. */
export const LOWER = { high: 'mid', mid: 'low', low: 'low', off: 'off' } as const;

/** Times in ms, of one clock. */
export class SizeSteps {
  #troubleSince: number | undefined;
  #goodSince: number | undefined;
  /** Time of the last step up, unless trouble followed. */
  #lastUp = -TRIAL_MS;
  #upAfter = UP_AFTER_MS;

  /** A reading of trouble. @returns whether a picture is to become smaller */
  suffer(now: number): boolean {
    this.#goodSince = undefined;
    this.#troubleSince ??= now;
    if (now - this.#lastUp < TRIAL_MS) this.#upAfter = UP_AFTER_FAILED_MS;
    this.#lastUp = -TRIAL_MS;
    if (now - this.#troubleSince < DOWN_AFTER_MS) return false;
    this.#troubleSince = now;
    return true;
  }

  /** A reading without trouble. @param canGrow there is a picture that became smaller @returns whether one is to become larger */
  enjoy(now: number, canGrow: boolean): boolean {
    this.#troubleSince = undefined;
    this.#goodSince ??= now;
    const wait = now - this.#lastUp < TRIAL_MS ? UP_NEXT_MS : this.#upAfter;
    if (!canGrow || now - this.#goodSince < wait) return false;
    this.#goodSince = this.#lastUp = now;
    this.#upAfter = UP_AFTER_MS;
    return true;
  }
}
