// The media engine: Janus 1.4 or later.
import { cached, cacheOf, obtain } from './debian-program.mjs';

const RECIPE = {
  title: 'the media engine',
  kind: 'media-engine',
  name: 'janus',
  // ICE consent freshness and PLI dilution came with 1.4.
  oldest: [1, 4],
  programs: ['janus'],
  // What the media node uses; every other one is left out, with the libraries that only it needs.
  modules: {
    plugins: ['libjanus_videoroom.so', 'libjanus_streaming.so', 'libjanus_audiobridge.so'],
    transports: ['libjanus_websockets.so'],
  },
  // What NSS (below libsrtp2) opens when it starts.
  libraries: ['libsoftokn3.so', 'libfreebl3.so', 'libfreeblpriv3.so'],
};

/** Folder in which engines are kept, each in a folder named by its digest. */
export const engineCache = (env = process.env) => cacheOf(RECIPE.kind, env);

/** Folder of the newest engine in the cache, or undefined. */
export const cachedEngine = (cache = engineCache()) => cached(cache);

/**
 * Get the engine unless it is in the cache.
 * @param {{cache?: string, renew?: boolean, say?: (line: string) => void}} [options] renew: look for a newer version although one is there
 * @returns {string} its folder
 * @throws Error that says what is missing
 */
export const obtainEngine = (options = {}) => obtain(RECIPE, options);
