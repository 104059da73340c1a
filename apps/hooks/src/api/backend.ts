/** Who asks, how often it may, and what for. */
import type { ApiScope, BackendClaims } from '@tandem/protocol';
import {
  authenticateBackend,
  type BackendChecks,
  ipKey,
  ProblemError,
  type RateLimiter,
  type RedisClient,
  requireScope,
} from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { EventQueues } from '../delivery/event-queues.ts';
import type { Outcome } from '../delivery/send.ts';
import type { Endpoint, Endpoints } from '../endpoints.ts';
import type { RoomEvent } from '../events/room-fold.ts';

export interface ApiParts extends BackendChecks {
  readonly redis: RedisClient;
  readonly endpoints: Endpoints;
  /** That endpoints may name. */
  readonly queues: EventQueues;
  /** @param timeoutMs default: as long as a try may take */
  readonly deliver: (
    endpoint: Endpoint,
    event: Pick<RoomEvent, 'id' | 'room' | 'body'>,
    timeoutMs?: number,
  ) => Promise<Outcome>;
  readonly limiter: RateLimiter;
  readonly isDraining: () => boolean;
  readonly isPrivateAllowed: boolean;
  readonly maxStreams: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a backend token needs for this route. */
    scope?: ApiScope;
  }
  interface FastifyRequest {
    /** Of the backend token; set on every route of the server API. */
    backend: BackendClaims | undefined;
  }
}

/** Before each request: address, token, rate, scope. */
export function registerBackends(api: FastifyInstance, parts: ApiParts): void {
  api.decorateRequest('backend', undefined);
  api.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (parts.isDraining()) throw new ProblemError(503, 'draining', 'This task is about to stop.', { retryAfter: 1 });
    // A signature costs more than an answer: no address has any number of them checked.
    await take(parts.limiter, `ip ${ipKey(request.ip)}`);
    const claims = await authenticateBackend(request.headers.authorization, parts);
    request.backend = claims;
    await take(parts.limiter, `key ${claims.sub}`);
    const { scope } = request.routeOptions.config;
    if (scope) requireScope(claims, scope);
  });
}

async function take(limiter: RateLimiter, name: string): Promise<void> {
  const wait = await limiter.take(name);
  if (wait !== undefined)
    throw new ProblemError(429, 'rate_limited', `Too many requests; wait ${wait} s.`, { retryAfter: wait });
}

/** The claims of a request that passed. */
export function backendOf(request: FastifyRequest): BackendClaims {
  if (!request.backend) throw new Error('a route of the server API outside of its scope');
  return request.backend;
}
