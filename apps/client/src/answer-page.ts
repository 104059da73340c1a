/** What the service worker answers when somebody opens a page. */

/** Pages are fetched fresh for this time, then the copy of this build serves, ms. */
const PATIENCE_MS = 3000;

export interface PageRequest {
  /** Of the page. */
  readonly path: string;
  /** Path of the app, without a slash at its end. */
  readonly base: string;
  readonly isOnline: () => boolean;
  fetchPage(): Promise<Response>;
  /** Of this build. @param file its path */
  copyOf(file: string): Promise<Response | undefined>;
}

/** The file of this build that can stand in for a page. */
function fileOf({ path, base }: PageRequest): string | undefined {
  if (path.startsWith(`${base}/diagnostics`)) return `${base}/diagnostics/index.html`;
  return path.replace(/\/$/, '') === base ? `${base}/index.html` : undefined;
}

/** HTML is never served stale while the network answers: the newest page names the newest scripts. */
export async function answerPage(request: PageRequest): Promise<Response> {
  const file = fileOf(request);
  const fetched = request.fetchPage();
  const slow = () =>
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error('the network is slow')), PATIENCE_MS));
  try {
    // What nothing can stand in for is waited for, however slow the line: it is not offline.
    return await (file ? Promise.race([fetched, slow()]) : fetched);
  } catch {
    const shown = request.isOnline() && file ? file : `${request.base}/offline/index.html`;
    return (await request.copyOf(shown)) ?? Response.error();
  }
}
