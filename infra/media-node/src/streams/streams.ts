/** Streams of a media node: encoders publish into rooms over HTTP, and viewers watch them. */
import type { AddressInfo } from 'node:net';
import {
  callNode,
  connectAgain,
  createTokenVerifier,
  ProblemError,
  type RedisClient,
  readAssignment,
  revocationApplies,
  watchRevocations,
} from '@tandem/service';
import type { Host } from '../../../node-kit/host.ts';
import type { MediaNodeConfig } from '../config.ts';
import { Hls } from '../hls/hls.ts';
import { hlsRoutes } from '../hls/hls-app.ts';
import { encryptedRoom } from '../is-encrypted.ts';
import type { RoomViewers } from '../room-viewers.ts';
import { givenTo } from './forward.ts';
import { iceServerLinks } from './ice-servers.ts';
import { refusalProblem } from './refusals.ts';
import type { IceCredentials } from './sdp.ts';
import { createStreamApp, type StreamProtocol, type StreamRequest } from './stream-app.ts';
import { StreamCounts, type StreamMetrics } from './stream-counts.ts';
import { StreamLeg } from './stream-leg.ts';
import { type StreamConnection, StreamSessions } from './stream-sessions.ts';
import { notLive, openViewer } from './viewer.ts';

type StreamSettings = Pick<
  MediaNodeConfig,
  | 'HTTP_HOST'
  | 'HTTP_PORT'
  | 'TRUSTED_PROXIES'
  | 'MAX_STREAMS'
  | 'MAX_VIEWERS'
  | 'MAX_PACKAGERS'
  | 'HLS_DIR'
  | 'HLS_HOST'
  | 'SIGNALING_URL'
  | 'AUTH_URL'
  | 'JWKS_URL'
  | 'TOKEN_ISSUER'
  | 'TOKEN_AUDIENCE'
>;

export interface StreamsOptions {
  readonly config: StreamSettings;
  readonly host: Pick<Host, 'id' | 'privateIp'>;
  readonly redis: RedisClient;
  /** Rooms that this node serves. */
  readonly rooms: ReadonlyMap<string, { readonly viewers: RoomViewers }>;
  readonly isLeaving: () => boolean;
  readonly say: (event: string, more?: Record<string, unknown>) => void;
}

export interface Streams extends AsyncDisposable {
  readonly port: number;
  /** Where other nodes reach it. */
  readonly address: string;
  /** What the node writes of streams each minute; what happened counts since the last call. */
  metrics(): StreamMetrics;
}

/** A node that was called enters the room within this time, ms (infra/media-node/src/room-session.ts). */
const CALLED_MS = 8000;

/** @throws Error when the port cannot be had */
export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const { config, host, redis, say } = options;
  const counts = new StreamCounts({ hasHls: config.MAX_PACKAGERS > 0 });
  const hls = await openHls(options, counts);
  const { AUTH_URL, JWKS_URL = new URL('/.well-known/jwks.json', AUTH_URL).href } = config;
  const verifier = createTokenVerifier({
    jwksUrl: JWKS_URL,
    issuer: config.TOKEN_ISSUER,
    audience: config.TOKEN_AUDIENCE,
  });
  const whip = new StreamSessions({ node: host.id, most: config.MAX_STREAMS });
  const whep = new StreamSessions({ node: host.id, most: config.MAX_VIEWERS });
  // Encoders are members of their room: signaling ends them. Viewers are in no room.
  const revocations = watchRevocations({ connect: () => connectAgain(redis) }, (revocation) =>
    whep.endThoseOf((owner) => revocationApplies(revocation, owner), 'token revoked'),
  );
  const app = createStreamApp({
    verifier,
    trustedProxies: config.TRUSTED_PROXIES,
    isRevoked: (claims) => revocations.isRevoked(claims),
    node: host.id,
    redis,
    whip: { sessions: whip, direction: 'sends', open: (request, ended) => publish(options, request, ended) },
    whep: watching(options, whep, counts),
    links: (token) => iceServerLinks(AUTH_URL, token),
    isLeaving: options.isLeaving,
    failed: (protocol, code) => counts.failed(protocol, code),
    more: (routes, door) =>
      hlsRoutes(routes, {
        ...{ hls, redis, door },
        elsewhere: (room) => givenTo(redis, host.id, room),
        failed: (code) => counts.failed('hls', code),
      }),
    complain: (error) => say('media.stream-failed', { error }),
  });
  const dispose = async () => {
    for (const sessions of [whip, whep]) sessions.endAll('node ended');
    await app.close();
    await hls[Symbol.asyncDispose]();
    verifier[Symbol.dispose]();
    await revocations[Symbol.asyncDispose]();
  };
  try {
    await app.listen({ host: config.HTTP_HOST, port: config.HTTP_PORT });
  } catch (error) {
    await dispose();
    throw new Error(`HTTP_PORT: cannot listen on ${config.HTTP_HOST}:${config.HTTP_PORT} (${String(error)})`);
  }
  const { port } = app.server.address() as AddressInfo;
  return {
    port,
    address: `http://${config.HTTP_HOST === '0.0.0.0' ? host.privateIp : config.HTTP_HOST}:${port}`,
    metrics: () => ({ streams: whip.size, viewers: whep.size, packagers: hls.size, ...counts.take() }),
    [Symbol.asyncDispose]: dispose,
  };
}

