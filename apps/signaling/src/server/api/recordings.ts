/** `/v1/rooms/{roomId}/recordings`: begun, ended, listed, fetched and deleted by a backend, or by people with the grant `record`. */
import { callNode, ProblemError } from '@tandem/service';
import {
  awaitEnd,
  beginRecording,
  endRecording,
  newRecordingId,
  prefixOf,
  type RecordingDocument,
  readRunning,
  waitingOf,
} from '@tandem/service/recordings';
import type { FastifyInstance, FastifyReply } from 'fastify';
import Type from 'typebox';
import { isMediaPeer } from '../../backplane/types.ts';
import type { MemberInfo } from '../../core/model.ts';
import type { SignalingNode } from '../../core/node.ts';
import { backendOf } from './backend.ts';
import {
  etagOfRecording,
  isBeingWritten,
  listRecordings,
  type RecordingParts,
  readRecording,
} from './recording-records.ts';
import {
  FileLink,
  FileParams,
  FileQuery,
  type Recording,
  RecordingPage,
  RecordingParams,
  RecordingQuery,
  RecordingStart,
} from './recording-schemas.ts';
import { Empty, problems, RoomParams } from './schemas.ts';

const tags = ['recordings'];
const RecordingRef = Type.Ref('Recording#');
const read = { scope: 'recordings:read', people: 'record' } as const;
const write = { scope: 'recordings:write', people: 'record' } as const;
/** How long a signed address is good, s. */
const URL_SECONDS = 300;

interface Api {
  readonly node: SignalingNode;
  /** Undefined: this deployment keeps no recordings. */
  readonly parts: RecordingParts | undefined;
}

export function recordingRoutes(api: FastifyInstance, node: SignalingNode, parts: RecordingParts | undefined): void {
  startRoute(api, { node, parts });
  listRoutes(api, { node, parts });
  stopRoute(api, { node, parts });
  fileRoute(api, { node, parts });
  deleteRoute(api, { node, parts });
}

/** @throws ProblemError 404 where nothing is recorded */
function partsOf({ parts }: Api): RecordingParts {
  if (!parts) throw new ProblemError(404, 'recordings_off', 'Nothing is recorded here: RECORDINGS is not set.');
  return parts;
}

function answer(reply: FastifyReply, recording: Recording): FastifyReply {
  return reply.header('etag', etagOfRecording(recording)).send(recording);
}

/** @throws ProblemError 404 */
async function known(parts: RecordingParts, { roomId, recordingId }: RecordingParams): Promise<Recording> {
  const recording = await readRecording(parts, roomId, recordingId);
  if (recording) return recording;
  throw new ProblemError(404, 'recording_unknown', 'There is no such recording of that room.', {
    field: '/recordingId',
  });
}

function startRoute(api: FastifyInstance, { node, parts }: Api): void {
  api.post<{ Params: RoomParams; Querystring: RecordingStart }>(
    '/rooms/:roomId/recordings',
    {
      config: write,
      schema: {
        operationId: 'startRecording',
        summary: 'Record a room',
        description:
          'Everybody in it sees that it is recorded. It goes to a media node, if it is with none. A room that is recorded already is answered 200 with that recording, so asking again is harmless. 409 `room_empty`, `room_encrypted`: there is nothing to record.',
        tags,
        params: RoomParams,
        querystring: RecordingStart,
        response: { 200: RecordingRef, 201: RecordingRef, ...problems(404, 409) },
      },
    },
    async (request, reply) => {
      const { roomId } = request.params;
      const own = partsOf({ node, parts });
      await checkRecordable(node, roomId);
      const { id, isNew } = await start(own, roomId, { startedBy: backendOf(request).sub, ...request.query });
      const path = `/v1/rooms/${encodeURIComponent(roomId)}/recordings/${id}`;
      reply.code(isNew ? 201 : 200).header('location', path);
      return answer(reply, await known(own, { roomId, recordingId: id }));
    },
  );
}

/** @throws ProblemError 409 */
async function checkRecordable(node: SignalingNode, roomId: string): Promise<void> {
  const people = (await node.admin.members(roomId)).filter(({ peerId }) => !isMediaPeer(peerId));
  if (people.length === 0)
    throw new ProblemError(409, 'room_empty', 'The room is empty: record it once somebody is in it.', {
      field: '/roomId',
    });
  const isSealed = people.some(({ info }) => {
    const { metadata } = JSON.parse(info) as MemberInfo;
    return (metadata as { encryption?: unknown } | undefined)?.encryption !== undefined;
  });
  if (isSealed)
    throw new ProblemError(409, 'room_encrypted', 'The room is encrypted end to end: no server can record it.', {
      field: '/roomId',
    });
}

async function start(
  parts: RecordingParts,
  roomId: string,
  { startedBy, layout }: Pick<RecordingDocument, 'startedBy' | 'layout'>,
): Promise<{ id: string; isNew: boolean }> {
  const { redis, store, isTold } = parts;
  const mine = { id: newRecordingId(), startedAt: Date.now(), startedBy };
  const running = await beginRecording(redis, roomId, mine);
  const { id } = running;
  // Of one that has no document the beginning was cut short: a node may record it, and no request would find it or end it.
  if (id !== mine.id && (await readRecording(parts, roomId, id))) return { id, isNew: false };
  const prefix = prefixOf(roomId, id);
  try {
    await store.put(`${waitingOf(prefix)}begun`, '');
    await store.put(`${prefix}recording.json`, JSON.stringify({ ...running, roomId, layout }));
    if (isTold) await awaitEnd(redis, { roomId, id });
    if (await callNode(redis, roomId)) return { id, isNew: id === mine.id };
    throw new ProblemError(503, 'no_media_node', 'No media node takes rooms now.', { retryAfter: 5 });
  } catch (error) {
    await endRecording(redis, roomId, id).catch(() => {});
    for (const kept of [prefix, waitingOf(prefix)]) await store.remove(kept).catch(() => {});
    throw error;
  }
}

