/** `POST /auth/token` and `POST /auth/nonce`: who may have a token. */
import { createHash, randomBytes } from 'node:crypto';
import { Grants } from '@tandem/protocol';
import { Problem } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { JWTPayload } from 'jose';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import { GUEST, guestId } from '../access/guest.ts';
import { audit } from '../audit.ts';
import type { AuthContext } from '../context.ts';
import { covers, narrow } from '../grants.ts';
import { takeUser } from '../guards.ts';
import { type IssuedToken, logIn } from '../issue.ts';
import { Issued, problems, TokenBody } from './schemas.ts';

type TokenRequest = Static<typeof TokenBody>;

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const NONCE_SECONDS = 600;

const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');

function requireUserId(body: TokenRequest): string {
  if (body.userId === undefined)
    throw new Problem(400, 'invalid_field', 'body/userId is missing: say who the token is for', { field: '/userId' });
  return body.userId;
}

function notAGuest(userId: string, field: string): void {
  if (userId.startsWith(GUEST)) throw new Problem(403, 'user_refused', `An id may not begin with ${GUEST}`, { field });
}

export function tokenRoutes(app: FastifyInstance, ctx: AuthContext): void {
  const { access } = ctx.settings;

  async function forGuest(body: TokenRequest, request: FastifyRequest): Promise<IssuedToken> {
    const asked = requireUserId(body);
    const userId = guestId(access, asked);
    const grants = narrow(ctx.settings.openGrants, body.grants);
    await takeUser(ctx, userId);
    return logIn(ctx, { userId, name: body.name, grants, method: 'open' }, request);
  }

  async function forBackend(body: TokenRequest, request: FastifyRequest): Promise<IssuedToken> {
    const key = request.apiKey;
    if (!key) throw new Error('no key');
    const userId = requireUserId(body);
    notAGuest(userId, '/userId');
    if (!covers(key.users, userId))
      throw new Problem(403, 'user_refused', 'This API key may not speak for that user.', { field: '/userId' });
    const grants = narrow(key.grants, body.grants);
    await takeUser(ctx, userId);
    return logIn(ctx, { userId, name: body.name, grants, method: 'api-key', via: key.id }, request);
  }

  async function spendNonce(idToken: string, payload: JWTPayload & { exp: number }): Promise<void> {
    const now = Math.floor(ctx.now() / 1000);
    const refuse = (why: string) =>
      new Problem(401, 'subject_token_refused', `The ID token was refused: ${why}.`, { field: '/subject_token' });
    if (typeof payload.nonce === 'string') {
      if (await ctx.store.takeNonce(sha256(payload.nonce), now)) return;
      if (ctx.config.OIDC_NONCE === 'required') throw refuse('its nonce is not one of ours, or was used before');
    } else if (ctx.config.OIDC_NONCE === 'required')
      throw refuse('it has no nonce; get one from POST /auth/nonce before the login');
    // Without a nonce of ours, each ID token buys one session.
    if (!(await ctx.store.first(`idt:${sha256(idToken)}`, payload.exp - now + 60, now)))
      throw refuse('it was used before');
  }

  async function forOpenId(body: TokenRequest, request: FastifyRequest) {
    if (!ctx.oidc)
      throw new Problem(400, 'unsupported_grant_type', 'This service does not exchange tokens.', {
        field: '/grant_type',
      });
    if (body.grant_type !== TOKEN_EXCHANGE)
      throw new Problem(400, 'unsupported_grant_type', `grant_type: expected ${TOKEN_EXCHANGE}`, {
        field: '/grant_type',
      });
    if (body.subject_token === undefined)
      throw new Problem(400, 'invalid_field', 'body/subject_token is missing', { field: '/subject_token' });
    if (body.subject_token_type !== ID_TOKEN && body.subject_token_type !== JWT_TYPE)
      throw new Problem(400, 'invalid_field', `subject_token_type: expected ${ID_TOKEN}`, {
        field: '/subject_token_type',
      });
    const payload = await ctx.oidc.verify(body.subject_token);
    await spendNonce(body.subject_token, payload);
    notAGuest(payload.sub, '/subject_token');
    // OpenID allows 255 characters; ours hold 128.
    const userId = payload.sub.length <= 120 ? payload.sub : sha256(payload.sub);
    const name = typeof payload.name === 'string' ? payload.name.slice(0, 64).toWellFormed() : body.name;
    const grants = narrow(oidcGrants(payload), body.grants);
    await takeUser(ctx, userId);
    const issued = await logIn(ctx, { userId, name, grants, method: 'oidc', via: ctx.config.OIDC_ISSUER }, request);
    return { ...issued, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
  }

  function oidcGrants(payload: JWTPayload): Grants {
    const claim = ctx.config.OIDC_GRANTS_CLAIM;
    let value: unknown = claim ? payload[claim] : undefined;
    if (value === undefined) return {};
    try {
      if (typeof value === 'string') value = JSON.parse(value);
    } catch {
      value = undefined;
    }
    if (Check(Grants, value)) return value;
    throw new Problem(403, 'grant_refused', `The claim ${claim} of the ID token does not hold grants.`, {
      field: '/subject_token',
    });
  }

  app.post<{ Body: TokenRequest }>(
    '/auth/token',
    {
      schema: {
        operationId: 'issueToken',
        summary: 'Get an access token and a refresh token',
        description:
          'As a guest (ACCESS open), as a backend with an API key on behalf of a user (api-key), or in exchange for an ID token (oidc, RFC 8693).',
        tags: ['tokens'],
        security: [{}, { apiKey: [] }],
        consumes: ['application/json', 'application/x-www-form-urlencoded'],
        body: TokenBody,
        response: { 200: Issued, ...problems(400, 403, 413, 415) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const { body } = request;
      try {
        if (request.apiKey) return await forBackend(body, request);
        if (body.grant_type !== undefined || body.subject_token !== undefined) return await forOpenId(body, request);
        if (access.has('open')) return await forGuest(body, request);
        throw new Problem(
          401,
          'credentials_required',
          `Send ${[...access].map((a) => (a === 'oidc' ? 'an ID token (token exchange)' : 'an API key')).join(' or ')}.`,
          {
            field: access.has('api-key') ? 'authorization' : '/subject_token',
          },
        );
      } catch (error) {
        if (error instanceof Problem && (error.status === 401 || error.status === 403))
          audit(request, {
            action: 'refuse',
            reason: error.code,
            ...(request.apiKey ? { keyId: request.apiKey.id } : {}),
          });
        throw error;
      }
    },
  );

  app.post(
    '/auth/nonce',
    {
      schema: {
        operationId: 'getNonce',
        summary: 'Get a nonce for an OpenID login',
        description: 'Put it into the authorization request; the ID token then carries it and can be exchanged once.',
        tags: ['tokens'],
        response: {
          200: Type.Object(
            { nonce: Type.String(), expires_at: Type.Integer({ description: 'Seconds since the epoch.' }) },
            { description: 'A nonce, good once.' },
          ),
          ...problems(400, 404, 413, 415),
        },
      },
    },
    async (_request, reply) => {
      if (!ctx.oidc) throw new Problem(404, 'not_found', 'This service does not take ID tokens.');
      const nonce = randomBytes(24).toString('base64url');
      const now = Math.floor(ctx.now() / 1000);
      await ctx.store.putNonce(sha256(nonce), NONCE_SECONDS, now);
      reply.header('cache-control', 'no-store');
      return { nonce, expires_at: now + NONCE_SECONDS };
    },
  );
}
