/** How many tries of one endpoint may be under way at once in this task; who asks for more waits, first come, first served. */
export class TrySlots {
  readonly #most: number;
  readonly #taken = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  /** @param most of each endpoint */
  constructor(most: number) {
    this.#most = most;
  }

  /** Resolves with a slot, which is free again when it is disposed. */
  async take(endpointId: string): Promise<Disposable> {
    const taken = this.#taken.get(endpointId) ?? 0;
    if (taken < this.#most) this.#taken.set(endpointId, taken + 1);
    else
      await new Promise<void>((resolve) => {
        const waiting = this.#waiting.get(endpointId);
        if (waiting) waiting.push(resolve);
        else this.#waiting.set(endpointId, [resolve]);
      });
    return { [Symbol.dispose]: () => this.#free(endpointId) };
  }

  #free(endpointId: string): void {
    const next = this.#waiting.get(endpointId)?.shift();
    // It changes hands.
    if (next) next();
    else this.#taken.set(endpointId, (this.#taken.get(endpointId) ?? 1) - 1);
  }
}