function listRoutes(api: FastifyInstance, own: Api): void {
  api.get<{ Params: RoomParams; Querystring: RecordingQuery }>(
    '/rooms/:roomId/recordings',
    {
      config: read,
      schema: {
        operationId: 'listRecordings',
        summary: 'Recordings of a room',
        description: 'Also of rooms of that name that are over.',
        tags,
        params: RoomParams,
        querystring: RecordingQuery,
        response: { 200: RecordingPage, ...problems(404) },
      },
    },
    ({ params: { roomId }, query }) => listRecordings(partsOf(own), roomId, query),
  );
  api.get<{ Params: RecordingParams }>(
    '/rooms/:roomId/recordings/:recordingId',
    {
      config: read,
      schema: {
        operationId: 'getRecording',
        summary: 'Look at a recording',
        tags,
        params: RecordingParams,
        response: { 200: RecordingRef, ...problems(404) },
      },
    },
    async ({ params }, reply) => answer(reply, await known(partsOf(own), params)),
  );
}

function stopRoute(api: FastifyInstance, own: Api): void {
  api.post<{ Params: RecordingParams }>(
    '/rooms/:roomId/recordings/:recordingId/stop',
    {
      config: write,
      schema: {
        operationId: 'stopRecording',
        summary: 'End a recording',
        description: 'One that is over is answered the same, so asking again is harmless. Its files are made then.',
        tags,
        params: RecordingParams,
        response: { 200: RecordingRef, ...problems(404) },
      },
    },
    async ({ params }, reply) => {
      const parts = partsOf(own);
      await known(parts, params);
      await endRecording(parts.redis, params.roomId, params.recordingId);
      return answer(reply, await known(parts, params));
    },
  );
}

function fileRoute(api: FastifyInstance, own: Api): void {
  api.get<{ Params: FileParams; Querystring: FileQuery }>(
    '/rooms/:roomId/recordings/:recordingId/files/:name',
    {
      config: read,
      schema: {
        operationId: 'getRecordingFile',
        summary: 'Fetch a file of a recording',
        description: `The file, or a redirect to an address that is good for ${URL_SECONDS} s, as the place of the recordings has it.`,
        tags,
        params: FileParams,
        querystring: FileQuery,
        response: {
          200: {
            description: 'The file; with `link=true`, where it has an address, that one.',
            content: {
              'application/octet-stream': { schema: { type: 'string' } },
              'application/json': { schema: FileLink },
            },
          },
          303: { description: 'Where it is.', type: 'null' },
          ...problems(404),
        },
      },
    },
    async ({ params, query }, reply) => {
      const parts = partsOf(own);
      const { files } = await known(parts, params);
      const file = files.find(({ name }) => name === params.name);
      const key = `${prefixOf(params.roomId, params.recordingId)}${params.name}`;
      const fileName = `${params.recordingId}-${params.name}`;
      const unknown = () =>
        new ProblemError(404, 'file_unknown', 'That recording has no such file.', { field: '/name' });
      if (!file) throw unknown();
      const url = await parts.store.url(key, { fileName, seconds: URL_SECONDS });
      if (url !== undefined && query.link) return reply.type('application/json').send({ url, seconds: URL_SECONDS });
      if (url !== undefined) return reply.code(303).header('location', url).send(null);
      const body = await parts.store.read(key);
      if (!body) throw unknown();
      return reply
        .header('content-disposition', `attachment; filename="${fileName}"`)
        .header('x-content-type-options', 'nosniff')
        .header('content-length', file.bytes)
        .type('application/octet-stream')
        .serializer((payload: unknown) => payload as string)
        .send(body);
    },
  );
}

function deleteRoute(api: FastifyInstance, own: Api): void {
  api.delete<{ Params: RecordingParams }>(
    '/rooms/:roomId/recordings/:recordingId',
    {
      config: write,
      schema: {
        operationId: 'deleteRecording',
        summary: 'Delete a recording with all its files',
        description: 'With If-Match only if it is as at that ETag. One that is not over is 409 `recording_running`.',
        tags,
        params: RecordingParams,
        headers: Type.Object({ 'if-match': Type.Optional(Type.String({ maxLength: 100 })) }),
        response: { 204: Empty, ...problems(404, 409, 412) },
      },
    },
    async ({ params, headers }, reply) => {
      const parts = partsOf(own);
      const recording = await known(parts, params);
      const match = headers['if-match'];
      if (match !== undefined && match !== '*' && match !== etagOfRecording(recording))
        throw new ProblemError(412, 'etag_mismatch', 'The recording has changed since that ETag: read it again.', {
          field: 'if-match',
        });
      const running = await readRunning(parts.redis, params.roomId);
      const { roomId, recordingId } = params;
      if (running?.id === recordingId || (await isBeingWritten(parts, roomId, recordingId)))
        throw new ProblemError(409, 'recording_running', 'It is still being recorded: stop it, and try again soon.');
      // What is not removed can be asked for again: it is known by that file.
      await parts.store.remove(prefixOf(params.roomId, params.recordingId), 'recording.json');
      return reply.code(204).send();
    },
  );
}
