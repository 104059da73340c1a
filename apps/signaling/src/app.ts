/** The whole signaling service in one disposable object. Routes and parts live in files of their own; this wires them. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { DEFAULT_HEARTBEAT } from '@tandem/protocol';
import {
  clientAddress,
  connectRedis,
  createLogger,
  LoadShedder,
  type LogDestination,
  type Logger,
  type Metrics,
  registerHealth,
  serviceAppOptions,
  type TokenVerifier,
  verifierOf,
} from '@tandem/service';
import { openRecordingStore } from '@tandem/service/recordings';
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { MemoryHub } from './backplane/memory.ts';
import { createRedisBackplane } from './backplane/redis.ts';
import type { Backplane } from './backplane/types.ts';
import type { SignalingConfig } from './config.ts';
import { systemClock } from './core/clock.ts';
import { SignalingNode } from './core/node.ts';
import type { CoreSettings } from './core/settings.ts';
import { exposeNode, startObservation, tracer } from './observe.ts';
import { Admission } from './server/admission.ts';
import { answerAdmissionProbes } from './server/admission-probe.ts';
import { registerApi } from './server/api/index.ts';
import type { RecordingParts } from './server/api/recording-records.ts';
import { ASSIGNMENT_REASONS, assignMedia } from './server/media-assignment.ts';
import { tellRecordingEnds } from './server/recording-ends.ts';
import { followRevocations } from './server/revocations.ts';
import { acceptUpgrades } from './server/upgrade.ts';

export interface SignalingParts {
  readonly log?: Logger;
  /** Also measure the whole process (event loop, heap, garbage collection). For `main`. */
  readonly observeProcess?: boolean;
  /** Where log lines go besides the collector, when `log` is not given. Default: standard output. */
  readonly stdout?: LogDestination;
  /** Default: Redis when REDIS_URL is set, otherwise memory. */
  readonly backplane?: Backplane;
  /** Default: keys of JWKS_URL. */
  readonly verifier?: TokenVerifier;
}

export interface SignalingService extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly node: SignalingNode;
  readonly log: Logger;
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** `ws://127.0.0.1:port/ws/signal` */
  readonly wsUrl: string;
  /** Everything at once and without a goodbye, as a crash would. For tests. */
  kill(): Promise<void>;
}

