/** Who is asking: API keys, bearer tokens, rate limits. */
import type { AccessClaims } from '@tandem/protocol';
import { ipKey, Problem, TokenError, verifyWithKeys } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiKeyFits, apiKeyId } from './access/api-key.ts';
import { audit } from './audit.ts';
import type { AuthContext } from './context.ts';
import type { ApiKeyRecord } from './store/store.ts';

/** The Bearer credential, whatever it is. Several headers, or another scheme, count as none. */
export function bearerOf(request: FastifyRequest): string | undefined {
  const match = /^Bearer +([^\s,]+)$/i.exec(request.headers.authorization ?? '');
  return match?.[1];
}

function presentedKey(request: FastifyRequest): string | undefined {
  const header = request.headers['x-api-key'];
  if (typeof header === 'string' && header) return header;
  const bearer = bearerOf(request);
  return bearer?.startsWith('tk_') ? bearer : undefined;
}

/** The record of a key, from the setting or from the store; a key revoked in the store is revoked everywhere. */
async function findKey(ctx: AuthContext, id: string): Promise<ApiKeyRecord | undefined> {
  const fixed = ctx.settings.apiKeys.find((k) => k.id === id);
  try {
    return (await ctx.store.getApiKey(id)) ?? fixed;
  } catch (error) {
    if (fixed) return fixed; // Redis away: keys from the setting go on
    throw error;
  }
}

/** Checks a presented key. @returns its record; undefined when none was presented; false when it was refused */
async function checkApiKey(ctx: AuthContext, request: FastifyRequest): Promise<ApiKeyRecord | false | undefined> {
  const key = presentedKey(request);
  if (key === undefined || !ctx.settings.access.has('api-key')) return undefined;
  const id = apiKeyId(key);
  const record = id ? await findKey(ctx, id) : undefined;
  return apiKeyFits(key, record, Math.floor(ctx.now() / 1000)) && record ? record : false;
}

export function limited(seconds: number, what: string): Problem {
  return new Problem(429, 'rate_limited', `Too many requests of this ${what}; wait ${seconds} s.`, {
    retryAfter: seconds,
  });
}

/** Before everything, also before a 404: find the API key, then take from its limit or from that of the address. */
export function registerLimits(app: FastifyInstance, ctx: AuthContext): void {
  app.decorateRequest('apiKey', undefined);
  app.decorateRequest('claims', undefined);
  const free = (request: FastifyRequest) => request.url.startsWith('/health/') || request.url.startsWith('/internal/');
  app.addHook('onRequest', async (request) => {
    if (free(request)) return;
    const record = await checkApiKey(ctx, request);
    if (record) {
      const wait = await ctx.limits.key?.take(record.id);
      if (wait !== undefined) throw limited(wait, 'API key');
      request.apiKey = record;
      return;
    }
    const wait = await ctx.limits.ip?.take(ipKey(request.ip));
    if (wait !== undefined) throw limited(wait, 'network address');
    if (record === false) {
      audit(request, { action: 'refuse', method: 'api-key', reason: 'api_key' });
      throw new Problem(401, 'api_key', 'The API key is unknown, revoked or expired.', {
        field: request.headers['x-api-key'] ? 'x-api-key' : 'authorization',
      });
    }
  });
  app.addHook('onResponse', async (request, reply) => {
    // Guessing is dearer than asking: a refusal counts five.
    const refused = reply.statusCode >= 400 && reply.statusCode < 500 && reply.statusCode !== 429;
    if (refused && !request.apiKey && !free(request)) await ctx.limits.ip?.take(ipKey(request.ip), 4);
  });
}

export async function takeUser(ctx: AuthContext, sub: string): Promise<void> {
  const wait = await ctx.limits.user?.take(sub);
  if (wait !== undefined) throw limited(wait, 'user');
}

const CODES: Readonly<Record<string, string>> = {
  missing: 'token_missing',
  expired: 'token_expired',
  unavailable: 'unavailable',
};

/** Verify one of our own access tokens, and that nothing of it was revoked. @throws Problem 401 */
export async function checkToken(
  ctx: AuthContext,
  token: string | undefined,
  field = 'authorization',
): Promise<AccessClaims> {
  const { config } = ctx;
  try {
    const claims = await verifyWithKeys(
      token,
      (kid, alg) => {
        const key = ctx.keys.publicKey(kid);
        if (!key) throw new TokenError('unknown_key', 'the token was signed by a key that is not published', 'kid');
        if (ctx.keys.jwks().keys.find((k) => k.kid === kid)?.alg !== (alg === 'Ed25519' ? 'EdDSA' : alg))
          throw new TokenError('algorithm', 'the key is for another algorithm', 'alg');
        return key;
      },
      { issuer: config.TOKEN_ISSUER, audience: config.TOKEN_AUDIENCE, now: ctx.now },
    );
    if (ctx.store.revocations.isRevoked(claims))
      throw new Problem(401, 'token_revoked', 'The token was revoked.', { field });
    return claims;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    const code = CODES[error.reason] ?? 'token_refused';
    throw new Problem(401, code, `The access token was refused: ${error.message}.`, {
      field,
      challenge: `Bearer error="${error.reason === 'missing' ? 'invalid_request' : 'invalid_token'}"`,
    });
  }
}

/** Bearer access token from the Authorization header. @throws Problem 401 */
export async function requireBearer(ctx: AuthContext, request: FastifyRequest): Promise<AccessClaims> {
  const claims = await checkToken(ctx, bearerOf(request));
  request.claims = claims;
  return claims;
}
