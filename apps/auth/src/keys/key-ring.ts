/** The keys in use: loaded at the start, kept fresh in the background, kept when the source is away. */
import { type DependencyHealth, guard, HealthRecord, type Logger, type TokenKey, tokenKey } from '@tandem/service';
import type { JWK } from 'jose';
import type { KeySet, KeySource, SigningKey } from './key-source.ts';

export interface KeyRing extends Disposable {
  /** Compact JWS over `payload` with the key that signs now. */
  signJwt(payload: object): Promise<string>;
  /** Body of `/.well-known/jwks.json`. */
  jwks(): { keys: JWK[] };
  /** Public key by kid, for checking our own tokens. */
  publicKey(kid: string): Promise<TokenKey> | undefined;
  health(): DependencyHealth;
  /** Ask the source now; failures keep the present keys. */
  refresh(): Promise<void>;
}

const b64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Compact JWS (RFC 7515 section 7.1) over `payload`, typed as an access token (RFC 9068). */
async function signCompact(payload: object, key: SigningKey): Promise<string> {
  const input = `${b64({ alg: key.alg, typ: 'at+jwt', kid: key.kid })}.${b64(payload)}`;
  const signature = await key.sign(Buffer.from(input));
  return `${input}.${Buffer.from(signature).toString('base64url')}`;
}

/**
 * @param refreshMs how often the source is asked, default 30,000: far below KEY_PUBLISH_AHEAD_SECONDS, so every process
 *   publishes a key well before any process signs with it
 * @throws when the first load fails: without a key there is no service
 */
export async function createKeyRing(
  source: KeySource,
  log: Logger,
  options: { now?: () => number; refreshMs?: number } = {},
): Promise<KeyRing> {
  const now = options.now ?? Date.now;
  // A source that hangs must not keep the ring from asking again.
  const guarded = guard({ name: 'key source', attempts: 1, timeoutMs: 15_000, log });
  let set: KeySet = await guarded.run(() => source.load(now()));
  const present = () => set.at?.(now()) ?? set;
  let signs = present().signing.kid;
  const health = new HealthRecord('up', undefined, now);
  const imported = new Map<string, Promise<TokenKey>>();

  async function refresh() {
    try {
      const known = new Set(set.published.map((k) => k.kid));
      set = await guarded.run(() => source.load(now()));
      for (const key of set.published)
        if (!known.has(key.kid)) log.info({ event: 'key.published', kid: key.kid }, 'a new key is published');
      const { kid } = present().signing;
      if (kid !== signs) log.info({ event: 'key.signing', kid }, 'another key signs now');
      signs = kid;
      for (const old of imported.keys()) if (!set.published.some((k) => k.kid === old)) imported.delete(old);
      health.become('up');
    } catch (error) {
      health.become('degraded', error instanceof Error ? error.message : String(error));
      log.warn({ event: 'key.refresh_failed', err: error }, 'the key source is away; the present keys go on');
    }
  }
  const timer = setInterval(() => void refresh(), options.refreshMs ?? 30_000);
  timer.unref();

  return {
    signJwt: (payload) => signCompact(payload, present().signing),
    jwks: () => ({ keys: present().published.map((k) => ({ ...k.jwk, kid: k.kid, alg: k.alg, use: 'sig' })) }),
    publicKey(kid) {
      const found = present().published.find((k) => k.kid === kid);
      if (!found) return undefined;
      let key = imported.get(kid);
      if (!key) {
        key = tokenKey(found.jwk, found.alg);
        imported.set(kid, key);
      }
      return key;
    },
    health() {
      const signer = source.health?.();
      if (signer && signer.state !== 'up') return { ...signer, state: 'degraded' };
      const { latencyMs } = guarded.health();
      return { ...health.read(), ...(latencyMs === undefined ? {} : { latencyMs }) };
    },
    refresh,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
