/** What a node tries again at its next tick: it serves on without its directory or its secret store. */

import { setTimeout as sleep } from 'node:timers/promises';

/** One structured line to the log. */
export type Say = (event: string, more?: Record<string, unknown>) => void;
/** Runs `work`; when that fails, `what` and the reason are logged. Never rejects. */
export type Attempt = (what: string, work: () => Promise<unknown>) => Promise<void>;

/** @param failed logs a failure */
export function attempts(failed: (more: { readonly what: string; readonly error: string }) => void): Attempt {
  return async (what, work) => {
    try {
      await work();
    } catch (error) {
      failed({ what, error: error instanceof Error ? error.message : String(error) });
    }
  };
}

/** Runs `work` again and again, first after `everyMs`, until `signal` aborts. @param work does not reject */
export async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await sleep(everyMs, undefined, { signal }).catch(() => {});
    if (!signal.aborted) await work();
  }
}
