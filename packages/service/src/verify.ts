/**
 * Local verification of access tokens against a cached JWKS.
 *
 * Nobody asks auth about a token: keys are fetched in the background and kept, so auth may be down for hours while
 * sockets open, resume and join with tokens that were issued before. What is checked: size, algorithm allow-list, header
 * without embedded keys, signature, issuer, audience, times within a bounded skew, and the shape of every claim.
 * Revocation is a separate, also local, question: see revocation.ts.
 */
import { createPublicKey, type JsonWebKey, type KeyObject, verify as verifySignature } from 'node:crypto';
import { AccessClaims } from '@tandem/protocol';
import type { JWK } from 'jose';
import { Compile } from 'typebox/compile';
import { ecdsaDer } from './ecdsa-der.ts';
import type { HealthProbe } from './health.ts';
import type { Logger } from './log.ts';
import { guard } from './resilience.ts';

/** Signature algorithms accepted, ever. No `none`, nothing symmetric, no RSA. */
export const TOKEN_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const;
/** Bytes of a token that anybody looks at; ours are under 1.5 KB. */
export const MAX_TOKEN_BYTES = 8192;

/** Why a token was refused. `unavailable` is not the token's fault: no keys could be had yet; try later. */
export type TokenRefusal =
  | 'missing'
  | 'too_large'
  | 'malformed'
  | 'algorithm'
  | 'embedded_key'
  | 'unknown_key'
  | 'signature'
  | 'expired'
  | 'not_yet'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'unavailable';

/** Thrown by a {@link TokenVerifier}. The message never quotes the token. */
export class TokenError extends Error {
  override name = 'TokenError';
  readonly reason: TokenRefusal;
  /** Claim or header at fault, if there is one. */
  readonly field: string | undefined;
  constructor(reason: TokenRefusal, message: string, field?: string) {
    super(message);
    this.reason = reason;
    this.field = field;
  }
}

export interface TokenVerifierOptions {
  /** Where the keys are, such as `http://auth:8081/.well-known/jwks.json`. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** Clock skew allowed on `exp`, `nbf` and `iat`, seconds. Default 30, at most 120. */
  readonly clockToleranceSeconds?: number;
  /** Background refresh of the keys, ms, ±10 % jitter. Default 300,000; auth publishes a key 15 min before it signs. */
  readonly refreshMs?: number;
  /** An unknown `kid` asks for the keys at most so often, ms (a flood of forged kids must not flood auth). Default 5,000. */
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

export interface TokenVerifier extends Disposable {
  /**
   * @returns the checked claims
   * @throws TokenError with the reason
   */
  verify(token: string | undefined): Promise<AccessClaims>;
  /** Resolves after the first fetch was tried, whether it succeeded or not; never rejects. */
  readonly ready: Promise<void>;
  /** For `/health/ready`: `degraded` on stale keys (tokens are still verified), `down` with none. */
  readonly health: HealthProbe;
}

async function fetchJwks(url: string, signal: AbortSignal): Promise<{ keys: JWK[] }> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(`JWKS answered ${response.status}`);
  const body = (await response.json()) as { keys?: unknown };
  if (!Array.isArray(body.keys)) throw new Error('JWKS has no "keys"');
  return { keys: body.keys as JWK[] };
}

const claimsCheck = Compile(AccessClaims);

/** Compact form (RFC 7515 section 7.1). The signature may be missing here, so that "none" is refused as an algorithm. */
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]*)$/;

/** @throws TokenError `malformed` when it is no JSON object */
function decode(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {}
  throw new TokenError('malformed', 'the token could not be read');
}

/** The key must be of the algorithm's kind, whatever the key set said of it (RFC 8725 section 3.1). */
function signatureFits(input: string, signature: string, key: KeyObject, alg: string): boolean {
  const bytes = Buffer.from(signature, 'base64url');
  if (alg !== 'ES256')
    return key.asymmetricKeyType === 'ed25519' && verifySignature(null, Buffer.from(input), key, bytes);
  const der = ecdsaDer(bytes);
  return key.asymmetricKeyType === 'ec' && der !== undefined && verifySignature('sha256', Buffer.from(input), key, der);
}

