/** `POST /auth/revoke`: end a token, a session, or everything of a user. */
import { Problem } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { audit } from '../audit.ts';
import type { AuthContext } from '../context.ts';
import { endSession, endToken, endUser } from '../end.ts';
import { covers } from '../grants.ts';
import { checkToken, requireBearer } from '../guards.ts';
import { parseRefreshToken, sha256 } from '../refresh-token.ts';
import { bearer, problems, SessionId } from './schemas.ts';

const RevokeBody = Type.Object(
  {
    token: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 8192,
        description: 'An access token (only it ends) or a refresh token (its session ends).',
      }),
    ),
    session_id: Type.Optional(SessionId),
    user_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128, pattern: '^[^\\p{Cc}\\p{Cs}]+$' })),
  },
  { description: 'Exactly one of the three.' },
);

export function revokeRoute(app: FastifyInstance, ctx: AuthContext): void {
  const seconds = () => Math.floor(ctx.now() / 1000);

  app.post<{ Body: Static<typeof RevokeBody> }>(
    '/auth/revoke',
    {
      schema: {
        operationId: 'revoke',
        summary: 'End a token, a session, or everything of a user',
        description:
          'Having a token is enough to revoke it (RFC 7009; an unknown one is answered alike). Sessions and users: your own with a bearer token, those of your users with an API key. Reaches every signaling node at once: open sockets close with 4001.',
        tags: ['sessions'],
        security: [{}, ...bearer, { apiKey: [] }],
        body: RevokeBody,
        response: {
          200: Type.Object(
            { revoked: Type.Boolean({ description: 'False: there was nothing to revoke.' }) },
            { description: 'Done.' },
          ),
          ...problems(400, 403, 413, 415),
        },
      },
    },
    async (request) => {
      const { token, session_id: sessionId, user_id: userId } = request.body;
      const given = [token, sessionId, userId].filter((v) => v !== undefined).length;
      if (given !== 1)
        throw new Problem(400, 'invalid_field', 'Send exactly one of token, session_id, user_id.', {
          field: given === 0 ? '/token' : '/',
        });
      const done = (kind: string, ids: { sub?: string; sessionId?: string; jti?: string }) => {
        audit(request, {
          action: 'revoke',
          reason: kind,
          ...ids,
          ...(request.apiKey ? { keyId: request.apiKey.id } : {}),
        });
        return { revoked: true };
      };

      if (token !== undefined) {
        const refresh = parseRefreshToken(token);
        if (refresh) {
          const stored = await ctx.store.getSession(refresh.sessionId, seconds());
          // Only the holder of the family secret; the outcome of a wrong one is that of an unknown one.
          const outcome = stored
            ? await ctx.store.rotate(
                refresh.sessionId,
                {
                  family: sha256(refresh.family),
                  presented: sha256(refresh.turn),
                  next: sha256(`revoked ${Math.random()}`),
                  retry: '',
                },
                1,
                seconds(),
              )
            : 'unknown';
          if (!stored || outcome === 'unknown') return { revoked: false };
          await endSession(ctx, refresh.sessionId, stored.record.userId);
          return done('session', { sub: stored.record.userId, sessionId: refresh.sessionId });
        }
        try {
          const claims = await checkToken(ctx, token, '/token');
          await endToken(ctx, claims);
          return done('token', { sub: claims.sub, sessionId: claims.session_id, jti: claims.jti });
        } catch (error) {
          if (error instanceof Problem && error.status === 401) return { revoked: false };
          throw error;
        }
      }

      const key = request.apiKey;
      const claims = key ? undefined : await requireBearer(ctx, request);
      const own = claims && (await ctx.store.getSession(claims.session_id, seconds()))?.record;
      // A guest's id proves nothing: it may end its own session only.
      const proven = own !== undefined && own.method !== 'open';
      const mayUser = (id: string) => (key ? covers(key.users, id) : proven && claims?.sub === id);

      if (sessionId !== undefined) {
        const mine = claims?.session_id === sessionId;
        const stored = await ctx.store.getSession(sessionId, seconds());
        if (!mine && !(stored && mayUser(stored.record.userId))) {
          // The same answer for a stranger's session and for none, so that nobody can ask which exist.
          if (key && !stored) return { revoked: false };
          throw new Problem(403, 'forbidden', 'That is not a session of yours.', { field: '/session_id' });
        }
        const sub = stored?.record.userId ?? claims?.sub ?? '';
        await endSession(ctx, sessionId, sub);
        return done('session', { sessionId, sub });
      }

      if (userId === undefined || !mayUser(userId))
        throw new Problem(403, 'forbidden', 'You may not end the sessions of that user.', { field: '/user_id' });
      await endUser(ctx, userId);
      return done('user', { sub: userId });
    },
  );
}
