/** A node that has to go waits until its work is done; meanwhile the auto scaling group is asked to wait. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from './host.ts';
import type { Attempt } from './retry.ts';

export interface DrainOptions {
  readonly host: Pick<Host, 'lifecycle'>;
  readonly attempt: Attempt;
  /** Once, before the wait. */
  readonly begin: () => Promise<void>;
  readonly isDone: () => boolean;
  /** After the wait. `isDone`: false when its time was over first. */
  readonly end: (isDone: boolean) => Promise<void>;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  /** How often `isDone` is asked, ms. */
  readonly pollMs: number;
}

/** How often the group's lifecycle hook is renewed, ms. Its timeout is five minutes at least (infra/src/node-instances.ts). */
const HEARTBEAT_MS = 60_000;

/** @returns begins the drain, at most once. A later call may shorten the wait, and never lengthens it */
export function drainOnce(options: DrainOptions): (seconds: number) => Promise<void> {
  let deadline = Number.POSITIVE_INFINITY;
  let draining: Promise<void> | undefined;
  const run = async () => {
    await options.begin();
    let beat = 0;
    while (!options.isDone() && Date.now() < deadline && !options.signal.aborted) {
      if (Date.now() >= beat) {
        // Not waited for: a group that does not answer must not hold up the end.
        void options.attempt('lifecycle', () => options.host.lifecycle('wait'));
        beat = Date.now() + HEARTBEAT_MS;
      }
      await sleep(options.pollMs, undefined, { signal: options.signal }).catch(() => {});
    }
    await options.end(options.isDone());
  };
  return (seconds) => {
    deadline = Math.min(deadline, Date.now() + seconds * 1000);
    draining ??= run();
    return draining;
  };
}
