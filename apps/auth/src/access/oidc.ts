/**
 * ID tokens of an OpenID provider (OpenID Connect Core 1.0 section 3.1.3.7), found by discovery.
 *
 * Checked: algorithm allow-list, no embedded keys, signature by the provider's published keys, issuer, audience (and
 * `azp`), times, age, that it is an ID token and not an access token, and the nonce.
 */
import { type DependencyHealth, guard, type Logger, ProblemError } from '@tandem/service';
import {
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  errors,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';

export interface OidcOptions {
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Allow http (development). */
  readonly insecure: boolean;
  readonly now: () => number;
  /** Gets the `breaker.*` events. */
  readonly log?: Logger;
}

export interface Oidc {
  /** @throws ProblemError 401 naming what is wrong, or 503 when the provider is away and its keys are not known yet */
  verify(idToken: string): Promise<JWTPayload & { sub: string; exp: number }>;
  /** Of the last fetches of discovery document and keys. */
  health(): DependencyHealth;
}

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
/** An ID token is spent soon after a login; older ones were lying about. Seconds. */
const MAX_AGE = 3600;
const DISCOVERY_FRESH_MS = 3_600_000;
const RETRY_AFTER_MS = 2_000;

export function createOidc(options: OidcOptions): Oidc {
  let keys: JWTVerifyGetKey | undefined;
  let jwksUri = '';
  let discoveredAt = -Infinity;
  let running: Promise<void> | undefined;

  const provider = guard({
    name: 'openid-provider',
    attempts: 1,
    timeoutMs: 3000,
    failures: 1,
    openMs: RETRY_AFTER_MS,
    log: options.log,
  });
  const unavailable = () =>
    new ProblemError(503, 'provider_unavailable', 'The OpenID provider cannot be reached.', {
      retryAfter: RETRY_AFTER_MS / 1000,
    });

  /** The whole answer, so that a body that never ends is cut off as well. */
  const get = (url: string): Promise<Response> =>
    provider.run(async (signal) => {
      const response = await fetch(url, { redirect: 'error', signal });
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      return new Response(await response.arrayBuffer(), { status: 200 });
    });

  async function discover(): Promise<void> {
    const response = await get(`${options.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    // OpenID Connect Discovery 4.3: exactly the issuer asked for, or it is somebody else's document.
    if (document.issuer !== options.issuer) throw new Error('discovery names another issuer');
    if (typeof document.jwks_uri !== 'string' || !URL.canParse(document.jwks_uri))
      throw new Error('discovery has no jwks_uri');
    const uri = new URL(document.jwks_uri);
    if (uri.protocol !== 'https:' && !options.insecure) throw new Error('jwks_uri is not https');
    if (uri.href !== jwksUri || !keys) {
      jwksUri = uri.href;
      keys = createRemoteJWKSet(uri, {
        cooldownDuration: 5000,
        cacheMaxAge: 600_000,
        [customFetch]: (url) =>
          get(url).catch(() => {
            throw unavailable();
          }),
      });
    }
    discoveredAt = options.now();
  }

  async function ready(): Promise<JWTVerifyGetKey> {
    const now = options.now();
    if (!keys || now - discoveredAt > DISCOVERY_FRESH_MS) {
      running ??= discover()
        .catch(() => {}) // the keys that are known go on
        .finally(() => {
          running = undefined;
        });
      await running;
    }
    if (!keys) throw unavailable();
    return keys;
  }

  const refuse = (why: string) =>
    new ProblemError(401, 'subject_token_refused', `The ID token was refused: ${why}.`, { field: '/subject_token' });

  return {
    async verify(idToken) {
      let header: Record<string, unknown>;
      try {
        header = decodeProtectedHeader(idToken) as Record<string, unknown>;
      } catch {
        throw refuse('it is not a JWT in compact form');
      }
      if (typeof header.alg !== 'string' || !ALGORITHMS.includes(header.alg))
        throw refuse('its algorithm is not accepted');
      for (const name of ['jwk', 'jku', 'x5u', 'crit', 'b64'])
        if (name in header) throw refuse(`its header carries ${name}`);
      if (header.typ !== undefined && header.typ !== 'JWT') throw refuse('its header `typ` says it is no ID token');
      const getKey = await ready();
      let payload: JWTPayload;
      try {
        ({ payload } = await jwtVerify(idToken, getKey, {
          algorithms: ALGORITHMS,
          issuer: options.issuer,
          audience: [...options.audience],
          clockTolerance: 30,
          maxTokenAge: MAX_AGE,
          requiredClaims: ['sub', 'iat', 'exp'],
          currentDate: new Date(options.now()),
        }));
      } catch (error) {
        if (error instanceof errors.JWTExpired) throw refuse('it has expired');
        if (error instanceof errors.JWTClaimValidationFailed)
          throw refuse(`its claim ${error.claim} is missing or wrong`);
        if (error instanceof errors.JWKSNoMatchingKey) throw refuse('its key is not published by the provider');
        if (error instanceof errors.JWSSignatureVerificationFailed) throw refuse('its signature does not fit');
        if (error instanceof ProblemError) throw error;
        throw refuse('it could not be read');
      }
      if (payload.token_use !== undefined && payload.token_use !== 'id')
        throw refuse('it is an access token, not an ID token');
      const several = Array.isArray(payload.aud) && payload.aud.length > 1;
      const { azp } = payload;
      if ((several || azp !== undefined) && (typeof azp !== 'string' || !options.audience.includes(azp)))
        throw refuse('its claim azp is missing or wrong');
      if (typeof payload.sub !== 'string' || payload.sub === '' || typeof payload.exp !== 'number')
        throw refuse('it has no sub');
      return payload as JWTPayload & { sub: string; exp: number };
    },
    health: () => provider.health(),
  };
}
