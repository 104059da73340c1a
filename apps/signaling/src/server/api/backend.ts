/** Who asks the server API, how often it may, and what for. */
import type { ApiScope, BackendClaims } from '@tandem/protocol';
import {
  authenticateBackend,
  clientAddress,
  ipKey,
  type LoadShedder,
  ProblemError,
  type RevocationWatch,
  requireRoom,
  requireScope,
  type TokenVerifier,
} from '@tandem/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SignalingNode } from '../../core/node.ts';
import { BURST_SECONDS, Buckets } from '../token-bucket.ts';
import { authenticateRecorder } from './bearer.ts';

export interface BackendOptions {
  readonly node: SignalingNode;
  readonly shedder: Pick<LoadShedder, 'admitDeferrable'>;
  readonly verifier: Pick<TokenVerifier, 'verify' | 'verifyBackend'>;
  readonly revocations: Pick<RevocationWatch, 'isRevoked'>;
  readonly trustedProxies: number;
  /** Sustained, of one API key on this node; bursts of three seconds pass. */
  readonly requestsPerSecond: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a backend token needs for this route. */
    scope?: ApiScope;
    /** Also for people whose access token has this grant. Default: for backends alone. */
    people?: 'record';
  }
  interface FastifyRequest {
    /** Of the backend token; set on every route of the server API. */
    backend: BackendClaims | undefined;
  }
}

/** Before each request of the scope: load, address, token, rate, scope, room. */
export function registerBackends(scope: FastifyInstance, options: BackendOptions): void {
  const { node, shedder, requestsPerSecond } = options;
  const addresses = new Buckets(requestsPerSecond * 2);
  const keys = new Buckets(requestsPerSecond);
  scope.decorateRequest('backend', undefined);
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    if (node.draining) throw new ProblemError(503, 'draining', 'This node is about to stop.', { retryAfter: 1 });
    const verdict = shedder.admitDeferrable();
    if (!verdict.admit)
      throw new ProblemError(503, 'overloaded', `The node is busy (${verdict.reason}); calls come first.`, {
        retryAfter: verdict.retryAfter,
      });
    const now = node.clock.now();
    // A signature costs more than an answer: no address has any number of them checked.
    const crowd = addresses.of(ipKey(clientAddress(request.raw, options.trustedProxies)), now).take(now);
    if (crowd > 0) throw limited(crowd, 'network address');
    const { people } = request.routeOptions.config;
    const authenticate = people === 'record' ? authenticateRecorder : authenticateBackend;
    const claims = await authenticate(request.headers.authorization, options);
    request.backend = claims;
    const bucket = keys.of(claims.sub, now);
    const wait = bucket.take(now);
    rateHeaders(reply, requestsPerSecond, bucket.left(now));
    if (wait > 0) throw limited(wait, 'API key');
    authorize(request, claims);
  });
}

function authorize(request: FastifyRequest, claims: BackendClaims): void {
  const { scope } = request.routeOptions.config;
  if (scope) requireScope(claims, scope);
  const { roomId } = request.params as { roomId?: string };
  if (roomId !== undefined) requireRoom(claims, roomId, 'roomId');
}

/** The claims of a request that passed. */
export function backendOf(request: FastifyRequest): BackendClaims {
  if (!request.backend) throw new Error('a route of the server API outside of its scope');
  return request.backend;
}

function limited(waitMs: number, what: string): ProblemError {
  const retryAfter = Math.max(1, Math.ceil(waitMs / 1000));
  return new ProblemError(429, 'rate_limited', `Too many requests of this ${what}; wait ${retryAfter} s.`, {
    retryAfter,
  });
}

/** draft-ietf-httpapi-ratelimit-headers: the quota of a burst, what is left of it, and when all of it is there again. */
function rateHeaders(reply: FastifyReply, perSecond: number, left: number): void {
  const quota = perSecond * BURST_SECONDS;
  reply.header('ratelimit-policy', `"api-key";q=${quota};w=${BURST_SECONDS}`);
  reply.header('ratelimit', `"api-key";r=${Math.floor(left)};t=${Math.ceil((quota - left) / perSecond)}`);
}
