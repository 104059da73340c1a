/** What this process knows of revocations, and a failover of Redis lost: published again, before a process that starts later misses them. */
import { type Revocation, revocationApplies, revocationEnd } from '@tandem/service';
import type { AuthContext } from './context.ts';
import type { StoredSession } from './store/store.ts';
import { terminateSession } from './terminate-session.ts';

/** How many are in hand together: a Redis that comes back empty has lost all of an hour. */
const AT_ONCE = 100;

/**
 * Repeating it does no harm. An entry is published last, so one that is in the stream is done.
 * @throws UnavailableError when Redis is away again
 */
export async function restoreRevocations(ctx: AuthContext, lost: readonly Revocation[]): Promise<void> {
  for (let i = 0; i < lost.length; i += AT_ONCE)
    await Promise.all(lost.slice(i, i + AT_ONCE).map((revocation) => restore(ctx, revocation)));
  ctx.log.warn({ event: 'revocation.restored', count: lost.length }, 'published again what a failover of Redis lost');
}

async function restore(ctx: AuthContext, revocation: Revocation): Promise<void> {
  const now = Math.floor(ctx.now() / 1000);
  // Their records were deleted, which was lost with it. They are ended anew: a process that did not know has issued tokens to them since.
  for (const { record } of await sessionsOf(ctx, revocation, now)) {
    const before = { jti: '-', session_id: record.id, sub: record.userId, iat: record.createdAt };
    if (revocationApplies(revocation, before)) await terminateSession(ctx, record.id, record.userId);
  }
  if (revocationEnd(revocation) > now) await ctx.store.revoke(revocation);
}

async function sessionsOf({ store }: AuthContext, { kind, id }: Revocation, now: number): Promise<StoredSession[]> {
  if (kind === 'user') return store.listSessions(id, now);
  const session = kind === 'session' ? await store.getSession(id, now) : undefined;
  return session ? [session] : [];
}
