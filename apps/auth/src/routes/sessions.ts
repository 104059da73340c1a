/** What there is: my login sessions, and whether a token is good. */
import type { AccessClaims } from '@tandem/protocol';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { bearerOf, checkToken, requireBearer } from '../authenticate.ts';
import type { AuthContext } from '../context.ts';
import { isSessionRevoked } from '../terminate-session.ts';
import { bearer, problems } from './schemas.ts';

const Session = Type.Object(
  {
    session_id: Type.String(),
    current: Type.Boolean({ description: 'The session of the token you asked with.' }),
    method: Type.String({ description: 'open, api-key or oidc.' }),
    name: Type.Optional(Type.String()),
    created_at: Type.Integer({ description: 'Seconds since the epoch.' }),
    last_used_at: Type.Integer({ description: 'Last refresh, seconds since the epoch.' }),
    expires_at: Type.Integer({ description: 'Seconds since the epoch.' }),
  },
  { description: 'One login.' },
);

const listSchema = {
  operationId: 'listSessions',
  summary: 'My login sessions',
  description: 'A guest sees its own session only: a self-chosen id proves nothing.',
  tags: ['sessions'],
  security: bearer,
  response: {
    200: Type.Object({ sessions: Type.Array(Session) }, { description: 'Live sessions, newest first.' }),
    ...problems(),
  },
};

const validateSchema = {
  operationId: 'validateToken',
  summary: 'Is this access token good?',
  description: 'In the Authorization header, or as `?token=`.',
  tags: ['tokens'],
  security: bearer,
  querystring: Type.Object({ token: Type.Optional(Type.String({ maxLength: 8192 })) }),
  response: {
    200: Type.Object(
      {
        sub: Type.String(),
        session_id: Type.String(),
        expires_at: Type.Integer({ description: 'Seconds since the epoch.' }),
        name: Type.Optional(Type.String()),
        grants: Type.Optional(Type.Unsafe<object>({ type: 'object', additionalProperties: true })),
      },
      { description: 'It is.' },
    ),
    ...problems(400),
  },
};

export function sessionRoutes(app: FastifyInstance, ctx: AuthContext): void {
  app.get('/auth/sessions', { schema: listSchema }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    return { sessions: await listSessions(ctx, await requireBearer(ctx, request)) };
  });

  app.get<{ Querystring: { token?: string } }>('/auth/validate', { schema: validateSchema }, async (request, reply) => {
    reply.header('cache-control', 'no-store');
    const header = bearerOf(request);
    const claims =
      header || !request.query.token
        ? await requireBearer(ctx, request)
        : await checkToken(ctx, request.query.token, 'token');
    return {
      sub: claims.sub,
      session_id: claims.session_id,
      expires_at: claims.exp,
      ...(claims.name === undefined ? {} : { name: claims.name }),
      ...(claims.grants === undefined ? {} : { grants: claims.grants }),
    };
  });
}

async function listSessions(ctx: AuthContext, claims: AccessClaims): Promise<Static<typeof Session>[]> {
  const now = Math.floor(ctx.now() / 1000);
  const own = await ctx.store.getSession(claims.session_id, now);
  const proven = own !== undefined && own.record.method !== 'open';
  const found = proven ? await ctx.store.listSessions(claims.sub, now) : own ? [own] : [];
  return found
    .filter(({ record }) => record.method !== 'open' || record.id === claims.session_id)
    .filter(({ record }) => !isSessionRevoked(ctx, record))
    .sort((a, b) => b.record.createdAt - a.record.createdAt)
    .map(({ record, lastUsedAt }) => ({
      session_id: record.id,
      current: record.id === claims.session_id,
      method: record.method,
      ...(record.name === undefined ? {} : { name: record.name }),
      created_at: record.createdAt,
      last_used_at: lastUsedAt,
      expires_at: record.expiresAt,
    }));
}
