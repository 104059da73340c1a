/**
 * Local verification of access tokens against a cached JWKS.
 *
 * No service asks auth about a token: keys are fetched in the background and kept, so auth may be down for hours while
 * sockets open, resume and join with tokens that were issued before. What is checked: size, algorithm allow-list, header
 * without embedded keys, signature, issuer, audience, times within a bounded skew, and the shape of every claim.
 * Revocation is a separate, also local, question: see revocation.ts.
 */
import { AccessClaims, apiAudience, BackendClaims } from '@tandem/protocol';
import {
  type CryptoKey,
  errors,
  importJWK,
  type JWK,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { Compile } from 'typebox/compile';
import { type HealthProbe, HealthRecord } from './health.ts';
import type { Logger } from './log.ts';
import { guard } from './resilience.ts';
import { TokenError, type TokenRefusal } from './token-error.ts';

/** Signature algorithms accepted, ever. No `none`, nothing symmetric, no RSA. */
export const TOKEN_ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'] as const;
/** Bytes of a token that anybody looks at; ours are under 1.5 KB. */
export const MAX_TOKEN_BYTES = 8192;

export { TokenError, type TokenRefusal };

export interface TokenVerifierOptions {
  /** Where the keys are, such as `http://auth:8081/.well-known/jwks.json`. */
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  /** Clock skew allowed on `exp`, `nbf` and `iat`, seconds. Default 30, at most 120. */
  readonly clockToleranceSeconds?: number;
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

export interface TokenVerifier extends Disposable {
  /**
   * @returns the checked claims
   * @throws TokenError with the reason
   */
  verify(token: string | undefined): Promise<AccessClaims>;
  /** The same for the token of a backend, which has another audience and other claims: neither passes for the other. */
  verifyBackend(token: string | undefined): Promise<BackendClaims>;
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

const accessClaims = Compile(AccessClaims);
const backendClaims = Compile(BackendClaims);

/** Header parameters that bring a key, or change how the token is to be read. */
const FORBIDDEN_HEADERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'] as const;

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

/** What {@link verifyWithKeys} needs to know of a token besides its key. */
export type ClaimRules = Pick<TokenVerifierOptions, 'issuer' | 'audience' | 'clockToleranceSeconds' | 'now'>;

type KeyFor = (kid: string, alg: string) => TokenKey | Promise<TokenKey>;

/**
 * Checks an access token with keys that `keyFor` finds. What {@link createTokenVerifier} does after the lookup; auth uses it on itself.
 * @throws TokenError
 */
export async function verifyWithKeys(
  token: string | undefined,
  keyFor: KeyFor,
  rules: ClaimRules,
): Promise<AccessClaims> {
  const payload = await verifyPayload(token, keyFor, rules);
  if (!accessClaims.Check(payload)) throw claimsError(accessClaims.Errors(payload)[0]?.instancePath);
  return payload;
}

/** The same for the token of a backend; `rules.audience` is that of access tokens. @throws TokenError */
export async function verifyBackendWithKeys(
  token: string | undefined,
  keyFor: KeyFor,
  rules: ClaimRules,
): Promise<BackendClaims> {
  const payload = await verifyPayload(token, keyFor, { ...rules, audience: apiAudience(rules.audience) });
  if (!backendClaims.Check(payload)) throw claimsError(backendClaims.Errors(payload)[0]?.instancePath);
  return payload;
}

function claimsError(instancePath: string | undefined): TokenError {
  const path = instancePath?.slice(1) || 'payload';
  return new TokenError('claims', `the claim ${path} is missing or has the wrong shape`, path);
}

async function verifyPayload(
  token: string | undefined,
  keyFor: KeyFor,
  { issuer, audience, clockToleranceSeconds = 30, now = Date.now }: ClaimRules,
): Promise<JWTPayload> {
  if (!token) throw new TokenError('missing', 'no token: send `Authorization: Bearer <token>`');
  if (token.length > MAX_TOKEN_BYTES) throw new TokenError('too_large', `the token is over ${MAX_TOKEN_BYTES} bytes`);
  const clockTolerance = Math.min(clockToleranceSeconds, 120);
  const currentDate = new Date(now());
  const options = { algorithms: [...TOKEN_ALGORITHMS], issuer, audience, clockTolerance, currentDate };
  let payload: JWTPayload;
  try {
    ({ payload } = await jwtVerify(
      token,
      (header: JWTHeaderParameters) => keyFor(keyIdOf(header), header.alg),
      options,
    ));
  } catch (error) {
    throw refusalOf(error);
  }
  if (typeof payload.iat === 'number' && payload.iat > Math.floor(currentDate.getTime() / 1000) + clockTolerance)
    throw new TokenError('not_yet', 'the token is from the future', 'iat');
  return payload;
}

/** @throws TokenError for a header that jose would take and we do not */
function keyIdOf(header: JWTHeaderParameters): string {
  for (const name of FORBIDDEN_HEADERS)
    if (name in header) throw new TokenError('embedded_key', `the header may not carry ${name}`, name);
  if (header.typ !== undefined && header.typ !== 'JWT' && header.typ !== 'at+jwt')
    throw new TokenError('malformed', 'the header `typ` is not at+jwt', 'typ');
  const { kid } = header;
  if (typeof kid !== 'string' || kid.length === 0 || kid.length > 128)
    throw new TokenError('unknown_key', 'the header has no usable kid', 'kid');
  return kid;
}

/** jose's errors as ours. What is neither is a fault of this service and goes on as it is. */
function refusalOf(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new TokenError('expired', 'the token has expired', 'exp');
  if (error instanceof errors.JWTClaimValidationFailed) return claimRefusal(error);
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new TokenError('signature', 'the signature does not fit');
  if (error instanceof errors.JOSEAlgNotAllowed)
    return new TokenError('algorithm', `the algorithm is not one of ${TOKEN_ALGORITHMS.join(', ')}`, 'alg');
  // The algorithms of the list are all supported: what is not is an extension that `crit` names.
  if (error instanceof errors.JOSENotSupported)
    return new TokenError('embedded_key', 'the header may not carry crit', 'crit');
  if (error instanceof errors.JOSEError) return new TokenError('malformed', 'the token is not a JWT in compact form');
  return error;
}

function claimRefusal({ claim, reason }: errors.JWTClaimValidationFailed): TokenError {
  if (claim === 'iss') return new TokenError('issuer', 'the token is from another issuer', claim);
  if (claim === 'aud') return new TokenError('audience', 'the token is for another audience', claim);
  if (claim === 'nbf' && reason === 'check_failed')
    return new TokenError('not_yet', 'the token is not valid yet', claim);
  return new TokenError('claims', `the claim ${claim} is missing or has the wrong shape`, claim);
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
  let keys = new Map<string, { key: TokenKey; alg: string }>();
  let fetchedAt = -Infinity;
  let triedAt = -Infinity;
  const health = new HealthRecord('down', 'not fetched yet', now);
  let running: Promise<void> | undefined;
  let disposed = false;
  let timer: NodeJS.Timeout | undefined;

  async function load(): Promise<void> {
    triedAt = now();
    const start = performance.now();
    try {
      await jwksGuard.run(async (signal) => {
        const jwks = await (options.fetchKeys ?? fetchJwks)(options.jwksUrl, signal);
        const next = new Map<string, { key: TokenKey; alg: string }>();
        for (const jwk of jwks.keys.slice(0, 32)) {
          // Another version of auth may publish what this one does not know: that must not cost the keys it knows.
          if (typeof jwk?.kid !== 'string' || jwk.kid === '') continue;
          const alg =
            jwk.alg ?? (jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk.crv === 'Ed25519' ? 'EdDSA' : '');
          // A key of another kind in the set is not ours to use; a private or symmetric one never.
          if (!(TOKEN_ALGORITHMS as readonly string[]).includes(alg) || jwk.d || jwk.k) continue;
          if (jwk.use !== undefined && jwk.use !== 'sig') continue;
          try {
            next.set(jwk.kid, { key: await tokenKey(jwk, alg), alg });
          } catch {}
        }
        if (next.size === 0) throw new Error('JWKS has no usable key');
        keys = next;
      });
      fetchedAt = now();
      health.latencyMs = Math.round(performance.now() - start);
      health.become('up');
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      health.become(
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
    const wait = (health.state === 'up' ? refreshMs : Math.min(refreshMs, 2_000)) * (0.9 + Math.random() * 0.2);
    timer = setTimeout(() => void refresh().then(plan), wait);
    timer.unref();
  };
  const ready = refresh().then(plan);

  async function keyFor(kid: string, alg: string): Promise<TokenKey> {
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
    verifyBackend: (token) => verifyBackendWithKeys(token, keyFor, options),
    ready,
    health: () => health.read(),
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
    },
  };
}
