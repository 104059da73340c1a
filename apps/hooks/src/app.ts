/** The whole hooks service, built by one call. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import {
  connectRedis,
  createLogger,
  createMetrics,
  createRateLimiter,
  type Logger,
  type RevocationWatch,
  registerHealth,
  serviceAppOptions,
  startServiceTelemetry,
  type TokenVerifier,
  traceRequests,
  verifierOf,
  watchRevocations,
} from '@tandem/service';
import Fastify, { type FastifyInstance } from 'fastify';
import { registerApi } from './api/index.ts';
import type { HooksConfig } from './config.ts';
import { EventQueues } from './delivery/event-queues.ts';
import { type Outcome, send, TRY_MS } from './delivery/send.ts';
import { signatureHeaders } from './delivery/signature.ts';
import { Dispatcher } from './dispatcher.ts';
import { type Endpoint, Endpoints } from './endpoints.ts';
import type { RoomEvent } from './events/room-fold.ts';
import { exposeHooks, newCounters } from './observe.ts';
import { isQueueUrl } from './queue-urls.ts';
import { SecretBox } from './secret-box.ts';

export interface HooksOverrides {
  readonly log?: Logger;
  /** Also measure the whole process (event loop, heap, garbage collection). For `main`. */
  readonly observeProcess?: boolean;
}

export interface Hooks extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly port: number;
  /** `http://127.0.0.1:port` */
  readonly url: string;
}

/** Build and start. @throws Error when the port cannot be had */
export async function createHooks(config: HooksConfig, overrides: HooksOverrides = {}): Promise<Hooks> {
  const instance = `hooks-${randomUUID().slice(0, 8)}`;
  const metrics = createMetrics({ service: 'hooks', node: instance });
  if (overrides.observeProcess) metrics.observeProcess();
  await using cleanup = new AsyncDisposableStack();
  const telemetry = cleanup.use(await startServiceTelemetry(config, { service: 'hooks', node: instance }, metrics));
  const log = overrides.log ?? createLogger('hooks', config.LOG_LEVEL, telemetry.logDestination());
  const connect = () =>
    connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD });
  const redis = connect();
  // Errors reach callers through their commands; without a listener they would end the process.
  redis.on('error', () => {});
  cleanup.defer(() => redis.disconnect());
  const verifier = cleanup.use(verifierOf(config, log));
  const revocations = cleanup.use(watchRevocations({ connect }, () => {}));
  const endpoints = new Endpoints(redis, new SecretBox(config.WEBHOOK_KEY));
  const counters = newCounters();
  const queues = cleanup.use(new EventQueues(config.EVENT_QUEUES, config.PRIVATE_ENDPOINTS));
  const deliver = deliverTo(endpoints, queues, config.PRIVATE_ENDPOINTS);
  const dispatcher = cleanup.use(new Dispatcher({ redis, endpoints, counters, log, deliver }));

  let draining = false;
  const app = buildApp(config, log);
  traceRequests(app, telemetry, metrics);
  reportHealth(app, { dispatcher, verifier, revocations, isDraining: () => draining });
  const streams = await registerApi(app, {
    ...{ redis, endpoints, queues, deliver, verifier, revocations },
    isDraining: () => draining,
    isPrivateAllowed: config.PRIVATE_ENDPOINTS,
    maxStreams: config.MAX_STREAMS,
    limiter: createRateLimiter('hooks-key', { points: config.API_REQUESTS_PER_SECOND * 3, seconds: 3 }, redis),
  });
  exposeHooks(metrics, {
    counters,
    partitions: () => dispatcher.partitions,
    unreadMs: () => dispatcher.unreadMs,
    overdueMs: () => dispatcher.overdueMs,
    streams: () => streams.open,
  });
  metrics.register(app);
  cleanup.defer(async () => {
    draining = true;
    streams.close();
    await app.close();
  });
  await app.listen({ host: config.HOST, port: config.PORT });
  const { port } = app.server.address() as AddressInfo;
  log.info({ event: 'hooks.up', node: instance, port }, `hooks listens on ${port}`);
  const resources = cleanup.move();
  return { app, port, url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

interface Watched {
  readonly dispatcher: Dispatcher;
  readonly verifier: TokenVerifier;
  readonly revocations: RevocationWatch;
  readonly isDraining: () => boolean;
}

function reportHealth(app: FastifyInstance, { dispatcher, verifier, revocations, isDraining }: Watched): void {
  registerHealth(app, {
    service: 'hooks',
    dependencies: {
      redis: () => dispatcher.health.read(),
      keys: () => verifier.health(),
      revocations: () => {
        const now = revocations.health();
        // Known revocations stay in force and tokens expire by themselves.
        return now.state === 'down' ? { ...now, state: 'degraded' } : now;
      },
    },
    draining: isDraining,
  });
}

/** Signs and sends; what cannot be signed is a failed try. */
function deliverTo(endpoints: Endpoints, queues: EventQueues, isPrivateAllowed: boolean) {
  return async (
    endpoint: Endpoint,
    event: Pick<RoomEvent, 'id' | 'room' | 'body'>,
    timeoutMs = TRY_MS,
  ): Promise<Outcome> => {
    const { id, body } = event;
    const { url } = endpoint;
    try {
      const headers = signatureHeaders(id, body, endpoints.secretsOf(endpoint), Date.now());
      if (queues.has(url) || isQueueUrl(url)) return await queues.send(url, event, { headers, timeoutMs });
      return await send({ url, headers, body, isPrivateAllowed, timeoutMs });
    } catch {
      // WEBHOOK_KEY is another than the one that the secret was written with.
      return { kind: 'failed', why: 'secret_unreadable' };
    }
  };
}

function buildApp({ TRUSTED_PROXIES }: HooksConfig, log: Logger): FastifyInstance {
  return Fastify({
    ...serviceAppOptions({ log, trustedProxies: TRUSTED_PROXIES }),
    forceCloseConnections: 'idle',
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
  } as object) as unknown as FastifyInstance;
}
