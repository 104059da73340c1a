/** What can wait does so for this long at most, ms. */
const PATIENCE_MS = 2000;
/** Where the browser does not say when it is idle (Safari): after this time, ms. */
const BLIND_MS = 300;

/** Runs when the page has nothing better to do: what people see first goes first. @returns what calls it off */
export function whenIdle(run: () => void): () => void {
  if (!('requestIdleCallback' in globalThis)) {
    const timer = setTimeout(run, BLIND_MS);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(run, { timeout: PATIENCE_MS });
  return () => cancelIdleCallback(handle);
}
