/// <reference lib="webworker" />
/**
 * The service worker: the app opens at once and offline; everything live goes to the network, untouched.
 *
 * It never skips waiting by itself, so a new version never takes over a page in a call: the page asks (SKIP_WAITING) when
 * somebody presses "Update" in the lobby and no other tab is in a call. It never answers for config.json, tokens, /auth, /ws, /reports or /health: only
 * files of the build are in its cache, and anything else is left to the browser.
 */
import { NavigationRoute, NetworkOnly, type PrecacheEntry, Serwist, type SerwistGlobalConfig } from 'serwist';
import { answerPage } from './answer-page.ts';

declare global {
  interface WorkerGlobalScope extends SerwistGlobalConfig {
    __SW_MANIFEST: (PrecacheEntry | string)[] | undefined;
  }
}
declare const self: ServiceWorkerGlobalScope;

const base = process.env.BASE_PATH ?? '';

const serwist = new Serwist({
  precacheEntries: self.__SW_MANIFEST ?? [],
  // Without `directoryIndex: null` the copy of index.html answers for `/` before the route below is asked.
  precacheOptions: { cleanupOutdatedCaches: true, directoryIndex: null, ignoreURLParametersMatching: [/.*/] },
  skipWaiting: false,
  clientsClaim: false,
  navigationPreload: false,
});

const network = new NetworkOnly();
serwist.registerRoute(
  new NavigationRoute(
    (options) =>
      answerPage({
        path: new URL(options.request.url).pathname,
        base,
        isOnline: () => navigator.onLine,
        fetchPage: () => network.handle(options),
        copyOf: (file) => serwist.matchPrecache(file),
      }),
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
