/** Webhook endpoints: their life, a test, another secret, what failed, and again. */
import { randomUUID } from 'node:crypto';
import type { BackendClaims } from '@tandem/protocol';
import { isRoomGrant } from '@tandem/protocol/names';
import { ProblemError, readTime, requireRoom } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { checkEndpointUrl, EndpointUrlError } from '../delivery/address-guard.ts';
import { covers, type Endpoint, MAX_ENDPOINTS, publicKeysOf } from '../endpoints.ts';
import { eventId } from '../events/room-fold.ts';
import { isQueueUrl } from '../queue-urls.ts';
import { listDeliveries, replay } from '../replay.ts';
import { type ApiParts, backendOf } from './backend.ts';
import * as schemas from './schemas.ts';

/** For a test: an answer before the server SDK gives up, after 10 s, as the edge of a development machine does, ms. */
const TEST_MS = 8000;
const scope = { config: { scope: 'webhooks:write' as const } };

export function endpointRoutes(api: FastifyInstance, parts: ApiParts): void {
  collectionRoutes(api, parts);
  itemRoutes(api, parts);
  secretRoutes(api, parts);
  deliveryRoutes(api, parts);
}

function collectionRoutes(api: FastifyInstance, { endpoints, ...parts }: ApiParts): void {
  api.post<{ Body: schemas.EndpointBody }>(
    '/webhook-endpoints',
    {
      ...scope,
      schema: schema(
        'Add an endpoint',
        { 201: schemas.EndpointCreated, ...schemas.problems(409) },
        { body: schemas.EndpointBody },
      ),
    },
    async (request, reply) => {
      const claims = backendOf(request);
      const { url, types = [], rooms = claims.rooms, description = '', signature = 'v1' } = request.body;
      checkUrl(url, parts);
      checkRooms(rooms, claims);
      const made = await endpoints.create({ url, types, rooms, description, signature });
      if (!made)
        throw new ProblemError(409, 'too_many_endpoints', `There may be ${MAX_ENDPOINTS} endpoints; remove one.`);
      return reply.code(201).send({ endpoint: shown(made.endpoint), secret: made.secret });
    },
  );
  api.get(
    '/webhook-endpoints',
    {
      ...scope,
      schema: schema('All endpoints of the rooms of the API key', { 200: schemas.EndpointList, ...schemas.problems() }),
    },
    async (request) => {
      const { rooms } = backendOf(request);
      return { endpoints: (await endpoints.all()).filter((one) => covers(rooms, one.rooms)).map(shown) };
    },
  );
}

function itemRoutes(api: FastifyInstance, { endpoints, ...parts }: ApiParts): void {
  const of = (request: FastifyRequest) => find(endpoints, request);
  const params = schemas.EndpointParams;
  const one = { 200: { $ref: 'WebhookEndpoint#' }, ...schemas.problems(404) };
  api.get(
    '/webhook-endpoints/:endpointId',
    { ...scope, schema: schema('One endpoint', one, { params }) },
    async (request) => shown(await of(request)),
  );
  api.patch<{ Body: schemas.EndpointPatch }>(
    '/webhook-endpoints/:endpointId',
    { ...scope, schema: schema('Change an endpoint', one, { params, body: schemas.EndpointPatch }) },
    async (request) => {
      const { id } = await of(request);
      const { url, rooms } = request.body;
      if (url !== undefined) checkUrl(url, parts);
      if (rooms !== undefined) checkRooms(rooms, backendOf(request));
      const changed = await endpoints.change(id, (present) => {
        if (!isFor(request, present)) throw noEndpoint();
        return { ...present, ...(request.body as Partial<Endpoint>) };
      });
      if (!changed) throw noEndpoint();
      return shown(changed);
    },
  );
  api.delete(
    '/webhook-endpoints/:endpointId',
    { ...scope, schema: schema('Remove an endpoint', { 204: schemas.Empty, ...schemas.problems(404) }, { params }) },
    async (request, reply) => {
      await endpoints.remove((await of(request)).id);
      return reply.code(204).send();
    },
  );
}

