/** `/v1/rooms`: what a backend decides about rooms. */
import { randomBytes } from 'node:crypto';
import { type BackendClaims, isRoomId } from '@tandem/protocol';
import { ProblemError, requireRoom } from '@tandem/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { RoomDescription } from '../../backplane/room-settings.ts';
import type { Backplane } from '../../backplane/types.ts';
import type { SignalingNode } from '../../core/node.ts';
import { backendOf } from './backend.ts';
import {
  documentOf,
  etagOf,
  patched,
  type RoomDocument,
  represent,
  requestHash,
  settingsOf,
  sha256,
} from './room-document.ts';
import { listPage } from './room-list.ts';
import { Empty, problems, RoomBody, RoomPage, RoomParams, RoomPatch, RoomQuery } from './schemas.ts';

/** Tries of a change without a condition, when others change the room at the same time. */
const MAX_TRIES = 5;
const RoomRef = Type.Ref('Room#');
const tags = ['rooms'];

export function roomRoutes(api: FastifyInstance, node: SignalingNode): void {
  const { backplane } = node;
  createRoute(api, backplane);
  listRoute(api, backplane);
  readRoute(api, backplane);
  changeRoute(api, backplane);
  endRoute(api, node);
}

function createRoute(api: FastifyInstance, backplane: Backplane): void {
  api.post<{ Body: RoomBody }>(
    '/rooms',
    {
      config: { scope: 'rooms:write' },
      schema: {
        operationId: 'createRoom',
        summary: 'Create a room',
        description:
          'With the same Idempotency-Key and body again it answers 200 with that room; a room of that name that was created otherwise is 409.',
        tags,
        headers: Type.Object({
          'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
        }),
        body: RoomBody,
        response: { 200: RoomRef, 201: RoomRef, ...problems(409, 413, 415, 422) },
      },
    },
    async (request, reply) => {
      const { created, roomId, description } = await createRoom(backplane, request);
      return reply
        .code(created ? 201 : 200)
        .header('location', `/v1/rooms/${encodeURIComponent(roomId)}`)
        .header('etag', etagOf(description))
        .send(represent(roomId, description));
    },
  );
}

function listRoute(api: FastifyInstance, backplane: Backplane): void {
  api.get<{ Querystring: RoomQuery }>(
    '/rooms',
    {
      config: { scope: 'rooms:read' },
      schema: {
        operationId: 'listRooms',
        summary: 'List rooms that are in use or were created',
        tags,
        querystring: RoomQuery,
        response: { 200: RoomPage, ...problems() },
      },
    },
    (request) => listPage(backplane, backendOf(request), request.query),
  );
}

function readRoute(api: FastifyInstance, backplane: Backplane): void {
  api.get<{ Params: RoomParams }>(
    '/rooms/:roomId',
    {
      config: { scope: 'rooms:read' },
      schema: {
        operationId: 'getRoom',
        summary: 'Look at a room',
        description: '`ETag` is that of its settings: people who come and go leave it as it is.',
        tags,
        params: RoomParams,
        response: { 200: RoomRef, ...problems(404) },
      },
    },
    async ({ params: { roomId } }, reply) => {
      const description = await describe(backplane, roomId);
      return reply.header('etag', etagOf(description)).send(represent(roomId, description));
    },
  );
}

function changeRoute(api: FastifyInstance, backplane: Backplane): void {
  api.patch<{ Params: RoomParams; Body: RoomPatch }>(
    '/rooms/:roomId',
    {
      config: { scope: 'rooms:write' },
      schema: {
        operationId: 'updateRoom',
        summary: 'Change the settings of a room',
        description: 'With If-Match only if they are those of that ETag. A room that was only joined gets settings.',
        tags,
        consumes: ['application/merge-patch+json', 'application/json'],
        params: RoomParams,
        headers: Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 100 })) }),
        body: RoomPatch,
        response: { 200: RoomRef, ...problems(404, 412, 413, 415) },
      },
    },
    async (request, reply) => {
      const { roomId } = request.params;
      const description = await changeRoom(backplane, request);
      return reply.header('etag', etagOf(description)).send(represent(roomId, description));
    },
  );
}

