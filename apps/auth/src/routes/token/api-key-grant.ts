/** A backend with an API key, on behalf of its user. */
import { ProblemError } from '@tandem/service';
import type { FastifyRequest } from 'fastify';
import type { AuthContext } from '../../context.ts';
import { covers, narrow } from '../../grants.ts';
import { type IssuedToken, issueSession } from '../../issue-session.ts';
import { takeUser } from '../../limits.ts';
import type { ApiKeyRecord } from '../../store/store.ts';
import { refuseGuestName, requireUserId, type TokenRequest } from './request.ts';

export async function apiKeyGrant(
  ctx: AuthContext,
  key: ApiKeyRecord,
  body: TokenRequest,
  request: FastifyRequest,
): Promise<IssuedToken> {
  const userId = requireUserId(body);
  refuseGuestName(userId, '/userId');
  if (!covers(key.users, userId))
    throw new ProblemError(403, 'user_refused', 'This API key may not speak for that user.', { field: '/userId' });
  const grants = narrow(key.grants, body.grants, { by: 'backend' });
  await takeUser(ctx, userId);
  return issueSession(ctx, { userId, name: body.name, grants, method: 'api-key', via: key.id }, request);
}
