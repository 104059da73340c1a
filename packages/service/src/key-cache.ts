/** The public keys of auth, fetched in the background and kept. */
import { type CryptoKey, importJWK, type JWK } from 'jose';
import { type HealthProbe, HealthRecord } from './health.ts';
import type { Logger } from './log.ts';
import { type Guard, guard } from './resilience.ts';
import { TokenError } from './token-error.ts';

/** Signature algorithms accepted, ever. No `none`, nothing symmetric, no RSA. */
export const TOKEN_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const;
/** Keys of a set that are read. */
const MAX_KEYS = 32;

export interface KeyCacheOptions {
  /** Where the keys are, such as `http://auth:8081/.well-known/jwks.json`. */
  readonly jwksUrl: string;
  /** Background refresh of the keys, ms, ±10 % jitter. Default 300,000; auth publishes a key 15 min before it signs. */
  readonly refreshMs?: number;
  /** Least time between two fetches of the keys for an unknown `kid`, ms (a flood of forged kids must not flood auth). Default 5,000. */
  readonly cooldownMs?: number;
  /** Keys older than this are no longer trusted, ms. Default 24 h. */
  readonly maxStaleMs?: number;
  /** How long the breaker stays open after 5 failed fetches in a row, ms. Default 10,000. */
  readonly breakerMs?: number;
  /** One fetch, ms. Default 3,000. */
  readonly timeoutMs?: number;
  /** Gets the `breaker.*` events. */
  readonly log?: Logger;
  /** Replaces the network, for tests. */
  readonly fetchKeys?: (url: string, signal: AbortSignal) => Promise<{ keys: JWK[] }>;
  readonly now?: () => number;
}

/** A public key as WebCrypto has it. */
export type TokenKey = CryptoKey;

/**
 * Imports a public JWK for an algorithm of {@link TOKEN_ALGORITHMS}. Once for each key: it costs more than a verification.
 * @throws when it is not a key of that algorithm (RFC 8725 section 3.1), whatever the key set says of it
 */
export async function tokenKey(jwk: JWK, alg: string): Promise<TokenKey> {
  const key = await importJWK(jwk, alg);
  if (key instanceof Uint8Array) throw new TypeError('a symmetric key verifies no tokens');
  return key;
}

interface CachedKey {
  readonly key: TokenKey;
  readonly alg: string;
}

export class KeyCache implements Disposable {
  /** Resolves after the first fetch was tried, whether it succeeded or not; never rejects. */
  readonly ready: Promise<void>;
  readonly #options: KeyCacheOptions;
  readonly #guard: Guard;
  readonly #now: () => number;
  readonly #health: HealthRecord;
  readonly #maxStaleMs: number;
  #keys: ReadonlyMap<string, CachedKey> = new Map();
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(options: KeyCacheOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#health = new HealthRecord('down', 'not fetched yet', this.#now);
    this.#maxStaleMs = options.maxStaleMs ?? 86_400_000;
    this.#guard = guard({
      name: 'jwks',
      timeoutMs: options.timeoutMs ?? 3_000,
      attempts: 2,
      openMs: options.breakerMs ?? 10_000,
      log: options.log,
    });
    this.ready = this.#refresh().then(() => this.#plan());
  }

  /** `degraded` on stale keys (tokens are still verified), `down` with none. */
  readonly health: HealthProbe = () => this.#health.read();

  /** @throws TokenError `unavailable`, `unknown_key` or `algorithm` */
  async find(kid: string, alg: string): Promise<TokenKey> {
    if (this.#keys.size === 0) await (this.#running ?? (this.#sinceTry > 1_000 ? this.#refresh() : undefined));
    let found = this.#keys.get(kid);
    if (!found && this.#sinceTry >= (this.#options.cooldownMs ?? 5_000)) {
      await this.#refresh();
      found = this.#keys.get(kid);
    }
    if (this.#keys.size === 0 || this.#now() - this.#fetchedAt > this.#maxStaleMs)
      throw new TokenError('unavailable', 'no signing keys could be fetched yet; try again soon');
    if (!found) throw new TokenError('unknown_key', 'the token was signed by a key that is not published', 'kid');
    const family = (a: string) => (a === 'Ed25519' ? 'EdDSA' : a);
    if (family(found.alg) !== family(alg)) throw new TokenError('algorithm', 'the key is for another algorithm', 'alg');
    return found.key;
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  get #sinceTry(): number {
    return this.#now() - this.#triedAt;
  }

  #refresh(): Promise<void> {
    this.#running ??= this.#load().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  #plan(): void {
    if (this.#disposed) return;
    const refreshMs = this.#options.refreshMs ?? 300_000;
    // Until there are keys, try often; afterwards seldom.
    const wait = (this.#health.state === 'up' ? refreshMs : Math.min(refreshMs, 2_000)) * (0.9 + Math.random() * 0.2);
    this.#timer = setTimeout(() => void this.#refresh().then(() => this.#plan()), wait);
    this.#timer.unref();
  }

  async #load(): Promise<void> {
    const { fetchKeys = fetchJwks, jwksUrl } = this.#options;
    this.#triedAt = this.#now();
    const start = performance.now();
    try {
      await this.#guard.run(async (signal) => {
        const keys = await usableKeys((await fetchKeys(jwksUrl, signal)).keys);
        if (keys.size === 0) throw new Error('JWKS has no usable key');
        this.#keys = keys;
      });
      this.#fetchedAt = this.#now();
      this.#health.latencyMs = Math.round(performance.now() - start);
      this.#health.become('up');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const usable = this.#keys.size > 0 && this.#now() - this.#fetchedAt <= this.#maxStaleMs;
      this.#health.become(usable ? 'degraded' : 'down', `keys could not be fetched: ${why}`);
    }
  }
}

/** Another version of auth may publish what this one does not know: that must not cost the keys it knows. */
async function usableKeys(jwks: readonly JWK[]): Promise<ReadonlyMap<string, CachedKey>> {
  const keys = new Map<string, CachedKey>();
  for (const jwk of jwks.slice(0, MAX_KEYS)) {
    if (typeof jwk?.kid !== 'string' || jwk.kid === '') continue;
    const alg = jwk.alg ?? (jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk.crv === 'Ed25519' ? 'EdDSA' : '');
    // A key of another kind in the set is not ours to use; a private or symmetric one never.
    if (!(TOKEN_ALGORITHMS as readonly string[]).includes(alg) || jwk.d || jwk.k) continue;
    if (jwk.use !== undefined && jwk.use !== 'sig') continue;
    try {
      keys.set(jwk.kid, { key: await tokenKey(jwk, alg), alg });
    } catch {}
  }
  return keys;
}

async function fetchJwks(url: string, signal: AbortSignal): Promise<{ keys: JWK[] }> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`JWKS answered ${response.status}`);
  const body = (await response.json()) as { keys?: unknown };
  if (!Array.isArray(body.keys)) throw new Error('JWKS has no "keys"');
  return { keys: body.keys as JWK[] };
}
