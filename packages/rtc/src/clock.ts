/** Time as a dependency, so that tests and the simulation run on a virtual clock. */
export interface Clock {
  /** Milliseconds, monotonic enough for intervals. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (handle) => clearTimeout(handle as ReturnType<typeof setTimeout>),
};

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimeout(resolve, ms));
}

/** @returns a function after which `run` runs in `ms`: once, however often it is called until then */
export function coalesced(clock: Clock, ms: number, run: () => void): () => void {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    clock.setTimeout(() => {
      due = false;
      run();
    }, ms);
  };
}

/** For what an app or a network promises. @throws what `promise` throws, and an error when it takes longer than `ms` */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T> {
  let timer: unknown;
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clock.clearTimeout(timer));
}
