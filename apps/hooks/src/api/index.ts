/** The part of `/v1` that this service serves: the feed of events, and webhook endpoints. */
import { ProblemDetails, registerProblems } from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import { type ApiParts, registerBackends } from './backend.ts';
import { endpointRoutes } from './endpoints.ts';
import { EventStreams, eventRoutes } from './events.ts';
import { WebhookEndpoint } from './schemas.ts';

/** Of a request's body, bytes. */
const BODY_LIMIT = 16_384;

/** @returns the open event streams */
export async function registerApi(app: FastifyInstance, parts: ApiParts): Promise<EventStreams> {
  const streams = new EventStreams(parts.redis, parts.revocations, parts.maxStreams);
  const routes = (api: FastifyInstance, _options: object, registered: () => void) => {
    registerProblems(api);
    for (const schema of [ProblemDetails, WebhookEndpoint]) api.addSchema(schema);
    api.addHook('onRoute', (route) => {
      route.bodyLimit ??= BODY_LIMIT;
    });
    registerBackends(api, parts);
    eventRoutes(api, parts.redis, streams);
    endpointRoutes(api, parts);
    registered();
  };
  await app.register(routes, { prefix: '/v1' });
  return streams;
}
