/** What anybody may read: keys, the API description; and the feed for signaling where there is no Redis. */
import { ProblemError, REVOCATION_FEED_HOLD_MS, REVOCATION_FEED_PATH } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { AuthContext } from '../context.ts';
import type { MemoryStore } from '../store/memory.ts';
import { problems } from './schemas.ts';

export function publicRoutes(app: FastifyInstance, ctx: AuthContext): void {
  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        operationId: 'jwks',
        summary: 'Public keys (RFC 7517)',
        description: 'A key stands here well before it signs, and until its last token has expired.',
        tags: ['keys'],
        response: {
          200: Type.Object(
            { keys: Type.Array(Type.Unsafe<object>({ type: 'object', additionalProperties: true })) },
            { description: 'JWK set.' },
          ),
          ...problems(),
        },
      },
    },
    // 5 minutes: a third of the time a key is published ahead.
    (_request, reply) => reply.header('cache-control', 'public, max-age=300').send(ctx.keys.jwks()),
  );

  app.get('/auth/openapi.json', { schema: { hide: true } }, () => app.swagger());
  app.get('/auth/openapi.yaml', { schema: { hide: true } }, (_request, reply) =>
    reply.type('application/yaml').send(app.swagger({ yaml: true })),
  );

  if (ctx.store.kind !== 'memory') return;
  const store = ctx.store as MemoryStore;
  const closing = new AbortController();
  app.addHook('preClose', async () => closing.abort());
  app.get<{ Querystring: { after?: string } }>(
    REVOCATION_FEED_PATH,
    { schema: { hide: true }, logLevel: 'silent' },
    async (request) => {
      const address = request.socket.remoteAddress ?? '';
      const loopback = address === '::1' || /^(::ffff:)?127\./.test(address);
      // Behind a proxy everybody comes from loopback; a proxy says so in this header.
      if (!loopback || request.headers['x-forwarded-for'] !== undefined || request.headers.forwarded !== undefined)
        throw new ProblemError(404, 'not_found', 'Nothing is served at this method and path.');
      const { after = '' } = request.query;
      const feed = store.feed(after);
      // The first question, or there is news; otherwise the answer waits for it.
      if (feed.cursor !== after) return feed;
      await store.nextRevocation(AbortSignal.any([closing.signal, AbortSignal.timeout(REVOCATION_FEED_HOLD_MS)]));
      return store.feed(after);
    },
  );
}
