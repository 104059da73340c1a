/** The coturns that tests run: that of the image, where it could be had (`npm run relay`), and that of the system. */
const { href } = new URL('../../scripts/lib/relay-program.mjs', import.meta.url);
const { cachedRelay } = (await import(href)) as { cachedRelay: () => string | undefined };

/** The one that refuses new allocations while it drains. */
export const drainingRelay: string | undefined = cachedRelay();

/** Value of TURNSERVER. */
export const relay: string = drainingRelay ?? 'turnserver';

/** For tests that hold for both. */
export const relays: readonly string[] = [...new Set([relay, 'turnserver'])];
