/**
 * The HTTP side of HLS, below WHEP's address of the room. The playlist wants a token, each time: who is revoked learns of no further segment.
 * Segments and their parts are found by an id that only the playlist names, without a token, so that a cache in front can keep them for all viewers.
 */
import { isRoomId } from '@tandem/protocol';
import { createRateLimiter, ProblemError, type RedisClient } from '@tandem/service';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { REQUESTS_OF_ADDRESS } from '../../../hls-packager/src/hls-times.ts';
import { isFolderId, PLAYLIST } from '../../../hls-packager/src/shared-folder.ts';
import { authenticate, type Door, limitAddress, revoked } from '../streams/door.ts';
import { forward } from '../streams/forward.ts';
import { tellFailure } from '../streams/tell-failure.ts';
import type { Hls } from './hls.ts';
import { isEnd, isMediaFile, type Position } from './playlist.ts';

export interface HlsAppOptions {
  readonly door: Omit<Door, 'addresses'>;
  readonly hls: Pick<Hls, 'playlist' | 'file' | 'isMaking' | 'has'>;
  readonly redis: RedisClient;
  /** The node that the room was given to, when it is another one. @throws ProblemError 503 while that is unknown */
  readonly elsewhere: (room: string) => Promise<string | undefined>;
  /** A playlist was refused here with a status of 500 and more. */
  readonly failed: (code: string) => void;
}

/** What a browser may keep, and a cache in front: a segment never changes. */
const SEGMENT_CACHE = 'public, max-age=60, immutable';

/** Of playlists, and of parts and segments beside them. */
const PER_ADDRESS = { points: 3 * REQUESTS_OF_ADDRESS, seconds: 3 };

export function hlsRoutes(app: FastifyInstance, { hls, redis, elsewhere, failed, ...options }: HlsAppOptions): void {
  const door = { ...options.door, addresses: createRateLimiter('hls', PER_ADDRESS) };
  const files = { ...options.door, addresses: createRateLimiter('hls-files', PER_ADDRESS) };
  const url = `/whep/:room/hls/${PLAYLIST}`;
  const onError = tellFailure(failed);
  app.get<{ Params: { room: string } }>(url, { exposeHeadRoute: false, onError }, async (request, reply) => {
    const { claims, address } = await authenticate(request, door);
    const { room } = request.params;
    const position = positionOf(request.query);
    // One that moves stays here as long as there is something to show here.
    const node = hls.isMaking(room) ? undefined : await elsewhere(room).catch(() => undefined);
    const path = `/whep/${encodeURIComponent(room)}/hls/${PLAYLIST}${queryOf(position)}`;
    if (node !== undefined) return forward(request, reply, { redis, node, path });
    for (;;) {
      const playlist = await hls.playlist(room, { owner: claims, address, position });
      // The token may have been revoked while it was held.
      if (door.isRevoked(claims)) throw revoked();
      // Of one that moves it is the end at this node only; a player would ask for no more.
      const next = playlist === undefined || isEnd(playlist) ? await elsewhere(room) : undefined;
      if (next !== undefined) return forward(request, reply, { redis, node: next, path });
      if (playlist === undefined) continue;
      return reply.header('cache-control', 'no-cache').type('application/vnd.apple.mpegurl').send(playlist);
    }
  });
  app.options(url, async (_request, reply) => allow(reply).send());
  app.get<{ Params: { room: string; id: string; file: string } }>(
    '/whep/:room/hls/:id/:file',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const { room, id, file } = request.params;
      if (!isRoomId(room) || !isFolderId(id) || !isMediaFile(file))
        throw new ProblemError(404, 'not_found', 'There is no such segment.');
      const address = await limitAddress(request, files);
      const node = hls.has(room, id) ? undefined : await elsewhere(room).catch(() => undefined);
      const path = `/whep/${encodeURIComponent(room)}/hls/${id}/${file}`;
      if (node !== undefined) return forward(request, reply, { redis, node, path });
      const data = await hls.file(room, { id, name: file, address });
      return reply.header('cache-control', SEGMENT_CACHE).type('video/mp4').send(data);
    },
  );
}

/** Of RFC 8216bis, 6.2.5.2. Others are nothing to this node. @throws ProblemError 400 */
function positionOf(query: unknown): Position | undefined {
  const { _HLS_msn: sequence, _HLS_part: part } = query as Record<string, unknown>;
  const isNumber = (value: unknown) => typeof value === 'string' && /^\d{1,10}$/.test(value);
  const isGood =
    part === undefined ? sequence === undefined || isNumber(sequence) : isNumber(sequence) && isNumber(part);
  if (!isGood)
    throw new ProblemError(400, 'malformed', '_HLS_msn and _HLS_part are numbers, the second with the first.');
  if (sequence === undefined) return undefined;
  return { sequence: Number(sequence), part: part === undefined ? undefined : Number(part) };
}

function queryOf(position: Position | undefined): string {
  if (!position) return '';
  return `?_HLS_msn=${position.sequence}${position.part === undefined ? '' : `&_HLS_part=${position.part}`}`;
}

const allow = (reply: FastifyReply) =>
  reply
    .code(200)
    .header('allow', 'GET, OPTIONS')
    .header('access-control-allow-methods', 'GET, OPTIONS')
    .header('access-control-allow-headers', 'authorization')
    .header('access-control-max-age', '600');
