/** `POST /v1/tokens`: what nine backends of ten want of `POST /auth/token`, in one call: a user, a room, a role. */
import { type Grants, isRoomId } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { requireBackend } from '../authenticate.ts';
import type { AuthContext } from '../context.ts';
import { covers, narrow } from '../grants.ts';
import { issueSession } from '../issue-session.ts';
import { takeApiKey, takeUser } from '../limits.ts';
import { Issued, problems, UserId } from './schemas.ts';
import { refuseGuestName } from './token/request.ts';

const Role = Type.Union([Type.Literal('moderator'), Type.Literal('member'), Type.Literal('observer')], {
  description:
    'moderator: may kick, mute and close, and invite listeners to speak and record if the API key grants `invite` and `record`. member (default): may speak. observer: hears and sees only.',
});

const BackendTokenBody = Type.Object(
  {
    userId: UserId,
    name: Type.Optional(Type.String({ maxLength: 64, pattern: '^[^\\p{Cc}\\p{Cs}]*$', description: 'Display name.' })),
    roomId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'The one room. Default: all that the API key may grant.',
      }),
    ),
    role: Type.Optional(Role),
    ttlSeconds: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 86_400,
        description: 'Life of the login session, with its refreshes. Default: that of the service.',
      }),
    ),
  },
  { additionalProperties: false },
);
type BackendTokenBody = Static<typeof BackendTokenBody>;

const grantsOf = ({ roomId, role = 'member' }: BackendTokenBody, most: Grants): Grants => ({
  ...(roomId === undefined ? {} : { rooms: [roomId] }),
  kick: role === 'moderator',
  // Otherwise a member had what the key may grant.
  ...(most.invite ? { invite: role === 'moderator' } : {}),
  ...(most.record ? { record: role === 'moderator' } : {}),
  ...(role === 'observer' ? { publish: false } : {}),
});

export function backendTokenRoute(app: FastifyInstance, ctx: AuthContext): void {
  app.decorateRequest('backendKey', undefined);
  app.post<{ Body: BackendTokenBody }>(
    '/v1/tokens',
    {
      // Before the body is read.
      onRequest: async (request) => {
        const key = await requireBackend(ctx, request, 'tokens:mint');
        if (!request.apiKey) await takeApiKey(ctx, key.id);
        request.backendKey = key;
      },
      schema: {
        operationId: 'createToken',
        summary: 'Get a token for a user of a backend',
        description: 'Needs an API key, or a backend token with the scope tokens:mint.',
        tags: ['tokens'],
        security: [{ apiKey: [] }, { bearer: [] }],
        body: BackendTokenBody,
        response: { 201: Issued, ...problems(400, 403, 413, 415) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store').code(201);
      const { body } = request;
      const key = request.backendKey;
      if (!key) throw new Error('the hook of this route was not run');
      refuseGuestName(body.userId, '/userId');
      // A grant may also be the beginning of ids and `*`: here that would be more than the one room.
      if (body.roomId !== undefined && !isRoomId(body.roomId))
        throw new ProblemError(400, 'invalid_field', 'body/roomId is no room id (rule S-29)', { field: '/roomId' });
      if (!covers(key.users, body.userId))
        throw new ProblemError(403, 'user_refused', 'This API key may not speak for that user.', { field: '/userId' });
      const grants = narrow(key.grants, grantsOf(body, key.grants), { by: 'backend' });
      await takeUser(ctx, body.userId);
      const { userId, name, ttlSeconds } = body;
      return issueSession(ctx, { userId, name, grants, method: 'api-key', via: key.id, seconds: ttlSeconds }, request);
    },
  );
}
