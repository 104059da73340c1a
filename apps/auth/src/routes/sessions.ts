/** Refresh, revoke and list login sessions. */
import { Problem } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { audit } from '../audit.ts';
import type { AuthContext } from '../context.ts';
import { covers } from '../grants.ts';
import { bearerOf, checkToken, requireBearer, takeUser } from '../guards.ts';
import { issueAccessToken } from '../issue.ts';
import { parseRefreshToken, sha256, successorOf } from '../refresh-token.ts';
import type { SessionRecord } from '../store/store.ts';
import { turnSessionName, turnUserName } from '../turn.ts';
import { bearer, Issued, problems, SessionId } from './schemas.ts';

const RefreshBody = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 256 }) },
  { description: 'The refresh token; it is used up.' },
);
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

/** Clock skew that verifiers allow at most, s: a revocation outlives its token by it. */
const SKEW = 120;

export function sessionRoutes(app: FastifyInstance, ctx: AuthContext): void {
  const seconds = () => Math.floor(ctx.now() / 1000);
  const untilTokensDie = () => seconds() + ctx.config.ACCESS_TTL_SECONDS + SKEW;

  /** TURN nodes end the relay of this session, or of all that the user has, as far as it was opened before now. */
  function relayOf(sub: string, session_id?: string) {
    if (ctx.settings.turnSecrets.length === 0) return {};
    const user = turnUserName(ctx.settings.access, { sub, session_id: session_id ?? '' });
    const session = session_id === undefined ? {} : { session: turnSessionName(session_id) };
    return { relay: { user, ...session, until: seconds() + ctx.config.TURN_TTL_SECONDS } };
  }

  /** Refused before and ended now: first the news to every node, then the record. */
  async function endSession(id: string, sub: string): Promise<void> {
    await ctx.store.revoke({ kind: 'session', id, exp: untilTokensDie(), ...relayOf(sub, id) });
    await ctx.store.deleteSession(id);
  }

  app.post<{ Body: Static<typeof RefreshBody>; Headers: { 'idempotency-key'?: string } }>(
    '/auth/refresh',
    {
      schema: {
        operationId: 'refreshToken',
        summary: 'Exchange a refresh token for new tokens',
        description:
          'A refresh token works once; using it again ends the session, as somebody has a copy. A client that lost the answer repeats the request within 60 s with the same Idempotency-Key.',
        tags: ['tokens'],
        headers: Type.Object({
          'idempotency-key': Type.Optional(
            Type.String({ minLength: 16, maxLength: 128, description: 'Random; the same only in a repetition.' }),
          ),
        }),
        body: RefreshBody,
        response: { 200: Issued, ...problems(400, 413, 415) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const refuse = (code: string, detail: string, sessionId?: string) => {
        audit(request, {
          action: code === 'refresh_reused' ? 'reuse' : 'refuse',
          reason: code,
          ...(sessionId ? { sessionId } : {}),
        });
        return new Problem(401, code, detail, { field: '/refresh_token' });
      };
      const unknown = (sessionId?: string) =>
        refuse('refresh_refused', 'The refresh token is unknown, expired or revoked: log in again.', sessionId);
      const now = seconds();
      const parsed = parseRefreshToken(request.body.refresh_token);
      if (!parsed) throw unknown();
      const stored = await ctx.store.getSession(parsed.sessionId, now);
      if (!stored) throw unknown(parsed.sessionId);
      const { record } = stored;
      // A record that outlived its revocation (lost index, failover) is refused all the same.
      if (
        ctx.store.revocations.isRevoked({ jti: '-', session_id: record.id, sub: record.userId, iat: record.createdAt })
      ) {
        await ctx.store.deleteSession(record.id);
        throw unknown(record.id);
      }
      await takeUser(ctx, record.userId);
      const next = successorOf(parsed, stored.successorKey);
      const retry = request.headers['idempotency-key'];
      const outcome = await ctx.store.rotate(
        record.id,
        {
          family: sha256(parsed.family),
          presented: sha256(parsed.turn),
          next: next.hash,
          retry: retry ? sha256(retry) : '',
        },
        ctx.config.REFRESH_TTL_SECONDS,
        now,
      );
      if (outcome === 'unknown') throw unknown(record.id);
      if (outcome === 'reused') {
        await endSession(record.id, record.userId);
        throw refuse(
          'refresh_reused',
          'The refresh token was used before, so its session has been ended: log in again.',
          record.id,
        );
      }
      const { jti, ...issued } = await issueAccessToken(ctx, record);
      audit(request, {
        action: 'refresh',
        method: record.method,
        sub: record.userId,
        sessionId: record.id,
        jti,
      });
      return {
        ...issued,
        refresh_token: next.token,
        refresh_expires_at: Math.min(now + ctx.config.REFRESH_TTL_SECONDS, record.expiresAt),
      };
    },
  );

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
          await endSession(refresh.sessionId, stored.record.userId);
          return done('session', { sub: stored.record.userId, sessionId: refresh.sessionId });
        }
        try {
          const claims = await checkToken(ctx, token, '/token');
          await ctx.store.revoke({
            kind: 'jti',
            id: claims.jti,
            exp: claims.exp + SKEW,
            ...relayOf(claims.sub, claims.session_id),
          });
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
        await endSession(sessionId, sub);
        return done('session', { sessionId, sub });
      }

      if (userId === undefined || !mayUser(userId))
        throw new Problem(403, 'forbidden', 'You may not end the sessions of that user.', { field: '/user_id' });
      await ctx.store.revoke({
        kind: 'user',
        id: userId,
        at: seconds(),
        exp: untilTokensDie(),
        ...relayOf(userId),
      });
      for (const { record } of await ctx.store.listSessions(userId, seconds()))
        await ctx.store.deleteSession(record.id);
      return done('user', { sub: userId });
    },
  );

  app.get(
    '/auth/sessions',
    {
      schema: {
        operationId: 'listSessions',
        summary: 'My login sessions',
        description: 'A guest sees its own session only: a self-chosen id proves nothing.',
        tags: ['sessions'],
        security: bearer,
        response: {
          200: Type.Object({ sessions: Type.Array(Session) }, { description: 'Live sessions, newest first.' }),
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const claims = await requireBearer(ctx, request);
      const now = seconds();
      const own = await ctx.store.getSession(claims.session_id, now);
      const proven = own !== undefined && own.record.method !== 'open';
      const found = proven ? await ctx.store.listSessions(claims.sub, now) : own ? [own] : [];
      const dead = (r: SessionRecord) =>
        ctx.store.revocations.isRevoked({ jti: '-', session_id: r.id, sub: r.userId, iat: r.createdAt });
      return {
        sessions: found
          .filter(({ record }) => record.method !== 'open' || record.id === claims.session_id)
          .filter(({ record }) => !dead(record))
          .sort((a, b) => b.record.createdAt - a.record.createdAt)
          .map(({ record, lastUsedAt }) => ({
            session_id: record.id,
            current: record.id === claims.session_id,
            method: record.method,
            ...(record.name === undefined ? {} : { name: record.name }),
            created_at: record.createdAt,
            last_used_at: lastUsedAt,
            expires_at: record.expiresAt,
          })),
      };
    },
  );

  app.get<{ Querystring: { token?: string } }>(
    '/auth/validate',
    {
      schema: {
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
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const header = bearerOf(request);
      const claims = await checkToken(
        ctx,
        header ?? request.query.token,
        header || !request.query.token ? 'authorization' : 'token',
      );
      return {
        sub: claims.sub,
        session_id: claims.session_id,
        expires_at: claims.exp,
        ...(claims.name === undefined ? {} : { name: claims.name }),
        ...(claims.grants === undefined ? {} : { grants: claims.grants }),
      };
    },
  );
}