/** Build and start the service. Disposing of it drains first (RECONNECT_WITHIN_MS). */
export async function startSignaling(config: SignalingConfig, parts: SignalingParts = {}): Promise<SignalingService> {
  const name = config.NODE_NAME ?? `${hostname().slice(0, 40)}-${randomBytes(4).toString('hex')}`;
  const observation = await startObservation(config, name);
  if (parts.observeProcess) observation.metrics.observeProcess();
  const log =
    parts.log ?? createLogger('signaling', config.LOG_LEVEL, observation.telemetry.logDestination(parts.stdout));
  const backplane = parts.backplane ?? createBackplane(config, log);
  const node = new SignalingNode({
    name,
    backplane,
    settings: nodeSettings(config),
    events: {
      log: (level, event, fields) => log[level]({ event, ...fields }, event),
      ...tracer(observation.telemetry, log, name),
    },
  });
  const verifier = parts.verifier ?? verifierOf(config, log);
  const { shedder, admission } = createAdmission(config, node);
  const app = createApp(log);
  const revocations = followRevocations(config, node);
  exposeHealth(app, { node, backplane, verifier, revocations });
  await exposeNode(app, observation, node, shedder, (request) => clientAddress(request, config.TRUSTED_PROXIES));
  answerAdmissionProbes(app, admission, config.TRUSTED_PROXIES);
  const recordings = await keepRecordings(config, log);
  await registerApi(app, {
    ...{ node, shedder, verifier, revocations, recordings: recordings?.parts },
    trustedProxies: config.TRUSTED_PROXIES,
    requestsPerSecond: config.API_REQUESTS_PER_SECOND,
  });
  serveSockets(config, { app, node, admission, verifier, revocations, log });
  const media = followMedia(config, node, log, observation.metrics);
  await node.start();
  await app.listen({ host: config.HOST, port: config.PORT });
  const { port } = app.server.address() as { port: number };
  log.info({ event: 'signaling.up', node: name, port, backplane: backplane.kind }, `signaling listens on ${port}`);

  const close = async () => {
    for (const part of [recordings, media, shedder, verifier]) part?.[Symbol.dispose]();
    await revocations[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    app.server.closeAllConnections();
    await app.close();
    await observation[Symbol.asyncDispose]();
  };
  return {
    ...{ app, node, log, port },
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}/ws/signal`,
    kill: async () => {
      node.kill();
      app.server.closeAllConnections();
      await close();
    },
    [Symbol.asyncDispose]: async () => {
      await node.drain(config.RECONNECT_WITHIN_MS);
      await close();
    },
  };
}

function createBackplane(config: SignalingConfig, log: Logger): Backplane {
  if (!config.REDIS_URL) return new MemoryHub(systemClock).connect();
  return createRedisBackplane({
    url: config.REDIS_URL,
    auth: { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD },
    events: config.EVENTS,
    onFault: (err) => log.error({ event: 'backplane.fault', err }, 'a command was faulty'),
  });
}

function nodeSettings(config: SignalingConfig): Partial<CoreSettings> {
  return {
    heartbeatInterval: config.HEARTBEAT_MS,
    heartbeatTimeout: Math.round(config.HEARTBEAT_MS * (DEFAULT_HEARTBEAT.timeout / DEFAULT_HEARTBEAT.interval)),
    grace: config.GRACE_MS,
    maxFrameBytes: config.MAX_FRAME_BYTES,
    maxRoomSize: config.MAX_ROOM_SIZE,
    maxAudience: config.MAX_AUDIENCE,
    createdRoomsOnly: config.CREATE_ROOMS === 'api',
    messagesPerSecond: config.MESSAGES_PER_SECOND,
    userMessagesPerSecond: config.USER_MESSAGES_PER_SECOND,
    bytesPerSecond: config.BYTES_PER_SECOND,
    userFanOutBytesPerSecond: config.USER_FAN_OUT_BYTES_PER_SECOND,
    sessionsPerUser: config.SESSIONS_PER_USER,
    maxFaults: config.MAX_FAULTS,
    beatInterval: config.BEAT_MS,
    nodeTimeout: config.NODE_TIMEOUT_MS,
    sweepInterval: config.SWEEP_MS,
  };
}

/** Who may connect, and when the node is full. */
function createAdmission(
  config: SignalingConfig,
  node: SignalingNode,
): { readonly shedder: LoadShedder; readonly admission: Admission } {
  const shedder = new LoadShedder({
    connections: () => node.connections.size + admission.handshakes,
    maxConnections: config.MAX_CONNECTIONS,
    ...(config.MAX_MEMORY_BYTES === undefined ? {} : { maxMemoryBytes: config.MAX_MEMORY_BYTES }),
    maxEventLoopDelayMs: config.MAX_EVENT_LOOP_DELAY_MS,
  });
  const admission: Admission = new Admission(node, shedder, {
    handshakes: config.MAX_HANDSHAKES,
    connectionsPerIp: config.CONNECTIONS_PER_IP,
    connectionsPerIpPerSecond: config.CONNECTIONS_PER_IP_PER_SECOND,
    sessionsPerUser: config.SESSIONS_PER_USER,
    connectionsPerUserPerSecond: config.CONNECTIONS_PER_USER_PER_SECOND,
  });
  return { shedder, admission };
}

function createApp(log: Logger): FastifyInstance {
  return Fastify({
    ...serviceAppOptions({ log }),
    loggerInstance: log as FastifyBaseLogger,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  });
}

interface HealthParts {
  readonly node: SignalingNode;
  readonly backplane: Backplane;
  readonly verifier: TokenVerifier;
  readonly revocations: ReturnType<typeof followRevocations>;
}

function exposeHealth(app: FastifyInstance, { node, backplane, verifier, revocations }: HealthParts): void {
  registerHealth(app, {
    service: 'signaling',
    draining: () => node.draining,
    dependencies: {
      backplane: () => backplane.health(),
      keys: () => verifier.health(),
      revocations: revocations.health,
    },
  });
}

interface SocketParts {
  readonly app: FastifyInstance;
  readonly node: SignalingNode;
  readonly admission: Admission;
  readonly verifier: TokenVerifier;
  readonly revocations: ReturnType<typeof followRevocations>;
  readonly log: Logger;
}

function serveSockets(config: SignalingConfig, parts: SocketParts): void {
  const { app, node, admission, verifier, revocations, log } = parts;
  acceptUpgrades(app.server, {
    node,
    admission,
    verify: async (token) => {
      const claims = await verifier.verify(token);
      if (revocations.isRevoked(claims)) throw Object.assign(new Error('revoked'), { reason: 'revoked' });
      return claims;
    },
    allowedOrigins: config.ALLOWED_ORIGINS,
    trustedProxies: config.TRUSTED_PROXIES,
    maxBufferedBytes: config.MAX_BUFFERED_BYTES,
    onDenied: (denial) => log.info({ event: 'upgrade.denied', ...denial }, 'upgrade denied'),
  });
}

/** Recordings need a place, and Redis to tell media nodes. @throws Error when the place is none */
async function keepRecordings(
  config: SignalingConfig,
  log: Logger,
): Promise<(Disposable & { readonly parts: RecordingParts }) | undefined> {
  if (!config.RECORDINGS || !config.REDIS_URL) return undefined;
  const store = await openRecordingStore(config.RECORDINGS);
  const redis = connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
  redis.on('error', () => {});
  const parts = { redis, store, isTold: config.EVENTS };
  const failed = (error: unknown) => log.warn({ event: 'recordings.untold', err: error }, 'ends of recordings');
  const telling = config.EVENTS ? tellRecordingEnds({ ...parts, failed }) : undefined;
  return {
    parts,
    [Symbol.dispose]: () => {
      telling?.[Symbol.dispose]();
      redis.disconnect();
    },
  };
}

/** Gives rooms that grow a media node; without Redis or MEDIA_FROM rooms stay a mesh. */
function followMedia(
  config: SignalingConfig,
  node: SignalingNode,
  log: Logger,
  metrics: Metrics,
): Disposable | undefined {
  const given = metrics.counter('tandem_media_assignments_total', 'Rooms given to media nodes.', ['reason']);
  for (const reason of ASSIGNMENT_REASONS) given.inc({ reason }, 0);
  if (!config.REDIS_URL || config.MEDIA_FROM === 0) return undefined;
  const redis = connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
  redis.on('error', () => {});
  const assignment = assignMedia({
    redis,
    rooms: () => node.rooms,
    from: config.MEDIA_FROM,
    log: (fields) => log.info(fields, fields.event),
    assigned: (reason) => given.inc({ reason }),
  });
  return {
    [Symbol.dispose]: () => {
      assignment[Symbol.dispose]();
      redis.disconnect();
    },
  };
}
