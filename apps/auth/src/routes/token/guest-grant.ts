/** A guest: a self-chosen id, which proves nothing. */
import type { FastifyRequest } from 'fastify';
import { guestId } from '../../access/guest.ts';
import type { AuthContext } from '../../context.ts';
import { narrow } from '../../grants.ts';
import { type IssuedToken, issueSession } from '../../issue-session.ts';
import { takeGuestLogin } from '../../limits.ts';
import { requireUserId, type TokenRequest } from './request.ts';

export async function guestGrant(ctx: AuthContext, body: TokenRequest, request: FastifyRequest): Promise<IssuedToken> {
  const userId = guestId(ctx.settings.access, requireUserId(body));
  const grants = narrow(ctx.settings.openGrants, body.grants, { by: 'bearer' });
  await takeGuestLogin(ctx, request.ip);
  return issueSession(ctx, { userId, name: body.name, grants, method: 'open' }, request);
}
