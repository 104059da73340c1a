/** Who is asking: API keys and bearer access tokens. */
import type { AccessClaims, ApiScope } from '@tandem/protocol';
import {
  type ClaimRules,
  ProblemError,
  type RevocableClaims,
  TokenError,
  type TokenKey,
  verifyBackendWithKeys,
  verifyWithKeys,
} from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiKeyFits, apiKeyId, MEDIA_KEY_ID } from './access/api-key.ts';
import { audit } from './audit.ts';
import type { AuthContext } from './context.ts';
import { takeAddress, takeApiKey, takeRefusal } from './limits.ts';
import type { ApiKeyRecord } from './store/store.ts';

/** The Bearer credential, whatever it is. Another scheme counts as none. */
export function bearerOf(request: FastifyRequest): string | undefined {
  const match = /^Bearer +([^\s,]+)$/i.exec(request.headers.authorization ?? '');
  return match?.[1];
}

interface PresentedKey {
  readonly key: string;
  /** Header that it came in. */
  readonly field: 'x-api-key' | 'authorization';
}

/** An empty header counts: it is that of a backend whose key is not set. */
function presentedKey(request: FastifyRequest): PresentedKey | undefined {
  const header = request.headers['x-api-key'];
  if (header !== undefined) return { key: String(header), field: 'x-api-key' };
  const bearer = bearerOf(request);
  return bearer?.startsWith('tk_') ? { key: bearer, field: 'authorization' } : undefined;
}

/** The record of a key, from the setting or from the store; a key revoked in the store is revoked everywhere. */
export async function findKey(ctx: AuthContext, id: string): Promise<ApiKeyRecord | undefined> {
  const fixed = ctx.settings.apiKeys.find((k) => k.id === id);
  try {
    return (await ctx.store.getApiKey(id)) ?? fixed;
  } catch (error) {
    if (fixed) return fixed; // Redis away: keys from the setting go on
    throw error;
  }
}

/** @returns the record of a key that holds */
async function checkApiKey(ctx: AuthContext, key: string): Promise<ApiKeyRecord | undefined> {
  const id = apiKeyId(key);
  // A media node is part of the deployment: ACCESS says which people get tokens.
  if (!ctx.settings.access.has('api-key') && id !== MEDIA_KEY_ID) return undefined;
  const record = id ? await findKey(ctx, id) : undefined;
  return apiKeyFits(key, record, Math.floor(ctx.now() / 1000)) ? record : undefined;
}

function refuseApiKey(ctx: AuthContext, request: FastifyRequest, { field }: PresentedKey): ProblemError {
  audit(request, { action: 'refuse', method: 'api-key', reason: 'api_key' });
  const why = ctx.settings.access.has('api-key')
    ? 'The API key is unknown, revoked or expired.'
    : 'This service takes no API keys: its setting ACCESS does not name api-key.';
  return new ProblemError(401, 'api_key', why, { field });
}

/** Health checks and the feed of revocations, for neighbours only. */
const isUnlimited = (request: FastifyRequest) =>
  request.url.startsWith('/health/') || request.url.startsWith('/internal/');
/** Elsewhere (keys, metrics) an Authorization header may be for a proxy in front. */
const isOurs = (request: FastifyRequest) => request.url.startsWith('/auth/');

/**
 * Before everything, also before a 404: takes from the limit of the API key or of the address, then refuses a credential that does
 * not hold. A caller that sends one means it: a key that is mistyped, revoked or left out never gets the token of a guest.
 */
export function registerAuthentication(app: FastifyInstance, ctx: AuthContext): void {
  app.decorateRequest('apiKey', undefined);
  app.decorateRequest('claims', undefined);
  app.addHook('onRequest', async (request) => {
    if (isUnlimited(request)) return;
    const presented = presentedKey(request);
    const record = presented && (await checkApiKey(ctx, presented.key));
    if (record) await takeApiKey(ctx, record.id);
    else await takeAddress(ctx, request.ip);
    request.apiKey = record;
    if (presented?.field === 'x-api-key' && !record) throw refuseApiKey(ctx, request, presented);
    if (!isOurs(request)) return;
    if (presented && !record) throw refuseApiKey(ctx, request, presented);
    if (request.headers.authorization !== undefined && presented?.field !== 'authorization')
      await requireBearer(ctx, request);
  });
  app.addHook('onResponse', async (request, reply) => {
    const refused = reply.statusCode >= 400 && reply.statusCode < 500 && reply.statusCode !== 429;
    if (refused && !request.apiKey && !isUnlimited(request)) await takeRefusal(ctx, request.ip);
  });
}

