/** Issue: a login session, its first refresh token, and access tokens. */
import { randomUUID } from 'node:crypto';
import type { AccessClaims, Grants } from '@tandem/protocol';
import type { FastifyRequest } from 'fastify';
import { audit } from './audit.ts';
import type { AuthContext } from './context.ts';
import { firstRefreshToken } from './refresh-token.ts';
import { type AccessMethod, type SessionRecord, StoreUnavailable } from './store/store.ts';

const GUEST_SESSION_SECONDS = 86_400;

export interface Login {
  readonly userId: string;
  readonly name?: string | undefined;
  readonly grants?: Grants | undefined;
  readonly method: AccessMethod;
  readonly via?: string | undefined;
}

export interface IssuedToken {
  readonly token: string;
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  /** Seconds since the epoch. */
  readonly expires_at: number;
  readonly user_id: string;
  readonly session_id: string;
  readonly refresh_token?: string;
  readonly refresh_expires_at?: number;
}

/** Sign an access token of this session. */
export async function issueAccessToken(
  ctx: AuthContext,
  session: Pick<SessionRecord, 'id' | 'userId' | 'name' | 'grants' | 'method' | 'expiresAt'>,
): Promise<IssuedToken & { jti: string }> {
  const revokedAt = ctx.store.revocations.userRevokedAt(session.userId);
  const now = Math.floor(ctx.now() / 1000);
  // Times are whole seconds: a login in the very second of a revocation must not be hit by it.
  const iat = revokedAt !== undefined && revokedAt >= now ? revokedAt + 1 : now;
  const exp = Math.min(now + ctx.config.ACCESS_TTL_SECONDS, session.expiresAt);
  const claims: AccessClaims = {
    iss: ctx.config.TOKEN_ISSUER,
    aud: ctx.config.TOKEN_AUDIENCE,
    sub: session.userId,
    session_id: session.id,
    jti: randomUUID(),
    iat,
    exp,
    ...(session.name === undefined ? {} : { name: session.name }),
    ...(session.method === 'open' ? { guest: true } : {}),
    ...(session.grants === undefined ? {} : { grants: session.grants }),
  };
  const token = await ctx.keys.signJwt(claims);
  return {
    token,
    access_token: token,
    token_type: 'Bearer',
    expires_in: exp - now,
    expires_at: exp,
    user_id: session.userId,
    session_id: session.id,
    jti: claims.jti,
  };
}

/** A new login session. With Redis away it still gives an access token, without a refresh token: nobody is locked out. */
export async function logIn(ctx: AuthContext, login: Login, request: FastifyRequest): Promise<IssuedToken> {
  const { config } = ctx;
  const now = Math.floor(ctx.now() / 1000);
  const life =
    login.method === 'open' ? Math.min(config.SESSION_TTL_SECONDS, GUEST_SESSION_SECONDS) : config.SESSION_TTL_SECONDS;
  const record: SessionRecord = {
    id: randomUUID(),
    userId: login.userId,
    ...(login.name === undefined ? {} : { name: login.name }),
    ...(login.grants === undefined ? {} : { grants: login.grants }),
    method: login.method,
    ...(login.via === undefined ? {} : { via: login.via }),
    createdAt: now,
    expiresAt: now + life,
  };
  const first = firstRefreshToken(record.id);
  const { jti, ...issued } = await issueAccessToken(ctx, record);
  audit(request, {
    action: 'issue',
    method: login.method,
    sub: record.userId,
    sessionId: record.id,
    jti,
    ...(login.method === 'api-key' && login.via ? { keyId: login.via } : {}),
  });
  try {
    await ctx.store.createSession(record, first.hashes, config.REFRESH_TTL_SECONDS, now);
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    request.log.warn({ event: 'session.not_stored', sessionId: record.id }, 'Redis is away: a token without refresh');
    return issued;
  }
  return {
    ...issued,
    refresh_token: first.token,
    refresh_expires_at: now + Math.min(config.REFRESH_TTL_SECONDS, life),
  };
}
