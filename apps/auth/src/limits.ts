/** Rate limits: by network address, by user, by API key, and of guests' logins by address. */
import type { AccessClaims } from '@tandem/protocol';
import { ipKey, ProblemError } from '@tandem/service';
import { isGuest } from './access/guest.ts';
import type { AuthContext } from './context.ts';
import type { SessionRecord } from './store/store.ts';

/** Extra points that a refused request costs its address: guessing costs five times as much as asking. */
const REFUSAL_COST = 4;

function limited(seconds: number, what: string): ProblemError {
  return new ProblemError(429, 'rate_limited', `Too many requests of this ${what}; wait ${seconds} s.`, {
    retryAfter: seconds,
  });
}

export async function takeAddress(ctx: AuthContext, address: string): Promise<void> {
  const wait = await ctx.limits.ip?.take(ipKey(address));
  if (wait !== undefined) throw limited(wait, 'network address');
}

export async function takeRefusal(ctx: AuthContext, address: string): Promise<void> {
  await ctx.limits.ip?.take(ipKey(address), REFUSAL_COST);
}

export async function takeApiKey(ctx: AuthContext, keyId: string): Promise<void> {
  const wait = await ctx.limits.key?.take(keyId);
  if (wait !== undefined) throw limited(wait, 'API key');
}

/** Each guest is a session in the store and a quota at the relay, so one address makes a limited number of them. */
export async function takeGuestLogin(ctx: AuthContext, address: string): Promise<void> {
  const wait = await ctx.limits.guest?.take(ipKey(address));
  if (wait !== undefined) throw limited(wait, 'network address, as guests');
}

export async function takeUser(ctx: AuthContext, key: string): Promise<void> {
  const wait = await ctx.limits.user?.take(key);
  if (wait !== undefined) throw limited(wait, 'user');
}

/** What counts as one user: a guest's id is anybody's, so a guest is one login session. */
export function userLimitKey(ctx: AuthContext, of: AccessClaims | SessionRecord): string {
  if ('sub' in of) return of.guest || isGuest(ctx.settings.access, of.sub) ? `session ${of.session_id}` : of.sub;
  return of.method === 'open' ? `session ${of.id}` : of.userId;
}
