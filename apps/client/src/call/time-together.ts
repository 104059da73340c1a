/** How long somebody else was in the call, ms: alone is not together. */
export class TimeTogether {
  #total = 0;
  #since: number | undefined;

  /** @param others how many are here besides me. @param now ms */
  update(others: number, now: number): void {
    if (others > 0) this.#since ??= now;
    else if (this.#since !== undefined) {
      this.#total += now - this.#since;
      this.#since = undefined;
    }
  }

  total(now: number): number {
    return this.#total + (this.#since === undefined ? 0 : now - this.#since);
  }
}
