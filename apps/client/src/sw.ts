/// <reference lib="webworker" />
/**
 * The service worker: the app opens at once and offline; everything live goes to the network, untouched.
 *
 * It never skips waiting by itself, so a new version never takes over a page in a call: the page asks (SKIP_WAITING) when
 * somebody presses "Update" in the lobby and no other tab is in a call. It never answers for config.json, tokens, /auth, /ws, /reports or /health: only
 * files of the build are in its cache, and anything else is left to the browser.
 */
import { NavigationRoute, NetworkOnly, type PrecacheEntry, Serwist, type SerwistGlobalConfig } from 'serwist';

declare global {
  interface WorkerGlobalScope extends SerwistGlobalConfig {
    __SW_MANIFEST: (PrecacheEntry | string)[] | undefined;
  }
}
declare const self: ServiceWorkerGlobalScope;

const base = process.env.BASE_PATH ?? '';
/** Pages are fetched fresh for this time, then the copy of this build serves. */
const PATIENCE_MS = 3000;

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  // Without `directoryIndex: null` the copy of index.html answers for `/` before the route below is asked.
  precacheOptions: { cleanupOutdatedCaches: true, directoryIndex: null, ignoreURLParametersMatching: [/.*/] },
  skipWaiting: false,
  clientsClaim: false,
  navigationPreload: false,
});

const network = new NetworkOnly();
/** HTML is never served stale while the network answers: the newest page names the newest scripts. */
serwist.registerRoute(
  new NavigationRoute(
    async (options) => {
      try {
        const slow = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('slow')), PATIENCE_MS));
        return await Promise.race([network.handle(options), slow]);
      } catch {
        const page = new URL(options.request.url).pathname.startsWith(`${base}/diagnostics`) ? 'diagnostics' : '';
        const shell = page === '' && new URL(options.request.url).pathname.replace(/\/$/, '') === base;
        const file =
          navigator.onLine && (shell || page)
            ? `${base}/${page ? `${page}/` : ''}index.html`
            : `${base}/offline/index.html`;
        return (await serwist.matchPrecache(file)) ?? Response.error();
      }
    },
    { denylist: [/\/(auth|ws|reports|health|metrics|\.well-known)(\/|$)/, /config\.json$/] },
  ),
);

/**
 * Who may frame a page is what the network says now (`embedOrigins`), not what it said when a copy was kept: in a frame the browser asks it
 * alone. First of the listeners, so that no other answers.
 */
self.addEventListener('fetch', (event) => {
  const { mode, destination } = event.request;
  if (mode === 'navigate' && destination !== 'document') event.stopImmediatePropagation();
});
serwist.addEventListeners();
