/**
 * The HTTP side of streams: WHIP (RFC 9725), for encoders that publish into a room, and WHEP (draft-ietf-wish-whep), for those who watch one.
 * Everything that comes in is hostile until read.
 */
import type { AccessClaims } from '@tandem/protocol';
import {
  createRateLimiter,
  KEEP_ALIVE_MS,
  OWN_REQUEST_IDS,
  PROBLEM_OPTIONS,
  ProblemError,
  type RedisClient,
  registerProblems,
  type TokenVerifier,
} from '@tandem/service';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { MAX_HELD } from '../hls/hls.ts';
import { authenticate, type Door, type EndpointRequest, revoked } from './door.ts';
import { forward } from './forward.ts';
import { BadSdpError, MAX_BODY_BYTES, type Offer, readFragment, readOffer } from './sdp.ts';
import type { StreamConnection, StreamSessions } from './stream-sessions.ts';
import { tellFailure } from './tell-failure.ts';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
/** A room id of 128 bytes, each written as %XX. */
const MAX_PARAM = 3 * 128;
/** Connections at once, of all clients: each needs one for a moment, and a playlist or a part that is waited for its own. */
const MAX_CONNECTIONS = 1000 + 2 * MAX_HELD;
/** Requests of one address (IPv6: one /64): an office of viewers, and no more signatures than cost a few percent of a core. */
const REQUESTS_PER_ADDRESS = { points: 300, seconds: 3 };

/** Who asks to stream into or out of a room. */
export interface StreamRequest {
  readonly room: string;
  readonly offer: Offer;
  readonly token: string;
  readonly claims: AccessClaims;
}

/** WHIP or WHEP: they differ in who sends, and in what a connection is. */
export interface StreamProtocol {
  readonly sessions: StreamSessions;
  /** The client's media. */
  readonly direction: 'sends' | 'receives';
  /** Another node has what is asked for. Undefined: it is here, or anywhere. */
  readonly elsewhere?: (room: string) => Promise<string | undefined>;
  /** What GET of a session says of its room. Undefined: GET is not allowed. @param session its own object @param query what the client adds */
  readonly status?: (room: string, session: object, query: Readonly<Record<string, unknown>>) => object;
  /** @throws ProblemError @param ended is to be called when the connection has ended by itself */
  readonly open: (
    request: StreamRequest,
    ended: () => void,
  ) => Promise<{ connection: StreamConnection; answer: string }>;
}

export interface StreamAppOptions {
  /** Proxies in front that append to X-Forwarded-For. */
  readonly trustedProxies: number;
  readonly verifier: Pick<TokenVerifier, 'verify'>;
  readonly isRevoked: (claims: AccessClaims) => boolean;
  readonly whip: StreamProtocol;
  readonly whep: StreamProtocol;
  /** Of this node, and how others are reached. */
  readonly node: string;
  readonly redis: RedisClient;
  /** `Link` headers for the bearer of a token. */
  readonly links: (token: string) => Promise<readonly string[]>;
  /** The node takes no new streams: it is about to go. */
  readonly isLeaving: () => boolean;
  /** A request for a session failed here with a status of 500 and more. One that another node answered is counted there. */
  readonly failed?: (protocol: 'whip' | 'whep', code: string) => void;
  /** More that it answers, below the same addresses. */
  readonly more?: (app: FastifyInstance, door: Door) => void;
  /** Gets what failed here. */
  readonly complain: (error: string) => void;
}

type SessionRequest = FastifyRequest<{ Params: { room: string; session: string } }>;