/** Public key of a JWK. @throws when it is none that node:crypto reads, or of a curve that is none of {@link TOKEN_ALGORITHMS} */
export function tokenKey(jwk: JWK): KeyObject {
  if (jwk.crv !== 'P-256' && jwk.crv !== 'Ed25519') throw new TypeError('the curve is neither P-256 nor Ed25519');
  return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
}

/**
 * Checks a token with keys that `keyFor` finds. What {@link createTokenVerifier} does after the lookup; auth uses it on itself.
 * Here and now, by node:crypto: jose's verification goes through WebCrypto's threads and costs half as much again, at every door
 * that a storm of clients comes to. verify.test.ts holds that both accept the same tokens.
 */
export async function verifyWithKeys(
  token: string | undefined,
  keyFor: (kid: string, alg: string) => KeyObject | Promise<KeyObject>,
  options: Pick<TokenVerifierOptions, 'issuer' | 'audience' | 'clockToleranceSeconds' | 'now'>,
): Promise<AccessClaims> {
  if (!token) throw new TokenError('missing', 'no token: send `Authorization: Bearer <token>`');
  if (token.length > MAX_TOKEN_BYTES) throw new TokenError('too_large', `the token is over ${MAX_TOKEN_BYTES} bytes`);
  const [, protectedHeader = '', body = '', signature = ''] = COMPACT.exec(token) ?? [];
  if (protectedHeader === '') throw new TokenError('malformed', 'the token is not a JWT in compact form');
  const header = decode(protectedHeader);
  const { alg, kid } = header;
  if (typeof alg !== 'string' || !(TOKEN_ALGORITHMS as readonly string[]).includes(alg))
    throw new TokenError('algorithm', `the algorithm is not one of ${TOKEN_ALGORITHMS.join(', ')}`, 'alg');
  for (const name of ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'])
    if (name in header) throw new TokenError('embedded_key', `the header may not carry ${name}`, name);
  if (header.typ !== undefined && header.typ !== 'JWT' && header.typ !== 'at+jwt')
    throw new TokenError('malformed', 'the header `typ` is not at+jwt', 'typ');
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > 128)
    throw new TokenError('unknown_key', 'the header has no usable kid', 'kid');
  const key = await keyFor(kid, alg);
  if (!signatureFits(`${protectedHeader}.${body}`, signature, key, alg))
    throw new TokenError('signature', 'the signature does not fit');
  return checkClaims(decode(body), options);
}

/** Times are in seconds (RFC 7519 section 4.1). */
function checkClaims(
  payload: Record<string, unknown>,
  options: Pick<TokenVerifierOptions, 'issuer' | 'audience' | 'clockToleranceSeconds' | 'now'>,
): AccessClaims {
  const tolerance = Math.min(options.clockToleranceSeconds ?? 30, 120);
  const now = Math.floor((options.now?.() ?? Date.now()) / 1000);
  if (payload.iss !== options.issuer) throw new TokenError('issuer', 'the token is from another issuer', 'iss');
  if (payload.aud !== options.audience) throw new TokenError('audience', 'the token is for another audience', 'aud');
  if (!claimsCheck.Check(payload)) {
    const path = claimsCheck.Errors(payload)[0]?.instancePath.slice(1) || 'payload';
    throw new TokenError('claims', `the claim ${path} is missing or has the wrong shape`, path);
  }
  const { nbf = 0 } = payload as { nbf?: unknown };
  if (typeof nbf !== 'number') throw new TokenError('claims', 'the claim nbf is no number', 'nbf');
  if (nbf > now + tolerance) throw new TokenError('not_yet', 'the token is not valid yet', 'nbf');
  if (payload.exp <= now - tolerance) throw new TokenError('expired', 'the token has expired', 'exp');
  if (payload.iat > now + tolerance) throw new TokenError('not_yet', 'the token is from the future', 'iat');
  return payload;
}