const CODES: Readonly<Record<string, string>> = {
  missing: 'token_missing',
  expired: 'token_expired',
  unavailable: 'unavailable',
};

function ownKey({ keys }: AuthContext, kid: string, alg: string) {
  const key = keys.publicKey(kid);
  if (!key) throw new TokenError('unknown_key', 'the token was signed by a key that is not published', 'kid');
  if (keys.jwks().keys.find((k) => k.kid === kid)?.alg !== (alg === 'Ed25519' ? 'EdDSA' : alg))
    throw new TokenError('algorithm', 'the key is for another algorithm', 'alg');
  return key;
}

/** The API key of a request under /v1: presented as such, or by a backend token with that scope. @throws ProblemError 401, 403 */
export async function requireBackend(
  ctx: AuthContext,
  request: FastifyRequest,
  scope: ApiScope,
): Promise<ApiKeyRecord> {
  if (request.apiKey) return request.apiKey;
  const claims = await verified(ctx, 'authorization', (keyFor, rules) =>
    verifyBackendWithKeys(bearerOf(request), keyFor, rules),
  );
  if (!claims.scope.split(' ').includes(scope))
    throw new ProblemError(403, 'scope_missing', `The backend token needs the scope ${scope}.`, {
      field: 'authorization',
    });
  const record = await findKey(ctx, claims.sub);
  if (!record || record.revokedAt !== undefined)
    throw new ProblemError(401, 'token_revoked', 'The API key of this token was revoked.', { field: 'authorization' });
  return record;
}

/** Verify one of our own access tokens, and that nothing of it was revoked. @throws ProblemError 401 */
export async function checkToken(
  ctx: AuthContext,
  token: string | undefined,
  field = 'authorization',
): Promise<AccessClaims> {
  return verified(ctx, field, (keyFor, rules) => verifyWithKeys(token, keyFor, rules));
}

/**
 * To be asked again after each `await` before something is given that outlives the token: what a revocation ends is what was given
 * before it. @throws ProblemError 401
 */
export function refuseRevoked(ctx: AuthContext, claims: RevocableClaims, field = 'authorization'): void {
  if (ctx.store.revocations.isRevoked(claims))
    throw new ProblemError(401, 'token_revoked', 'The token was revoked.', { field });
}

/** @throws ProblemError 401 when the token does not hold, or something of it was revoked */
async function verified<Claims extends RevocableClaims>(
  ctx: AuthContext,
  field: string,
  verify: (keyFor: (kid: string, alg: string) => Promise<TokenKey>, rules: ClaimRules) => Promise<Claims>,
): Promise<Claims> {
  const { config } = ctx;
  const rules = { issuer: config.TOKEN_ISSUER, audience: config.TOKEN_AUDIENCE, now: ctx.now };
  try {
    const claims = await verify(async (kid, alg) => ownKey(ctx, kid, alg), rules);
    refuseRevoked(ctx, claims, field);
    return claims;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const code = CODES[error.reason] ?? 'token_refused';
    throw new ProblemError(401, code, `The token was refused: ${error.message}.`, {
      field,
      challenge: `Bearer error="${error.reason === 'missing' ? 'invalid_request' : 'invalid_token'}"`,
    });
  }
}

/** Bearer access token from the Authorization header. @throws ProblemError 401 */
export async function requireBearer(ctx: AuthContext, request: FastifyRequest): Promise<AccessClaims> {
  request.claims ??= await checkToken(ctx, bearerOf(request));
  return request.claims;
}
