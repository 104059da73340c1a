/** Issues a login session, its first refresh token, and access tokens. */
import { randomUUID } from 'node:crypto';
import type { AccessClaims, Grants } from '@tandem/protocol';
import { ProblemError, UnavailableError } from '@tandem/service';
import type { FastifyRequest } from 'fastify';
import { audit } from './audit.ts';
import type { AuthContext } from './context.ts';
import { withoutUnknownGrants } from './grants.ts';
import { firstRefreshToken } from './refresh-token.ts';
import type { AccessMethod, SessionRecord } from './store/store.ts';
import { isSessionRevoked } from './terminate-session.ts';
import { guestRelayGroup } from './turn.ts';

/** A guest's session ends after a day, however used. */
const GUEST_SESSION_SECONDS = 86_400;

/** How long a refresh token that is not used stays good, s. An abandoned guest must not stay in the store for long. */
export function idleSeconds({ config }: AuthContext, method: AccessMethod): number {
  const { REFRESH_TTL_SECONDS, GUEST_REFRESH_TTL_SECONDS } = config;
  return method === 'open' ? Math.min(REFRESH_TTL_SECONDS, GUEST_REFRESH_TTL_SECONDS) : REFRESH_TTL_SECONDS;
}

export interface Login {
  readonly userId: string;
  readonly name?: string | undefined;
  readonly grants?: Grants | undefined;
  readonly method: AccessMethod;
  readonly via?: string | undefined;
  /** Life of the session, s, at most. Default: SESSION_TTL_SECONDS. */
  readonly seconds?: number | undefined;
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

/** The id of a guest's session names the quota that it shares at the relay with other guests of its address: see turn.ts. */
function guestSessionId(ctx: AuthContext, address: string): string {
  const secret = ctx.turnSecret();
  if (secret === undefined) return randomUUID();
  return `${randomUUID()}-${guestRelayGroup(address, secret, ctx.config.GUEST_RELAY_GROUPS)}`;
}

/** Sign an access token of this session. */
export async function issueAccessToken(
  ctx: AuthContext,
  session: Pick<SessionRecord, 'id' | 'userId' | 'name' | 'grants' | 'method' | 'createdAt' | 'expiresAt'>,
): Promise<IssuedToken & { jti: string }> {
  const now = Math.floor(ctx.now() / 1000);
  const iat = Math.max(now, session.createdAt);
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
    ...(session.grants === undefined ? {} : { grants: withoutUnknownGrants(session.grants) as Grants }),
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

/**
 * A new login session. With Redis away it still gives an access token, without a refresh token: logins go on.
 * @throws ProblemError 401 when its user or the API key was revoked meanwhile
 */
export async function issueSession(ctx: AuthContext, login: Login, request: FastifyRequest): Promise<IssuedToken> {
  const { config } = ctx;
  const now = Math.floor(ctx.now() / 1000);
  const most = login.method === 'open' ? GUEST_SESSION_SECONDS : Infinity;
  const life = Math.min(config.SESSION_TTL_SECONDS, most, login.seconds ?? Infinity);
  const revokedAt = ctx.store.revocations.userRevokedAt(login.userId);
  const idle = idleSeconds(ctx, login.method);
  const record: SessionRecord = {
    id: login.method === 'open' ? guestSessionId(ctx, request.ip) : randomUUID(),
    userId: login.userId,
    ...(login.name === undefined ? {} : { name: login.name }),
    ...(login.grants === undefined ? {} : { grants: login.grants }),
    method: login.method,
    ...(login.via === undefined ? {} : { via: login.via }),
    // Times are whole seconds: a login in the very second of a revocation must not be hit by it.
    createdAt: revokedAt !== undefined && revokedAt >= now ? revokedAt + 1 : now,
    expiresAt: now + life,
  };
  const first = firstRefreshToken(record.id);
  const { jti, ...issued } = await issueAccessToken(ctx, record);
  const isStored = await storeSession(request, record, () => ctx.store.createSession(record, first.hashes, idle, now));
  // The revocation found no session to end, and is forgotten when the access token has expired: the refresh token would open it again.
  if (isSessionRevoked(ctx, record)) {
    if (isStored) await ctx.store.deleteSession(record.id, record.userId);
    audit(request, { action: 'refuse', method: login.method, sub: record.userId, reason: 'token_revoked' });
    throw new ProblemError(401, 'token_revoked', 'The access was revoked during this login: log in again.');
  }
  audit(request, {
    action: 'issue',
    method: login.method,
    sub: record.userId,
    sessionId: record.id,
    jti,
    ...(login.method === 'api-key' && login.via ? { keyId: login.via } : {}),
  });
  if (!isStored) return issued;
  return {
    ...issued,
    refresh_token: first.token,
    refresh_expires_at: now + Math.min(idle, life),
  };
}

/** @returns false when Redis is away */
async function storeSession(request: FastifyRequest, { id }: SessionRecord, store: () => Promise<void>) {
  try {
    await store();
    return true;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    request.log.warn({ event: 'session.not_stored', sessionId: id }, 'Redis is away: a token without refresh');
    return false;
  }
}
