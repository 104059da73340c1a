/**
 * Local verification of access tokens against a cached JWKS.
 *
 * No service asks auth about a token: keys are fetched in the background and kept, so auth may be down for hours while
 * sockets open, resume and join with tokens that were issued before. What is checked: size, algorithm allow-list, header
 * without embedded keys, signature, issuer, audience, times within a bounded skew, and the shape of every claim.
 * Revocation is a separate, also local, question: see revocation.ts.
 */
import { AccessClaims, apiAudience, BackendClaims } from '@tandem/protocol';
import { errors, type JWTHeaderParameters, type JWTPayload, jwtVerify } from 'jose';
import { Compile } from 'typebox/compile';
import type { HealthProbe } from './health.ts';
import { KeyCache, type KeyCacheOptions, TOKEN_ALGORITHMS, type TokenKey, tokenKey } from './key-cache.ts';
import { TokenError, type TokenRefusal } from './token-error.ts';

/** Bytes of a token that anybody looks at; ours are under 1.5 KB. */
export const MAX_TOKEN_BYTES = 8192;

export { TOKEN_ALGORITHMS, TokenError, type TokenKey, type TokenRefusal, tokenKey };

export interface TokenVerifierOptions extends KeyCacheOptions {
  readonly issuer: string;
  readonly audience: string;
  /** Clock skew allowed on `exp`, `nbf` and `iat`, seconds. Default 30, at most 120. */
  readonly clockToleranceSeconds?: number;
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

const accessClaims = Compile(AccessClaims);
const backendClaims = Compile(BackendClaims);

/** Header parameters that bring a key, or change how the token is to be read. */
const FORBIDDEN_HEADERS = ['jwk', 'jku', 'x5c', 'x5u', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc'] as const;

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
  const keys = new KeyCache(options);
  const keyFor: KeyFor = (kid, alg) => keys.find(kid, alg);
  return {
    verify: (token) => verifyWithKeys(token, keyFor, options),
    verifyBackend: (token) => verifyBackendWithKeys(token, keyFor, options),
    ready: keys.ready,
    health: keys.health,
    [Symbol.dispose]: () => keys[Symbol.dispose](),
  };
}
