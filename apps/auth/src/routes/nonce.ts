/** `POST /auth/nonce`: binds an OpenID login to one exchange. */
import { randomBytes } from 'node:crypto';
import { ProblemError } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { AuthContext } from '../context.ts';
import { sha256 } from '../refresh-token.ts';
import { problems } from './schemas.ts';

const NONCE_SECONDS = 600;

export function nonceRoute(app: FastifyInstance, ctx: AuthContext): void {
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
      if (!ctx.oidc) throw new ProblemError(404, 'not_found', 'This service does not take ID tokens.');
      const nonce = randomBytes(24).toString('base64url');
      const now = Math.floor(ctx.now() / 1000);
      await ctx.store.putNonce(sha256(nonce), NONCE_SECONDS, now);
      reply.header('cache-control', 'no-store');
      return { nonce, expires_at: now + NONCE_SECONDS };
    },
  );
}