/** It does not listen yet. */
export function createStreamApp(options: StreamAppOptions): FastifyInstance {
  const app = Fastify({
    ...PROBLEM_OPTIONS,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: MAX_PARAM },
    ...OWN_REQUEST_IDS,
  } as object) as unknown as FastifyInstance;
  app.server.maxConnections = MAX_CONNECTIONS;
  registerProblems(app);
  app.addHook('onRequest', async (_request, reply) => {
    // Any page may: what counts is the token, which no browser sends by itself.
    reply.header('access-control-allow-origin', '*');
    reply.header(
      'access-control-expose-headers',
      'Accept-Patch, Accept-Post, Allow, ETag, Link, Location, Retry-After',
    );
    reply.header('cache-control', 'no-store');
    reply.header('x-content-type-options', 'nosniff');
  });
  app.addHook('onError', async (_request, _reply, error) => {
    if (!(error instanceof ProblemError) && !(error as { statusCode?: number }).statusCode)
      options.complain(String(error));
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([SDP, FRAGMENT], { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const door = { ...options, addresses: createRateLimiter('stream', REQUESTS_PER_ADDRESS) };
  for (const name of ['whip', 'whep'] as const) {
    endpointRoutes(app, name, door);
    sessionRoutes(app, name, door);
  }
  options.more?.(app, door);
  app.get('/health/live', async () => ({ status: 'ok' }));
  app.get('/health/ready', async (_request, reply) =>
    options.isLeaving() ? reply.code(503).send({ status: 'draining' }) : { status: 'ok' },
  );
  return app;
}

/** The options, and what each address has left. */
type StreamDoor = StreamAppOptions & Pick<Door, 'addresses'>;

/** Before the body is read. @throws ProblemError 415 */
const only = (type: string) => async (request: FastifyRequest) => {
  const given = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (given !== type)
    throw new ProblemError(415, 'unsupported_media_type', `Send content-type: ${type}.`, { field: 'content-type' });
};

function endpointRoutes(app: FastifyInstance, name: 'whip' | 'whep', options: StreamDoor): void {
  const allow = 'POST, OPTIONS';
  const url = `/${name}/:room`;
  const { sessions, direction, elsewhere, open } = options[name];
  const onError = tellFailure((code) => options.failed?.(name, code));
  app.post(url, { onRequest: only(SDP), onError }, async (request, reply) => {
    const { room, token, claims } = await authenticate(request as EndpointRequest, options);
    if (direction === 'sends' && claims.grants?.publish === false)
      throw new ProblemError(403, 'forbidden', 'Your token does not grant publishing.');
    const offer = read(() => readOffer(bodyOf(request), direction));
    const path = `/${name}/${encodeURIComponent(room)}`;
    const node = await elsewhere?.(room);
    if (node !== undefined) return forward(request, reply, { redis: options.redis, node, path });
    if (options.isLeaving())
      throw new ProblemError(503, 'draining', 'This node is about to go; try again.', { retryAfter: 1 });
    const [{ id, etag, answer }, links] = await Promise.all([
      sessions.open(room, claims, (ended) => open({ room, offer, token, claims }, ended)),
      options.links(token),
    ]);
    // Meanwhile the revocation found no session to end.
    if (options.isRevoked(claims)) {
      sessions.endThoseOf(({ jti }) => jti === claims.jti, 'revoked');
      throw revoked();
    }
    return reply
      .code(201)
      .header('location', `${path}/${encodeURIComponent(id)}`)
      .headers(etag === undefined ? {} : { etag })
      .header('accept-patch', FRAGMENT)
      .headers(links.length > 0 ? { link: links.join(', ') } : {})
      .type(SDP)
      .send(answer);
  });
  app.options(url, async (_request, reply) => preflight(reply, allow).header('accept-post', SDP).send());
  refuseOthers(app, url, { methods: ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'], allow });
}

function sessionRoutes(app: FastifyInstance, name: 'whip' | 'whep', options: StreamDoor): void {
  const { sessions, status } = options[name];
  const allow = `${status ? 'GET, ' : ''}PATCH, DELETE, OPTIONS`;
  const url = `/${name}/:room/:session`;
  /** The session's node is the first part of its id. */
  const passOn = (request: SessionRequest, reply: FastifyReply): Promise<FastifyReply> | undefined => {
    const { room, session } = request.params;
    const node = session.slice(0, Math.max(0, session.lastIndexOf('.')));
    if (node === '' || node === options.node) return undefined;
    const said = (request.query as Record<string, unknown>)['first-picture-ms'];
    const query = typeof said === 'string' ? `?first-picture-ms=${encodeURIComponent(said)}` : '';
    const path = `/${name}/${encodeURIComponent(room)}/${encodeURIComponent(session)}${query}`;
    return forward(request, reply, { redis: options.redis, node, path });
  };
  app.patch(url, { onRequest: only(FRAGMENT) }, async (request, reply) => {
    const { room, claims } = await authenticate(request as SessionRequest, options);
    const fragment = read(() => readFragment(bodyOf(request)));
    const passed = passOn(request as SessionRequest, reply);
    if (passed !== undefined) return await passed;
    const { session } = (request as SessionRequest).params;
    const answer = await sessions.patch(session, room, claims, { ifMatch: request.headers['if-match'], fragment });
    if (answer.kind === 'taken') return reply.code(204).send();
    return reply.code(200).header('etag', answer.etag).type(FRAGMENT).send(answer.fragment);
  });
  app.delete(url, async (request, reply) => {
    const { room, claims } = await authenticate(request as SessionRequest, options);
    const passed = passOn(request as SessionRequest, reply);
    if (passed !== undefined) return await passed;
    sessions.end((request as SessionRequest).params.session, room, claims);
    return reply.code(200).send();
  });
  if (status)
    app.route({
      method: 'GET',
      url,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { room, claims } = await authenticate(request as SessionRequest, options);
        const passed = passOn(request as SessionRequest, reply);
        if (passed !== undefined) return await passed;
        const { session } = (request as SessionRequest).params;
        const found = sessions.check(session, room, claims);
        return reply.send(status(room, found, request.query as Record<string, unknown>));
      },
    });
  app.options(url, async (_request, reply) => preflight(reply, allow).header('accept-patch', FRAGMENT).send());
  refuseOthers(app, url, { methods: [...(status ? [] : (['GET'] as const)), 'HEAD', 'PUT', 'POST'], allow });
}

function preflight<R extends { code(status: number): R; header(name: string, value: string): R }>(
  reply: R,
  allow: string,
): R {
  // RFC 9725 section 4.2 and the draft of WHEP say 200.
  return reply
    .code(200)
    .header('allow', allow)
    .header('access-control-allow-methods', allow)
    .header('access-control-allow-headers', 'authorization, content-type, if-match')
    .header('access-control-max-age', '600');
}

function refuseOthers(
  app: FastifyInstance,
  url: string,
  { methods, allow }: { methods: ('GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE')[]; allow: string },
): void {
  app.route({
    method: methods,
    url,
    // Whatever the body is: it is not looked at.
    onRequest: async (_request, reply) => {
      reply.header('allow', allow);
      throw new ProblemError(405, 'method_not_allowed', `Send one of ${allow}.`);
    },
    handler: async () => undefined,
  });
}

const bodyOf = ({ body }: FastifyRequest) => (typeof body === 'string' ? body : '');

function read<T>(reader: () => T): T {
  try {
    return reader();
  } catch (error) {
    if (!(error instanceof BadSdpError)) throw error;
    throw new ProblemError(400, 'bad_sdp', `The body is not usable: ${error.message}.`, { field: '/' });
  }
}
