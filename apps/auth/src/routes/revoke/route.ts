/** `POST /auth/revoke`: end a token, a session, or everything of a user. */
import { ProblemError } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { audit } from '../../audit.ts';
import type { AuthContext } from '../../context.ts';
import { bearer, problems, SessionId } from '../schemas.ts';
import { revokeSession, revokeUser } from './revoke-session.ts';
import { revokeToken } from './revoke-token.ts';
import type { Revoked } from './revoked.ts';

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

type RevokeRequest = FastifyRequest<{ Body: Static<typeof RevokeBody> }>;

export function revokeRoute(app: FastifyInstance, ctx: AuthContext): void {
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
      const revoked = await revoke(ctx, request);
      if (!revoked) return { revoked: false };
      const { kind, ...ids } = revoked;
      const keyId = request.apiKey ? { keyId: request.apiKey.id } : {};
      audit(request, { action: 'revoke', reason: kind, ...ids, ...keyId });
      return { revoked: true };
    },
  );
}

async function revoke(ctx: AuthContext, request: RevokeRequest): Promise<Revoked | undefined> {
  const { token, session_id: sessionId, user_id: userId } = request.body;
  const given = [token, sessionId, userId].filter((v) => v !== undefined).length;
  if (given !== 1)
    throw new ProblemError(400, 'invalid_field', 'Send exactly one of token, session_id, user_id.', {
      field: given === 0 ? '/token' : '/',
    });
  if (token !== undefined) return revokeToken(ctx, token);
  if (sessionId !== undefined) return revokeSession(ctx, request, sessionId);
  return userId === undefined ? undefined : revokeUser(ctx, request, userId);
}
