/** What must not end a node's agent, and with it the program that serves (coturn, Janus) and everybody on it. */

/**
 * For the process, once: a log whose reader is gone, and work in the background that failed, for which nothing waits.
 * @param say gets `background.failed` with the error
 */
export function serveOn(say: (event: string, more: { readonly error: string }) => void): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('unhandledRejection', (reason) =>
    say('background.failed', { error: String((reason as Error | undefined)?.stack ?? reason) }),
  );
}
