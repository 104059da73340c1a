/** A node refuses because its store is away: when to try another node. */

/** How long the store of a node may be away before another node is tried, ms. */
const PATIENCE_MS = 3000;
/** How long after the last refusal the store counts as back, ms; also the longest wait between two tries. */
const OVER_MS = 60_000;

export class StoreOutage {
  #last = -Infinity;
  #due = 0;
  #wait = 0;

  /**
   * The node refused at `now`. Should another one be tried? Less and less often while the outage goes on: with the store away for all, all
   * clients would do so.
   */
  refused(now: number): boolean {
    if (now - this.#last > OVER_MS) {
      this.#wait = PATIENCE_MS;
      this.#due = now + this.#wait;
    }
    this.#last = now;
    if (now < this.#due) return false;
    this.#wait = Math.min(this.#wait * 2, OVER_MS);
    this.#due = now + this.#wait;
    return true;
  }
}
