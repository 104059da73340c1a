/** What a node tries again at its next tick: it serves on without its directory or its secret store. */

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
