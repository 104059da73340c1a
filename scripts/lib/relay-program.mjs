// The relay: coturn that refuses new allocations while it drains (SIGUSR1), and its own test client.
import { cached, cacheOf, obtain } from './debian-program.mjs';

const RECIPE = {
  title: 'the relay',
  kind: 'relay',
  name: 'coturn',
  // Drains since 4.6.3; 4.18 is what the agent was tried with.
  oldest: [4, 18],
  programs: ['turnserver', 'turnutils_uclient'],
  modules: {},
  libraries: [],
};

/** Folder of the newest relay in the cache, or undefined. */
export const cachedRelay = (cache = cacheOf(RECIPE.kind)) => cached(cache);

/**
 * Get the relay unless it is in the cache.
 * @param {{cache?: string, renew?: boolean, say?: (line: string) => void}} [options] renew: look for a newer version although one is there
 * @returns {string} its folder
 * @throws Error that says what is missing
 */
export const obtainRelay = (options = {}) => obtain(RECIPE, options);
