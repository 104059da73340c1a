/** `POST /auth/token`: who may have a token. Each way to one is a file of its own. */
import { ProblemError } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { audit } from '../../audit.ts';
import type { AuthContext } from '../../context.ts';
import type { IssuedToken } from '../../issue-session.ts';
import { BackendToken, Issued, problems, TokenBody } from '../schemas.ts';
import { apiKeyGrant } from './api-key-grant.ts';
import { type BackendTokenAnswer, clientCredentialsGrant } from './client-credentials-grant.ts';
import { guestGrant } from './guest-grant.ts';
import { idTokenGrant } from './id-token-grant.ts';
import { refuseUnknownFields, type TokenRequest } from './request.ts';

export function tokenRoute(app: FastifyInstance, ctx: AuthContext): void {
  app.post<{ Body: TokenRequest }>(
    '/auth/token',
    {
      schema: {
        operationId: 'issueToken',
        summary: 'Get an access token and a refresh token',
        description:
          'As a guest (ACCESS open), as a backend with an API key on behalf of a user (api-key), or in exchange for an ID token (oidc, RFC 8693). With grant_type client_credentials a backend gets a token of its own, for the server API.',
        tags: ['tokens'],
        security: [{}, { apiKey: [] }],
        consumes: ['application/json', 'application/x-www-form-urlencoded'],
        body: TokenBody,
        response: { 200: Type.Union([Issued, BackendToken]), ...problems(400, 403, 413, 415) },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      try {
        return await grant(ctx, request);
      } catch (error) {
        if (error instanceof ProblemError && (error.status === 401 || error.status === 403))
          audit(request, {
            action: 'refuse',
            reason: error.code,
            ...(request.apiKey ? { keyId: request.apiKey.id } : {}),
          });
        throw error;
      }
    },
  );
}

const CLIENT_CREDENTIALS = 'client_credentials';

async function grant(
  ctx: AuthContext,
  request: FastifyRequest<{ Body: TokenRequest }>,
): Promise<IssuedToken | BackendTokenAnswer> {
  const { body, apiKey } = request;
  if (body.grant_type === CLIENT_CREDENTIALS) return clientCredentialsGrant(ctx, body, request);
  const isExchange = body.grant_type !== undefined || body.subject_token !== undefined;
  if (!apiKey && isExchange) return idTokenGrant(ctx, body, request);
  refuseUnknownFields(body);
  if (apiKey) return apiKeyGrant(ctx, apiKey, body, request);
  const { access } = ctx.settings;
  if (access.has('open')) return guestGrant(ctx, body, request);
  const ways = [...access].map((a) => (a === 'oidc' ? 'an ID token (token exchange)' : 'an API key'));
  throw new ProblemError(401, 'credentials_required', `Send ${ways.join(' or ')}.`, {
    field: access.has('api-key') ? 'authorization' : '/subject_token',
  });
}
