/** Having a token is enough to revoke it (RFC 7009). */
import { ProblemError } from '@tandem/service';
import { checkToken } from '../../authenticate.ts';
import type { AuthContext } from '../../context.ts';
import { isOfFamily, parseRefreshToken } from '../../refresh-token.ts';
import { terminateSession, terminateToken } from '../../terminate-session.ts';
import type { Revoked } from './revoked.ts';

/** @returns undefined for a token that holds no more, or never did: the two are answered alike */
export async function revokeToken(ctx: AuthContext, token: string): Promise<Revoked | undefined> {
  const refresh = parseRefreshToken(token);
  if (refresh) {
    const stored = await ctx.store.getSession(refresh.sessionId, Math.floor(ctx.now() / 1000));
    // Any token of the family proves that it was given out by us; a wrong secret is a guess, which ends nothing.
    if (!stored || !isOfFamily(refresh, stored.family)) return undefined;
    const { userId } = stored.record;
    await terminateSession(ctx, refresh.sessionId, userId);
    return { kind: 'session', sub: userId, sessionId: refresh.sessionId };
  }
  try {
    const claims = await checkToken(ctx, token, '/token');
    await terminateToken(ctx, claims);
    return { kind: 'token', sub: claims.sub, sessionId: claims.session_id, jti: claims.jti };
  } catch (error) {
    if (error instanceof ProblemError && error.status === 401) return undefined;
    throw error;
  }
}
