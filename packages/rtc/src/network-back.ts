/** Moments when the network may be back: the browser says so, or the page is looked at again. */

/** Runs `run` at each of them, where there is a page. @returns what ends that */
export function onNetworkBack(run: () => void): () => void {
  const target = globalThis as unknown as Partial<EventTarget>;
  const page = (globalThis as { document?: Partial<EventTarget> & { visibilityState?: string } }).document;
  const visible = () => page?.visibilityState === 'visible' && run();
  target.addEventListener?.('online', run);
  page?.addEventListener?.('visibilitychange', visible);
  return () => {
    target.removeEventListener?.('online', run);
    page?.removeEventListener?.('visibilitychange', visible);
  };
}
