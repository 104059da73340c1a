/** Streams of a media node: encoders publish into rooms over HTTP. */
import type { AddressInfo } from 'node:net';
import { createTokenVerifier, ProblemError, type RedisClient } from '@tandem/service';
import type { MediaNodeConfig } from '../config.ts';
import { callNode } from './call-node.ts';
import { iceServerLinks } from './ice-servers.ts';
import { refusalProblem } from './refusals.ts';
import type { IceCredentials } from './sdp.ts';
import { createStreamApp, type StreamRequest } from './stream-app.ts';
import { StreamLeg } from './stream-leg.ts';
import { type StreamConnection, StreamSessions } from './stream-sessions.ts';

type StreamSettings = Pick<
  MediaNodeConfig,
  | 'HTTP_HOST'
  | 'HTTP_PORT'
  | 'MAX_STREAMS'
  | 'SIGNALING_URL'
  | 'AUTH_URL'
  | 'JWKS_URL'
  | 'TOKEN_ISSUER'
  | 'TOKEN_AUDIENCE'
>;

export interface StreamsOptions {
  readonly config: StreamSettings;
  /** Id of this node. */
  readonly node: string;
  readonly redis: RedisClient;
  readonly isLeaving: () => boolean;
  readonly say: (event: string, more?: Record<string, unknown>) => void;
}

export interface Streams extends AsyncDisposable {
  readonly port: number;
  /** Publishers over HTTP that this node holds. */
  readonly publishers: number;
}

/** @throws Error when the port cannot be had */
export async function startStreams(options: StreamsOptions): Promise<Streams> {
  const { config, say } = options;
  const { AUTH_URL, JWKS_URL = new URL('/.well-known/jwks.json', AUTH_URL).href } = config;
  const verifier = createTokenVerifier({
    jwksUrl: JWKS_URL,
    issuer: config.TOKEN_ISSUER,
    audience: config.TOKEN_AUDIENCE,
  });
  const sessions = new StreamSessions({ node: options.node, most: config.MAX_STREAMS });
  const app = createStreamApp({
    verifier,
    sessions,
    publish: (request, ended) => publish(options, request, ended),
    links: (token) => iceServerLinks(AUTH_URL, token),
    isLeaving: options.isLeaving,
    complain: (error) => say('media.stream-failed', { error }),
  });
  const dispose = async () => {
    sessions.endAll('node ended');
    await app.close();
    verifier[Symbol.dispose]();
  };
  try {
    await app.listen({ host: config.HTTP_HOST, port: config.HTTP_PORT });
  } catch (error) {
    await dispose();
    throw new Error(`HTTP_PORT: cannot listen on ${config.HTTP_HOST}:${config.HTTP_PORT} (${String(error)})`);
  }
  return {
    port: (app.server.address() as AddressInfo).port,
    get publishers() {
      return sessions.size;
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function publish(
  { config, node, redis, say }: StreamsOptions,
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
        const isCalled = await callNode(redis, room, node).catch(() => false);
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
