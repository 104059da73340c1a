/**
 * ID tokens of an OpenID provider (OpenID Connect Core 1.0 section 3.1.3.7), found by discovery.
 *
 * Checked: algorithm allow-list, no embedded keys, signature by the provider's published keys, issuer, audience (and
 * `azp`), times, age, that it is an ID token and not an access token, and the nonce.
 */
import { type DependencyHealth, ProblemError } from '@tandem/service';
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { OidcKeys, type OidcKeysOptions } from './oidc-keys.ts';

export interface OidcOptions extends OidcKeysOptions {
  readonly audience: readonly string[];
}

type IdTokenClaims = JWTPayload & { sub: string; exp: number };

export interface Oidc {
  /** @throws ProblemError 401 naming what is wrong, or 503 when the provider is away and its keys are not known yet */
  verify(idToken: string): Promise<IdTokenClaims>;
  /** Of the last fetches of discovery document and keys. */
  health(): DependencyHealth;
}

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
/** An ID token is spent soon after a login; older ones were lying about. Seconds. */
const MAX_AGE = 3600;

export function createOidc(options: OidcOptions): Oidc {
  const keys = new OidcKeys(options);
  return {
    async verify(idToken) {
      checkHeader(idToken);
      const payload = await verifySignature(idToken, await keys.ready(), options);
      return checkClaims(payload, options.audience);
    },
    health: () => keys.health(),
  };
}

function refuse(why: string): ProblemError {
  return new ProblemError(401, 'subject_token_refused', `The ID token was refused: ${why}.`, {
    field: '/subject_token',
  });
}

function checkHeader(idToken: string): void {
  let header: Record<string, unknown>;
  try {
    header = decodeProtectedHeader(idToken) as Record<string, unknown>;
  } catch {
    throw refuse('it is not a JWT in compact form');
  }
  if (typeof header.alg !== 'string' || !ALGORITHMS.includes(header.alg)) throw refuse('its algorithm is not accepted');
  for (const name of ['jwk', 'jku', 'x5u', 'crit', 'b64'])
    if (name in header) throw refuse(`its header carries ${name}`);
  if (header.typ !== undefined && header.typ !== 'JWT') throw refuse('its header `typ` says it is no ID token');
}

async function verifySignature(idToken: string, key: JWTVerifyGetKey, options: OidcOptions): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(idToken, key, {
      algorithms: ALGORITHMS,
      issuer: options.issuer,
      audience: [...options.audience],
      clockTolerance: 30,
      maxTokenAge: MAX_AGE,
      requiredClaims: ['sub', 'iat', 'exp'],
      currentDate: new Date(options.now()),
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refuse('it has expired');
    if (error instanceof errors.JWTClaimValidationFailed) throw refuse(`its claim ${error.claim} is missing or wrong`);
    if (error instanceof errors.JWKSNoMatchingKey) throw refuse('its key is not published by the provider');
    if (error instanceof errors.JWSSignatureVerificationFailed) throw refuse('its signature does not fit');
    if (error instanceof ProblemError) throw error;
    throw refuse('it could not be read');
  }
}

/** What the signature does not say: that it is an ID token, for this client, of a named user. */
function checkClaims(payload: JWTPayload, audience: readonly string[]): IdTokenClaims {
  if (payload.token_use !== undefined && payload.token_use !== 'id')
    throw refuse('it is an access token, not an ID token');
  const several = Array.isArray(payload.aud) && payload.aud.length > 1;
  const { azp } = payload;
  if ((several || azp !== undefined) && (typeof azp !== 'string' || !audience.includes(azp)))
    throw refuse('its claim azp is missing or wrong');
  if (typeof payload.sub !== 'string' || payload.sub === '' || typeof payload.exp !== 'number')
    throw refuse('it has no sub');
  return payload as IdTokenClaims;
}
