/** `POST /auth/refresh`: a refresh token for its successor, once. */
import { ProblemError } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type, { type Static } from 'typebox';
import { audit } from '../audit.ts';
import type { AuthContext } from '../context.ts';
import { idleSeconds, issueAccessToken } from '../issue-session.ts';
import { takeUser, userLimitKey } from '../limits.ts';
import { parseRefreshToken, sha256, successorOf } from '../refresh-token.ts';
import { terminateSession } from '../terminate-session.ts';
import { Issued, problems } from './schemas.ts';

const RefreshBody = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 256 }) },
  { description: 'The refresh token; it is used up.' },
);

export function refreshRoute(app: FastifyInstance, ctx: AuthContext): void {
  const seconds = () => Math.floor(ctx.now() / 1000);

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
        return new ProblemError(401, code, detail, { field: '/refresh_token' });
      };
      const unknown = (sessionId?: string) =>
        refuse('refresh_refused', 'The refresh token is unknown, expired or revoked: log in again.', sessionId);
      const now = seconds();
      const parsed = parseRefreshToken(request.body.refresh_token);
      if (!parsed) throw unknown();
      const stored = await ctx.store.getSession(parsed.sessionId, now);
      if (!stored) throw unknown(parsed.sessionId);
      const { record } = stored;
      // A record that outlived its revocation (failover) is refused all the same.
      const refuseRevoked = async () => {
        const of = { jti: '-', session_id: record.id, sub: record.userId, iat: record.createdAt };
        if (!ctx.store.revocations.isRevoked(of)) return;
        await ctx.store.deleteSession(record.id, record.userId);
        throw unknown(record.id);
      };
      await refuseRevoked();
      await takeUser(ctx, userLimitKey(ctx, record));
      const idle = idleSeconds(ctx, record.method);
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
        idle,
        now,
      );
      if (outcome === 'unknown') throw unknown(record.id);
      if (outcome === 'reused') {
        await terminateSession(ctx, record.id, record.userId);
        throw refuse(
          'refresh_reused',
          'The refresh token was used before, so its session has been ended: log in again.',
          record.id,
        );
      }
      // It may have been revoked while the store was asked.
      await refuseRevoked();
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
        refresh_expires_at: Math.min(now + idle, record.expiresAt),
      };
    },
  );
}