/** Start fetching keys, and verify with what is there. Dispose it to stop the background refresh. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const now = options.now ?? Date.now;
  const refreshMs = options.refreshMs ?? 300_000;
  const cooldownMs = options.cooldownMs ?? 5_000;
  const maxStaleMs = options.maxStaleMs ?? 86_400_000;
  const jwksGuard = guard({
    name: 'jwks',
    timeoutMs: options.timeoutMs ?? 3_000,
    attempts: 2,
    openMs: options.breakerMs ?? 10_000,
    log: options.log,
  });
  let keys = new Map<string, { key: KeyObject; alg: string }>();
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  let state: 'up' | 'degraded' | 'down' = 'down';
  let since = new Date(now()).toISOString();
  let latencyMs = 0;
  let detail: string | undefined = 'not fetched yet';
  let running: Promise<void> | undefined;
  let disposed = false;
  let timer: NodeJS.Timeout | undefined;

  const become = (next: typeof state, why?: string) => {
    if (next !== state) since = new Date(now()).toISOString();
    state = next;
    detail = why;
  };

  async function load(): Promise<void> {
    triedAt = now();
    const start = performance.now();
    try {
      await jwksGuard.run(async (signal) => {
        const jwks = await (options.fetchKeys ?? fetchJwks)(options.jwksUrl, signal);
        const next = new Map<string, { key: KeyObject; alg: string }>();
        for (const jwk of jwks.keys.slice(0, 32)) {
          // Another version of auth may publish what this one does not know: that must not cost the keys it knows.
          if (typeof jwk?.kid !== 'string' || jwk.kid === '') continue;
          const alg =
            jwk.alg ?? (jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk.crv === 'Ed25519' ? 'EdDSA' : '');
          // A key of another kind in the set is not ours to use; a private or symmetric one never.
          if (!(TOKEN_ALGORITHMS as readonly string[]).includes(alg) || jwk.d || jwk.k) continue;
          if (jwk.use !== undefined && jwk.use !== 'sig') continue;
          try {
            next.set(jwk.kid, { key: tokenKey(jwk), alg });
          } catch {}
        }
        if (next.size === 0) throw new Error('JWKS has no usable key');
        keys = next;
      });
      fetchedAt = now();
      latencyMs = Math.round(performance.now() - start);
      become('up');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      become(
        keys.size > 0 && now() - fetchedAt <= maxStaleMs ? 'degraded' : 'down',
        `keys could not be fetched: ${why}`,
      );
    }
  }
  const refresh = (): Promise<void> => {
    running ??= load().finally(() => {
      running = undefined;
    });
    return running;
  };
  const plan = () => {
    if (disposed) return;
    // Until there are keys, try often; afterwards seldom.
    const wait = (state === 'up' ? refreshMs : Math.min(refreshMs, 2_000)) * (0.9 + Math.random() * 0.2);
    timer = setTimeout(() => void refresh().then(plan), wait);
    timer.unref();
  };
  const ready = refresh().then(plan);

  async function keyFor(kid: string, alg: string): Promise<KeyObject> {
    if (keys.size === 0) await (running ?? (now() - triedAt > 1_000 ? refresh() : undefined));
    let found = keys.get(kid);
    if (!found && now() - triedAt >= cooldownMs) {
      await refresh();
      found = keys.get(kid);
    }
    if (keys.size === 0 || now() - fetchedAt > maxStaleMs)
      throw new TokenError('unavailable', 'no signing keys could be fetched yet; try again soon');
    if (!found) throw new TokenError('unknown_key', 'the token was signed by a key that is not published', 'kid');
    const family = (a: string) => (a === 'Ed25519' ? 'EdDSA' : a);
    if (family(found.alg) !== family(alg)) throw new TokenError('algorithm', 'the key is for another algorithm', 'alg');
    return found.key;
  }

  return {
    verify: (token) => verifyWithKeys(token, keyFor, options),
    ready,
    health: () => ({ state, since, latencyMs, ...(detail ? { detail } : {}) }),
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}
