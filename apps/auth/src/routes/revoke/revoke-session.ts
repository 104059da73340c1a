/** Ends a login session, or all of a user: one's own with a bearer token, those of its users with an API key. */
import { ProblemError } from '@tandem/service';
import type { FastifyRequest } from 'fastify';
import { requireBearer } from '../../authenticate.ts';
import type { AuthContext } from '../../context.ts';
import { covers } from '../../grants.ts';
import { terminateSession, terminateUser } from '../../terminate-session.ts';
import type { Revoked } from './revoked.ts';

/** Whom the caller may end. @throws ProblemError 401 */
async function authorityOf(ctx: AuthContext, request: FastifyRequest) {
  const { apiKey } = request;
  if (apiKey) return { isBackend: true, ownSession: undefined, coversUser: (id: string) => covers(apiKey.users, id) };
  const claims = await requireBearer(ctx, request);
  const own = await ctx.store.getSession(claims.session_id, Math.floor(ctx.now() / 1000));
  // A guest's id proves nothing: it may end its own session only.
  const isProven = own !== undefined && own.record.method !== 'open';
  return { isBackend: false, ownSession: claims, coversUser: (id: string) => isProven && claims.sub === id };
}

/** @returns undefined: there was nothing to end */
export async function revokeSession(
  ctx: AuthContext,
  request: FastifyRequest,
  sessionId: string,
): Promise<Revoked | undefined> {
  const { isBackend, ownSession, coversUser } = await authorityOf(ctx, request);
  const isOwn = ownSession?.session_id === sessionId;
  const stored = await ctx.store.getSession(sessionId, Math.floor(ctx.now() / 1000));
  if (!isOwn && !(stored && coversUser(stored.record.userId))) {
    // The same answer for a stranger's session and for none, so that the answer does not tell which exist.
    if (isBackend && !stored) return undefined;
    throw new ProblemError(403, 'forbidden', 'That is not a session of yours.', { field: '/session_id' });
  }
  const sub = stored?.record.userId ?? ownSession?.sub ?? '';
  await terminateSession(ctx, sessionId, sub);
  return { kind: 'session', sessionId, sub };
}

export async function revokeUser(ctx: AuthContext, request: FastifyRequest, userId: string): Promise<Revoked> {
  const { coversUser } = await authorityOf(ctx, request);
  if (!coversUser(userId))
    throw new ProblemError(403, 'forbidden', 'You may not end the sessions of that user.', { field: '/user_id' });
  await terminateUser(ctx, userId);
  return { kind: 'user', sub: userId };
}
