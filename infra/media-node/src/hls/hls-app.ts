/**
 * The HTTP side of HLS, below WHEP's address of the room. The playlist wants a token, each time: who is revoked learns of no further segment.
 * Segments are found by an id that only the playlist names, without a token, so that a cache in front can keep them for all viewers.
 */
import { isRoomId } from '@tandem/protocol';
import { ProblemError, type RedisClient } from '@tandem/service';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { isFolderId, PLAYLIST } from '../../../hls-packager/src/shared-folder.ts';
import { authenticate, type Door, limitAddress } from '../streams/door.ts';
import { forward } from '../streams/forward.ts';
import type { Hls } from './hls.ts';
import { isMediaFile } from './playlist.ts';

export interface HlsAppOptions {
  readonly door: Door;
  readonly hls: Pick<Hls, 'playlist' | 'file'>;
  readonly redis: RedisClient;
  /** The node that serves the room, when it is another one. */
  readonly elsewhere: (room: string) => Promise<string | undefined>;
}

/** What a browser may keep, and a cache in front: a segment never changes. */
const SEGMENT_CACHE = 'public, max-age=60, immutable';

export function hlsRoutes(app: FastifyInstance, { hls, redis, elsewhere, door }: HlsAppOptions): void {
  const url = `/whep/:room/hls/${PLAYLIST}`;
  app.get<{ Params: { room: string } }>(url, { exposeHeadRoute: false }, async (request, reply) => {
    const { claims } = await authenticate(request, door);
    const { room } = request.params;
    const node = await elsewhere(room);
    const path = `/whep/${encodeURIComponent(room)}/hls/${PLAYLIST}`;
    if (node !== undefined) return forward(request, reply, { redis, node, path });
    const playlist = await hls.playlist(room, claims);
    return reply.header('cache-control', 'no-cache').type('application/vnd.apple.mpegurl').send(playlist);
  });
  app.options(url, async (_request, reply) => allow(reply).send());
  app.get<{ Params: { room: string; id: string; file: string } }>(
    '/whep/:room/hls/:id/:file',
    { exposeHeadRoute: false },
    async (request, reply) => {
      const { room, id, file } = request.params;
      if (!isRoomId(room) || !isFolderId(id) || !isMediaFile(file))
        throw new ProblemError(404, 'not_found', 'There is no such segment.');
      await limitAddress(request, door);
      const node = await elsewhere(room);
      const path = `/whep/${encodeURIComponent(room)}/hls/${id}/${file}`;
      if (node !== undefined) return forward(request, reply, { redis, node, path });
      const data = await hls.file(room, id, file);
      return reply.header('cache-control', SEGMENT_CACHE).type('video/mp4').send(data);
    },
  );
}

const allow = (reply: FastifyReply) =>
  reply
    .code(200)
    .header('allow', 'GET, OPTIONS')
    .header('access-control-allow-methods', 'GET, OPTIONS')
    .header('access-control-allow-headers', 'authorization')
    .header('access-control-max-age', '600');
