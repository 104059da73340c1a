/** `GET /auth/ice-servers`: what RTCPeerConnection needs to find a relay. */
import { pickTurnNodes, turnUris } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { audit } from '../audit.ts';
import { refuseRevoked, requireBearer } from '../authenticate.ts';
import type { AuthContext } from '../context.ts';
import { takeUser, userLimitKey } from '../limits.ts';
import { turnCredentials } from '../turn.ts';
import { bearer, problems } from './schemas.ts';

/** Browsers gather slower with each server; past four or five they warn. */
const MAX_URIS = 3;

export function iceServerRoutes(app: FastifyInstance, ctx: AuthContext): void {
  const { settings, config } = ctx;
  app.get<{ Querystring: { zone?: string } }>(
    '/auth/ice-servers',
    {
      schema: {
        operationId: 'iceServers',
        summary: 'ICE servers with time-limited credentials',
        description:
          'Give `iceServers` to RTCPeerConnection; fetch anew before `expires_at` and before an ICE restart.',
        tags: ['relay'],
        security: bearer,
        querystring: Type.Object({
          zone: Type.Optional(Type.String({ maxLength: 64, description: 'Availability zone to prefer.' })),
        }),
        response: {
          200: Type.Object(
            {
              iceServers: Type.Array(
                Type.Object({
                  urls: Type.Array(Type.String()),
                  username: Type.Optional(Type.String()),
                  credential: Type.Optional(Type.String()),
                }),
                { description: 'At most three URIs: udp, tcp, tls.' },
              ),
              ttl: Type.Integer({ description: 'Seconds.' }),
              expires_at: Type.Integer({ description: 'Seconds since the epoch.' }),
            },
            { description: 'ICE servers; empty where there is no relay.' },
          ),
          ...problems(400),
        },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      const claims = await requireBearer(ctx, request);
      await takeUser(ctx, userLimitKey(ctx, claims));
      const nodes = await ctx.turnNodes();
      // From here on without an await: relays end what was made before a revocation, by its expiry.
      refuseRevoked(ctx, claims);
      // A login in the very second of a revocation has an `iat` after it, and so have its credentials.
      const expiresAt = Math.max(Math.floor(ctx.now() / 1000), claims.iat) + config.TURN_TTL_SECONDS;
      const fromDirectory = turnUris(pickTurnNodes(nodes, request.query.zone ?? config.ZONE));
      const uris = (fromDirectory.length > 0 ? fromDirectory : settings.turnUris).slice(0, MAX_URIS);
      const secret = ctx.turnSecret();
      const iceServers: { urls: string[]; username?: string; credential?: string }[] = [];
      if (uris.length > 0 && secret !== undefined) {
        // A TURN server is a STUN server too, so no URI is spent on STUN.
        iceServers.push({
          urls: [...uris],
          ...turnCredentials(settings.access, claims, secret, expiresAt),
        });
        audit(request, { action: 'turn', sub: claims.sub, sessionId: claims.session_id });
      } else if (settings.stunUris.length > 0) iceServers.push({ urls: settings.stunUris.slice(0, 2) });
      return { iceServers, ttl: config.TURN_TTL_SECONDS, expires_at: expiresAt };
    },
  );
}
