/** A backend with an API key gets a token of its own, for the server API (RFC 6749 section 4.4). */
import { randomUUID } from 'node:crypto';
import { apiAudience, apiKeySession, type BackendClaims } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import type { FastifyRequest } from 'fastify';
import { isScope } from '../../access/api-key.ts';
import { audit } from '../../audit.ts';
import type { AuthContext } from '../../context.ts';
import type { ApiKeyRecord } from '../../store/store.ts';
import { refuseUnknownFields, type TokenRequest } from './request.ts';

/** Life of a backend token, s: the API needs no auth meanwhile, and a key that leaked is out of use soon. */
export const BACKEND_TOKEN_SECONDS = 600;

export interface BackendTokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly scope: string;
}

export async function clientCredentialsGrant(
  ctx: AuthContext,
  body: TokenRequest,
  request: FastifyRequest,
): Promise<BackendTokenAnswer> {
  const { apiKey } = request;
  if (!apiKey)
    throw new ProblemError(401, 'credentials_required', 'Send the API key as x-api-key or Bearer.', {
      field: 'authorization',
    });
  refuseUnknownFields(body, ['grant_type', 'scope']);
  const scope = scopesFor(apiKey, body.scope);
  const now = Math.floor(ctx.now() / 1000);
  const claims: BackendClaims = {
    iss: ctx.config.TOKEN_ISSUER,
    aud: apiAudience(ctx.config.TOKEN_AUDIENCE),
    sub: apiKey.id,
    session_id: apiKeySession(apiKey.id),
    jti: randomUUID(),
    iat: now,
    exp: Math.min(now + BACKEND_TOKEN_SECONDS, apiKey.expiresAt ?? Infinity),
    scope,
    rooms: [...(apiKey.grants.rooms ?? ['*'])],
  };
  const token = await ctx.keys.signJwt(claims);
  audit(request, { action: 'issue', method: 'api-key', keyId: apiKey.id, jti: claims.jti });
  return { access_token: token, token_type: 'Bearer', expires_in: claims.exp - now, scope };
}

function scopesFor(key: ApiKeyRecord, wanted: string | undefined): string {
  const most = key.scopes ?? [];
  const asked = wanted === undefined ? most : wanted.split(' ').filter(Boolean);
  for (const scope of asked)
    if (!isScope(scope) || !most.includes(scope))
      throw new ProblemError(403, 'scope_refused', `The API key does not have the scope ${scope.slice(0, 64)}.`, {
        field: '/scope',
      });
  if (asked.length === 0)
    throw new ProblemError(403, 'scope_refused', 'The API key has no scopes: make one with --scopes.', {
      field: '/scope',
    });
  return asked.join(' ');
}