/** HLS, of the rooms that this node serves or is called for. */
function openHls(options: StreamsOptions, counts: StreamCounts): Promise<Hls> {
  const { config, host, redis } = options;
  return Hls.open({
    ...options,
    most: config.MAX_PACKAGERS,
    folder: config.HLS_DIR,
    host: config.HLS_HOST,
    isCalled: async (room) => {
      const assignment = await readAssignment(redis, room);
      return assignment?.node === host.id && Date.now() - assignment.at < CALLED_MS;
    },
    failed: () => counts.packagerFailures++,
  });
}

/** WHEP, of the rooms that this node serves. */
function watching(options: StreamsOptions, sessions: StreamSessions, counts: StreamCounts): StreamProtocol {
  return {
    sessions,
    direction: 'receives',
    elsewhere: (room) => otherNode(options, room),
    status: (room, session, query) => {
      counts.firstPicture(session, query['first-picture-ms']);
      return { viewers: options.rooms.get(room)?.viewers.count ?? 0 };
    },
    open: ({ room, offer }, ended) => {
      const served = options.rooms.get(room);
      if (!served) throw notLive();
      if (served.viewers.isEncrypted) throw encryptedRoom();
      return openViewer(served.viewers, offer, ended);
    },
  };
}

/** The node that serves the room, when it is another one. */
async function otherNode({ redis, rooms, host }: StreamsOptions, room: string): Promise<string | undefined> {
  return rooms.has(room) ? undefined : givenTo(redis, host.id, room).catch(() => undefined);
}

async function publish(
  { config, host, redis, say }: StreamsOptions,
  { room, offer, token }: StreamRequest,
  ended: () => void,
): Promise<{ connection: StreamConnection; answer: string }> {
  try {
    const { leg, answer } = await StreamLeg.open({
      url: config.SIGNALING_URL,
      room,
      token,
      offer,
      callNode: async () => {
        const isCalled = await callNode(redis, room, host.id).catch(() => false);
        if (!isCalled)
          throw new ProblemError(503, 'no_media_node', 'No media node takes rooms now.', { retryAfter: 2 });
      },
      onEnded: (why) => {
        say('media.stream-ended', { roomId: room, why });
        ended();
      },
    });
    say('media.stream', { roomId: room });
    return { connection: withProblems(leg), answer };
  } catch (error) {
    throw refusalProblem(error);
  }
}

const withProblems = (leg: StreamLeg): StreamConnection => ({
  get credentials() {
    return leg.credentials;
  },
  candidate: (candidate) => leg.candidate(candidate),
  restart: async (credentials: IceCredentials) => {
    try {
      return await leg.restart(credentials);
    } catch (error) {
      throw refusalProblem(error);
    }
  },
  end: (why) => leg.end(why),
});
