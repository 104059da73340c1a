/** Ends a token, a session, or all of a user: the news to every signaling and TURN node, then the record. */
import { type AccessClaims, apiKeySession } from '@tandem/protocol';
import { isGuest } from './access/guest.ts';
import type { AuthContext } from './context.ts';
import type { SessionRecord } from './store/store.ts';
import { turnSessionName, turnUserName } from './turn.ts';

/** Clock skew that verifiers allow at most, s: a revocation outlives its token by it. */
const SKEW = 120;

const seconds = (ctx: AuthContext) => Math.floor(ctx.now() / 1000);
const untilTokensDie = (ctx: AuthContext) => seconds(ctx) + ctx.config.ACCESS_TTL_SECONDS + SKEW;

/**
 * TURN nodes end the relay of this session, or of all that the user has, as far as it was opened before now. The name at the relay of a
 * guest is one that others share: only its sessions tell whose relay it is.
 */
function relayOf(ctx: AuthContext, sub: string, session_id?: string) {
  if (ctx.turnSecret() === undefined) return {};
  if (session_id === undefined && isGuest(ctx.settings.access, sub)) return {};
  const user = turnUserName(ctx.settings.access, { sub, session_id: session_id ?? '' });
  const session = session_id === undefined ? {} : { session: turnSessionName(session_id) };
  return { relay: { user, ...session, until: seconds(ctx) + ctx.config.TURN_TTL_SECONDS } };
}

export async function terminateToken(ctx: AuthContext, { jti, exp, sub, session_id }: AccessClaims): Promise<void> {
  await ctx.store.revoke({ kind: 'jti', id: jti, exp: exp + SKEW, ...relayOf(ctx, sub, session_id) });
}

export async function terminateSession(ctx: AuthContext, id: string, sub: string): Promise<void> {
  await ctx.store.revoke({ kind: 'session', id, exp: untilTokensDie(ctx), ...relayOf(ctx, sub, id) });
  await ctx.store.deleteSession(id, sub);
}

/** Was the session, its user or the API key that gave it revoked, as far as this process has heard? */
export function isSessionRevoked({ store: { revocations } }: AuthContext, record: SessionRecord): boolean {
  const of = { jti: '-', session_id: record.id, sub: record.userId, iat: record.createdAt };
  if (revocations.isRevoked(of)) return true;
  const key = record.method === 'api-key' ? record.via : undefined;
  return key !== undefined && revocations.isRevoked({ ...of, session_id: apiKeySession(key) });
}

/** All that the user has now; a login afterwards is not hit. */
export async function terminateUser(ctx: AuthContext, sub: string): Promise<void> {
  const now = seconds(ctx);
  await ctx.store.revoke({ kind: 'user', id: sub, at: now, exp: untilTokensDie(ctx), ...relayOf(ctx, sub) });
  for (const { record } of await ctx.store.listSessions(sub, now)) {
    if (record.createdAt > now) continue; // a login since
    if (isGuest(ctx.settings.access, sub)) await terminateSession(ctx, record.id, sub);
    else await ctx.store.deleteSession(record.id, sub);
  }
}