function secretRoutes(api: FastifyInstance, { endpoints, deliver }: ApiParts): void {
  const params = schemas.EndpointParams;
  const of = (request: FastifyRequest) => find(endpoints, request);
  api.post(
    '/webhook-endpoints/:endpointId/rotate-secret',
    {
      ...scope,
      schema: schema(
        'Another secret; the present one signs too for 24 h',
        { 200: schemas.SecretAnswer, ...schemas.problems(404) },
        { params },
      ),
    },
    async (request) => {
      const secret = await endpoints.rotate((await of(request)).id);
      if (secret === undefined) throw noEndpoint();
      return { secret };
    },
  );
  api.post(
    '/webhook-endpoints/:endpointId/test',
    {
      ...scope,
      schema: schema(
        'Send endpoint.test now',
        { 200: schemas.TestAnswer, ...schemas.problems(404) },
        { params, description: `Needs the scope webhooks:write. The receiver has ${TEST_MS / 1000} s to answer.` },
      ),
    },
    async (request) => {
      const endpoint = await of(request);
      const id = eventId('test', randomUUID());
      const body = JSON.stringify({ id, type: 'endpoint.test', timestamp: new Date().toISOString(), data: {} });
      const outcome = await deliver(endpoint, { id, room: '', body }, TEST_MS);
      switch (outcome.kind) {
        case 'accepted':
          return { delivered: true, status: outcome.status };
        case 'gone':
          return { delivered: false, reason: 'status_410' };
        case 'failed':
          return { delivered: false, reason: outcome.why };
        default:
          return outcome satisfies never;
      }
    },
  );
}

function deliveryRoutes(api: FastifyInstance, { redis, endpoints }: ApiParts): void {
  const params = schemas.EndpointParams;
  const of = (request: FastifyRequest) => find(endpoints, request);
  api.get<{ Querystring: schemas.DeliveryQuery }>(
    '/webhook-endpoints/:endpointId/deliveries',
    {
      ...scope,
      schema: schema(
        'What failed',
        { 200: schemas.DeliveryList, ...schemas.problems(404) },
        { params, querystring: schemas.DeliveryQuery },
      ),
    },
    async (request) => ({ deliveries: await listDeliveries(redis, await of(request), request.query.status) }),
  );
  api.post<{ Body: schemas.ReplayBody }>(
    '/webhook-endpoints/:endpointId/replay',
    {
      ...scope,
      schema: schema(
        'Send events of the log again',
        { 202: schemas.ReplayAnswer, ...schemas.problems(404) },
        { params, body: schemas.ReplayBody },
      ),
    },
    async (request, reply) => {
      const endpoint = await of(request);
      const { roomId, types, after, before } = request.body;
      if (roomId !== undefined) requireRoom(backendOf(request), roomId, 'roomId');
      const times = {
        after: timeOf('after', after),
        before: before === undefined ? undefined : timeOf('before', before),
      };
      return reply.code(202).send({ events: await replay(redis, endpoint, { ...times, types, roomId }) });
    },
  );
}

function schema(summary: string, response: object, more: object = {}) {
  return { tags: ['webhooks'], summary, description: 'Needs the scope webhooks:write.', ...more, response };
}

/** An endpoint of rooms beyond those of the API key does not exist for it. @throws ProblemError 404 */
async function find(endpoints: ApiParts['endpoints'], request: FastifyRequest): Promise<Endpoint> {
  const { endpointId } = request.params as schemas.EndpointParams;
  const endpoint = await endpoints.get(endpointId);
  if (!endpoint || !isFor(request, endpoint)) throw noEndpoint();
  return endpoint;
}

const isFor = (request: FastifyRequest, { rooms }: Endpoint) => covers(backendOf(request).rooms, rooms);
const noEndpoint = () => new ProblemError(404, 'not_found', 'There is no such endpoint.');

/** The schema's format has more than a time: a leap second, years before 1970. @throws ProblemError 400 */
function timeOf(field: string, text: string): number {
  const time = readTime(text);
  if (time !== undefined && time >= 0) return time;
  throw new ProblemError(400, 'invalid_field', `body/${field}: expected an RFC 3339 time since 1970`, {
    field: `/${field}`,
  });
}

function checkUrl(url: string, { queues, isPrivateAllowed }: Pick<ApiParts, 'queues' | 'isPrivateAllowed'>): void {
  if (queues.has(url)) return;
  try {
    if (isQueueUrl(url)) throw new EndpointUrlError('EVENT_QUEUES of the service does not name this queue');
    checkEndpointUrl(url, isPrivateAllowed);
  } catch (error) {
    if (!(error instanceof EndpointUrlError)) throw error;
    throw new ProblemError(400, 'invalid_field', `body/url: ${error.message}`, { field: '/url' });
  }
}

function checkRooms(rooms: readonly string[], { rooms: allowed }: BackendClaims): void {
  if (!rooms.every(isRoomGrant))
    throw new ProblemError(
      400,
      'invalid_field',
      'body/rooms: expected room ids (rule S-29), or such with a trailing *',
      {
        field: '/rooms',
      },
    );
  if (!covers(allowed, rooms))
    throw new ProblemError(403, 'room_refused', 'The API key is not for all of these rooms.', { field: '/rooms' });
}

/** Without its secrets. */
function shown(endpoint: Endpoint) {
  const { id, url, types, rooms, description, state, createdAt, signature = 'v1' } = endpoint;
  return { id, url, types, rooms, description, state, createdAt, signature, publicKeys: publicKeysOf(endpoint) };
}
