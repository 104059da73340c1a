/** Work that waits for the end of an event-loop turn, so that what one turn produced leaves in one write. */

export interface Flushable {
  /** Must not throw: one broken socket must not keep the others' frames. */
  flush(): void;
}

/** Collects dirty things and flushes each once. */
export class FlushScheduler {
  #dirty: Flushable[] = [];
  #empty: Flushable[] = [];
  #scheduled = false;
  readonly #schedule: (run: () => void) => void;
  readonly #run = () => {
    this.#scheduled = false;
    const dirty = this.#dirty;
    this.#dirty = this.#empty;
    for (let i = 0; i < dirty.length; i++) (dirty[i] as Flushable).flush();
    dirty.length = 0;
    this.#empty = dirty;
  };

  /**
   * @param schedule when to flush. Default `setImmediate`: behind everything that this turn read. Measured per relayed message
   * against `process.nextTick` (behind each socket's read): the same at 8 messages in flight, 15 % less CPU at 1.
   */
  constructor(schedule: (run: () => void) => void = setImmediate) {
    this.#schedule = schedule;
  }

  /** Call once per flushable and turn: it keeps its own dirty flag. */
  add(it: Flushable): void {
    this.#dirty.push(it);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#run);
  }
}
