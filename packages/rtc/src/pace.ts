/** Of the slowest step, with each one after it: after twenty quick ones a third is left. */
const FADING = 0.95;

/**
 * How slow connections come up at the moment: the longest step of one of the call's pairs, counted less with each further step. A
 * device that took 7 s for the path of one pair is not to take another one for stuck after 8 s: a rebuild would be more work still.
 */
export class Pace {
  #slowest = 0;

  /** @param ms from one step of a pair's setup to the next */
  step(ms: number): void {
    this.#slowest = Math.max(ms, this.#slowest * FADING);
  }

  /** How long to wait for a step instead of `ms`: twice the slowest one, at most twice `ms`. */
  patience(ms: number): number {
    return Math.min(2 * ms, Math.max(ms, 2 * this.#slowest));
  }
}
