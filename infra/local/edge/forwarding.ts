/** Which requests the edge forwards, and to which service: the routes of the topology. */
import type http from 'node:http';
import { CAPTIONS_PATH } from '@tandem/protocol/captions';
import { ProblemError, refuseUpgrade, sendProblem } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import { topology } from '../../topology/index.ts';
import { answerHeaders, forwardRequest, forwardUpgrade, NoTargetError } from './proxy.ts';
import { pathOfTarget } from './request-target.ts';
import type { TargetPool } from './targets.ts';

const FORWARDED = ['auth', 'signaling', 'media', 'hooks'] as const;

export type TargetPools = Readonly<Record<(typeof FORWARDED)[number] | 'captions', TargetPool>>;

export interface ForwardingOptions {
  readonly pools: TargetPools;
  /** Connections to the services. */
  readonly agent: http.Agent;
  /** Whether clients reach the edge by https. */
  readonly encrypted: boolean;
}

/** Forwards every route of the services, with the body as it came. 503 with Retry-After while no node answers. */
export async function registerForwarding(
  app: FastifyInstance,
  { pools, agent, encrypted }: ForwardingOptions,
): Promise<void> {
  await app.register((scope, _options, registered) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    for (const name of FORWARDED) {
      for (const url of topology[name].routes.flatMap((prefix) => [prefix, `${prefix}/*`])) {
        scope.all(url, async (request, reply) => {
          const body = request.body instanceof Buffer ? request.body : undefined;
          try {
            const answer = await forwardRequest(pools[name], agent, request.raw, body, encrypted);
            return reply
              .code(answer.statusCode ?? 502)
              .headers(answerHeaders(answer))
              .send(answer);
          } catch (error) {
            if (!(error instanceof NoTargetError)) throw error;
            // Sent, not thrown: it is no failure of the edge that its log has to say for each request.
            const away = new ProblemError(503, 'unavailable', `${name} is away; try again soon.`, { retryAfter: 1 });
            return sendProblem(request, reply, away);
          }
        });
      }
    }
    registered();
  });
}

/**
 * Forwards WebSockets of signaling's routes and of captions, and refuses others.
 * @returns the open sockets, kept current
 */
export function forwardUpgrades(
  app: FastifyInstance,
  { captions, signaling }: TargetPools,
  encrypted: boolean,
): ReadonlySet<{ destroy(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  app.server.on('upgrade', (request, socket, head) => {
    // Node has taken its own listener away: without one a reset connection would end the process.
    socket.on('error', () => socket.destroy());
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    const path = pathOfTarget(request.url);
    if (path === CAPTIONS_PATH) forwardUpgrade(captions, request, socket, head, encrypted);
    else if (path !== undefined && topology.signaling.routes.some((prefix) => isUnder(prefix, path)))
      forwardUpgrade(signaling, request, socket, head, encrypted);
    else if (path === undefined) refuseUpgrade(socket, { status: 400, reason: 'bad-url' });
    else refuseUpgrade(socket, { status: 404, reason: 'not-found' });
  });
  return sockets;
}

/** `path` itself or below it. */
function isUnder(prefix: string, path: string): boolean {
  return path === prefix || path.startsWith(`${prefix}/`);
}
