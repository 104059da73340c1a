/** `POST /auth/refresh`: a refresh token for its successor, once. */
import { randomUUID } from 'node:crypto';
import { ProblemError } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import { audit } from '../audit.ts';
import { findKey } from '../authenticate.ts';
import type { AuthContext } from '../context.ts';
import { idleSeconds, issueAccessToken } from '../issue-session.ts';
import { takeUser, userLimitKey } from '../limits.ts';
import { isOfFamily, parseRefreshToken, sha256, successorOf } from '../refresh-token.ts';
import type { SessionRecord } from '../store/store.ts';
import { isSessionRevoked, terminateSession } from '../terminate-session.ts';
import { Issued, problems } from './schemas.ts';

const RefreshBody = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 256 }) },
  { description: 'The refresh token; it is used up.' },
);

type RefreshRoute = { Body: Static<typeof RefreshBody>; Headers: { 'idempotency-key'?: string } };
type RefreshRequest = FastifyRequest<RefreshRoute>;

const schema = {
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
};

export function refreshRoute(app: FastifyInstance, ctx: AuthContext): void {
  app.post<RefreshRoute>('/auth/refresh', { schema }, (request, reply) => {
    reply.header('cache-control', 'no-store');
    return refresh(ctx, request);
  });
}

async function refresh(ctx: AuthContext, request: RefreshRequest) {
  const now = Math.floor(ctx.now() / 1000);
  const parsed = parseRefreshToken(request.body.refresh_token);
  if (!parsed) throw unknown(request);
  const stored = await ctx.store.getSession(parsed.sessionId, now);
  // Others know the session id too: a guess must not use up the limit of its user.
  if (!stored || !isOfFamily(parsed, stored.family)) throw unknown(request, parsed.sessionId);
  const { record } = stored;
  await refuseRevokedKey(ctx, request, record);
  await refuseRevoked(ctx, request, record);
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
      afterNext: next.afterHash,
      // Without a key it is good for this request only: the Redis client sends a command again whose reply was lost.
      retry: retry ? sha256(retry) : randomUUID(),
    },
    idle,
    now,
  );
  if (outcome === 'unknown') throw unknown(request, record.id);
  if (outcome === 'reused') {
    await terminateSession(ctx, record.id, record.userId);
    const detail = 'The refresh token was used before, so its session has been ended: log in again.';
    throw refuse(request, 'refresh_reused', detail, record.id);
  }
  // It may have been revoked while the store was asked.
  await refuseRevoked(ctx, request, record);
  const { jti, ...issued } = await issueAccessToken(ctx, record);
  audit(request, {
    action: 'refresh',
    method: record.method,
    sub: record.userId,
    sessionId: record.id,
    jti,
    ...(outcome === 'restored' ? { reason: 'rotation_lost' } : {}),
  });
  return { ...issued, refresh_token: next.token, refresh_expires_at: Math.min(now + idle, record.expiresAt) };
}

/** Writes the refusal to the audit log. @returns the error to throw */
function refuse(request: RefreshRequest, code: string, detail: string, sessionId?: string): ProblemError {
  audit(request, {
    action: code === 'refresh_reused' ? 'reuse' : 'refuse',
    reason: code,
    ...(sessionId ? { sessionId } : {}),
  });
  return new ProblemError(401, code, detail, { field: '/refresh_token' });
}

function unknown(request: RefreshRequest, sessionId?: string): ProblemError {
  const detail = 'The refresh token is unknown, expired or revoked: log in again.';
  return refuse(request, 'refresh_refused', detail, sessionId);
}

/** A record that outlived its revocation (failover) is refused all the same. */
async function refuseRevoked(ctx: AuthContext, request: RefreshRequest, record: SessionRecord): Promise<void> {
  if (isSessionRevoked(ctx, record)) await endRevoked(ctx, request, record);
}

/** What a leaked key gave must not outlive it by the 30 days that a login session may last. */
async function refuseRevokedKey(ctx: AuthContext, request: RefreshRequest, record: SessionRecord): Promise<void> {
  if (record.method !== 'api-key' || record.via === undefined) return;
  const key = await findKey(ctx, record.via);
  if (key?.revokedAt !== undefined) await endRevoked(ctx, request, record);
}

/** @throws ProblemError 401 always */
async function endRevoked(ctx: AuthContext, request: RefreshRequest, record: SessionRecord): Promise<never> {
  await terminateSession(ctx, record.id, record.userId);
  throw unknown(request, record.id);
}