function endRoute(api: FastifyInstance, node: SignalingNode): void {
  api.delete<{ Params: RoomParams }>(
    '/rooms/:roomId',
    {
      config: { scope: 'rooms:write' },
      schema: {
        operationId: 'closeRoom',
        summary: 'End a room: all are removed (close code 4009) and its settings go',
        tags,
        params: RoomParams,
        response: { 204: Empty, ...problems(404) },
      },
    },
    async ({ params: { roomId } }, reply) => {
      await describe(node.backplane, roomId);
      await node.admin.forgetRoom(roomId);
      return reply.code(204).send();
    },
  );
}

/** @throws ProblemError 404 */
export async function describe(backplane: Backplane, roomId: string): Promise<RoomDescription> {
  const [description] = await backplane.describeRooms([roomId]);
  if (!description)
    throw new ProblemError(404, 'room_unknown', 'There is no such room: it is empty, and it was not created.', {
      field: '/roomId',
    });
  return description;
}

async function createRoom(backplane: Backplane, request: FastifyRequest<{ Body: RoomBody }>) {
  const claims = backendOf(request);
  const { roomId: wanted, ...settings } = request.body;
  const key = request.headers['idempotency-key'];
  const identity = key === undefined ? undefined : sha256(`${claims.sub} ${String(key)}`);
  const roomId = wanted ?? newRoomId(claims, identity);
  requireRoom(claims, roomId, 'roomId');
  const doc: RoomDocument = {
    ...settings,
    createdAt: new Date().toISOString(),
    createdBy: claims.sub,
    ...(identity === undefined ? {} : { request: { key: identity, body: requestHash(request.body) } }),
  };
  const written = await backplane.writeSettings(roomId, settingsOf(doc, Date.now()), 'new');
  const description = await describe(backplane, roomId);
  if (written.kind === 'written') return { created: true, roomId, description };
  const earlier = documentOf(description)?.request;
  if (identity === undefined || earlier?.key !== identity)
    throw new ProblemError(409, 'room_exists', 'That room was created already: PATCH it.', { field: '/roomId' });
  if (earlier.body !== doc.request?.body)
    throw new ProblemError(422, 'idempotency_key_reused', 'That Idempotency-Key was used with another body.', {
      field: 'idempotency-key',
    });
  return { created: false, roomId, description };
}

/** A name that cannot be guessed; the same for the same request again. */
function newRoomId({ rooms }: BackendClaims, identity: string | undefined): string {
  const name =
    identity === undefined ? randomBytes(13).toString('hex') : Buffer.from(identity, 'base64url').toString('hex');
  const prefixes = rooms.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1));
  const roomId = prefixes.map((prefix) => `${prefix}${name.slice(0, 26)}`).find(isRoomId);
  if (roomId !== undefined) return roomId;
  const why =
    prefixes.length === 0
      ? 'this API key is for single rooms'
      : 'what this API key’s rooms begin with leaves no space for a generated name';
  throw new ProblemError(400, 'invalid_field', `body/roomId is missing: ${why}`, { field: '/roomId' });
}

async function changeRoom(
  backplane: Backplane,
  request: FastifyRequest<{ Params: RoomParams; Body: RoomPatch }>,
): Promise<RoomDescription> {
  const { roomId } = request.params;
  const match = request.headers['if-match'];
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const before = await describe(backplane, roomId);
    if (match !== undefined && match !== '*' && match !== etagOf(before)) throw stale();
    const fresh = { createdAt: new Date().toISOString(), createdBy: backendOf(request).sub };
    const doc = patched(documentOf(before) ?? fresh, request.body);
    const condition = before.settings?.revision ?? 'new';
    const { kind } = await backplane.writeSettings(roomId, settingsOf(doc, Date.now()), condition);
    if (kind === 'written') return describe(backplane, roomId);
    if (match !== undefined && match !== '*') throw stale();
  }
  throw new ProblemError(409, 'conflict', 'Others change this room at the same time; try again.', { retryAfter: 1 });
}

const stale = () =>
  new ProblemError(412, 'etag_mismatch', 'The settings have changed since that ETag: read the room again.', {
    field: 'if-match',
  });
