/** Virtual time: a heap of timers. Every part of the world has its own view of it, which dies with the part. */
import type { Random } from './random.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  run: (() => void) | undefined;
  readonly owner: PartClock | undefined;
}

export class VirtualClock {
  #now = 0;
  #order = 0;
  readonly #heap: Timer[] = [];

  now(): number {
    return this.#now;
  }

  at(ms: number, run: () => void, owner?: PartClock): Timer {
    const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, run, owner };
    const heap = this.#heap;
    let i = heap.push(timer) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(timer, heap[parent] as Timer)) break;
      heap[i] = heap[parent] as Timer;
      i = parent;
    }
    heap[i] = timer;
    return timer;
  }

  /**
   * Runs all that is due at the next moment, in one turn, as a read of a socket brings many answers. False when nothing waits, or nothing
   * before `until`.
   */
  step(until: number): boolean {
    let moment: number | undefined;
    const begun = this.#order;
    for (;;) {
      const timer = this.#heap[0];
      if (!timer || timer.at > (moment ?? until) || timer.order >= begun) return moment !== undefined;
      this.#pop();
      const { run } = timer;
      if (!run || timer.owner?.dead) continue;
      moment = timer.at;
      this.#now = moment;
      timer.run = undefined;
      run();
    }
  }

  /** Timers still armed, of living parts. */
  waiting(owner: PartClock): number {
    return this.#heap.filter((t) => t.run && t.owner === owner).length;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (!heap.length) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Timer, heap[child] as Timer)) child++;
      if (!before(heap[child] as Timer, last)) break;
      heap[i] = heap[child] as Timer;
      i = child;
    }
    heap[i] = last;
  }
}

const before = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order);

/** The clock of one node or one client: fits the core's and the SDK's interface alike. */
export class PartClock {
  dead = false;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  constructor(clock: VirtualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }
  now(): number {
    return this.#clock.now();
  }
  setTimeout(run: () => void, ms: number): unknown {
    return this.dead ? undefined : this.#clock.at(ms, run, this);
  }
  clearTimeout(handle: unknown): void {
    if (handle) (handle as Timer).run = undefined;
  }
  endOfTurn(run: () => void): void {
    this.setTimeout(run, 0);
  }
  random(): number {
    return this.#random.next();
  }
  date(): number {
    return this.now();
  }
  randomId(bytes: number): string {
    return this.#random.id(bytes);
  }
}
