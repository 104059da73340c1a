/** The whole auth service, built by one call. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import swagger from '@fastify/swagger';
import {
  connectRedis,
  createLogger,
  createMetrics,
  createRateLimiter,
  type Logger,
  type Metrics,
  ProblemDetails,
  ProblemError,
  type RedisClient,
  readTurnNodes,
  registerHealth,
  registerProblems,
  startTelemetry,
  type Telemetry,
  type TurnNode,
  traceRequests,
} from '@tandem/service';
import Fastify, { type FastifyInstance, LogController } from 'fastify';
import { createOidc } from './access/oidc.ts';
import { registerAuthentication } from './authenticate.ts';
import type { AuthConfig } from './config.ts';
import type { AuthContext } from './context.ts';
import { createKeyRing } from './keys/key-ring.ts';
import type { KeySource } from './keys/key-source.ts';
import { type AwsClients, openKeySource } from './keys/open-source.ts';
import { iceServerRoutes } from './routes/ice-servers.ts';
import { nonceRoute } from './routes/nonce.ts';
import { publicRoutes } from './routes/public.ts';
import { refreshRoute } from './routes/refresh.ts';
import { revokeRoute } from './routes/revoke/route.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { tokenRoute } from './routes/token/route.ts';
import { readSettings } from './settings.ts';
import { createMemoryStore } from './store/memory.ts';
import { createRedisStore, guardRedis } from './store/redis.ts';
import type { AuthStore } from './store/store.ts';
import { fixedTurnSigner, followTurnSecret } from './turn-secret.ts';

export interface AuthOverrides {
  readonly log?: Logger;
  /** ms since the epoch. */
  readonly now?: () => number;
  readonly keySource?: KeySource;
  readonly aws?: AwsClients;
  /** How often the key source is asked, ms. Default 30,000. */
  readonly keyRefreshMs?: number;
  /** Also measure the whole process (event loop, heap, garbage collection). For `main`. */
  readonly observeProcess?: boolean;
  /** False: build only, no socket (`app.inject` works). */
  readonly listen?: boolean;
}

export interface Auth extends AsyncDisposable {
  /** Base URL on the loopback, such as `http://127.0.0.1:8081`; empty when it does not listen. */
  readonly url: string;
  readonly port: number;
  readonly app: FastifyInstance;
  readonly store: AuthStore;
  /** Ask the key source now (it is asked every 30 s anyway). */
  refreshKeys(): Promise<void>;
}

const BODY_LIMIT = 16_384;

/** Parses what RFC 8693 clients send. A field twice counts as malformed. */
function acceptForms(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) => {
    const result: Record<string, string> = {};
    for (const [key, value] of new URLSearchParams(text as string)) {
      if (Object.hasOwn(result, key) || key === '__proto__')
        return done(new ProblemError(400, 'invalid_field', 'A form field is there twice.', { field: '/' }));
      result[key] = value;
    }
    done(null, result);
  });
}

/** Build and start. @throws ConfigError, or when the key source or the port cannot be had */
export async function createAuth(config: AuthConfig, overrides: AuthOverrides = {}): Promise<Auth> {
  const settings = readSettings(config);
  const instance = `auth-${randomUUID().slice(0, 8)}`;
  const metrics = createMetrics({ service: 'auth', node: instance });
  if (overrides.observeProcess) metrics.observeProcess();
  await using cleanup = new AsyncDisposableStack();
  const telemetry = cleanup.use(
    await startTelemetry(
      {
        service: 'auth',
        node: instance,
        endpoint: config.OTEL_EXPORTER_OTLP_ENDPOINT,
        headers: config.OTEL_EXPORTER_OTLP_HEADERS,
        ratio: config.OTEL_TRACES_SAMPLER_ARG,
      },
      metrics,
    ),
  );
  const log = overrides.log ?? createLogger('auth', config.LOG_LEVEL, telemetry.logDestination());
  const now = overrides.now ?? Date.now;
  const source = overrides.keySource ?? (await openKeySource(config, log, overrides.aws));
  const keys = cleanup.use(
    await createKeyRing(source, log, { now, ...(overrides.keyRefreshMs ? { refreshMs: overrides.keyRefreshMs } : {}) }),
  );
  const turnSigner = cleanup.use(
    config.TURN_SECRET_ID
      ? await followTurnSecret(config.TURN_SECRET_ID, { log, client: overrides.aws?.secretsManager })
      : fixedTurnSigner(settings.turnSecrets[0]),
  );
  const redis: RedisClient | undefined = config.REDIS_URL
    ? connectRedis(config.REDIS_URL, { username: config.REDIS_USERNAME, password: config.REDIS_PASSWORD })
    : undefined;
  const redisGuard = guardRedis(log);
  const store = cleanup.use(redis ? await createRedisStore(redis, redisGuard) : createMemoryStore());

  let nodes: { at: number; value: Promise<readonly TurnNode[]> } | undefined;
  const turnNodes = (): Promise<readonly TurnNode[]> => {
    if (!config.TURN_DIRECTORY || !redis) return Promise.resolve([]);
    if (!nodes || Date.now() - nodes.at > 2000)
      nodes = { at: Date.now(), value: redisGuard.run(() => readTurnNodes(redis)).catch(() => []) };
    return nodes.value;
  };
  const limiter = (name: string, points: number, seconds = 60) =>
    points > 0 ? { [name]: createRateLimiter(`auth-${name}`, { points, seconds }, redis, redisGuard) } : {};
  let draining = false;
  const ctx: AuthContext = {
    config,
    settings,
    log,
    keys,
    store,
    oidc:
      settings.access.has('oidc') && config.OIDC_ISSUER
        ? createOidc({
            issuer: config.OIDC_ISSUER,
            audience: settings.oidcAudience,
            insecure: config.PROFILE === 'development',
            now,
            log,
          })
        : undefined,
    limits: {
      ...limiter('ip', config.RATE_PER_IP),
      ...limiter('user', config.RATE_PER_USER),
      ...limiter('key', config.RATE_PER_KEY),
      ...limiter('guest', config.GUEST_LOGINS_PER_IP, 3600),
    },
    turnNodes,
    turnSecret: () => turnSigner.secret(),
    now,
    draining: () => draining,
  };

  const app = await buildApp(ctx, metrics, telemetry);
  cleanup.defer(async () => {
    draining = true;
    await app.close();
  });
  if (overrides.listen !== false) await app.listen({ host: config.HOST, port: config.PORT });
  const address = app.server.address() as AddressInfo | null;
  const port = address?.port ?? 0;
  log.info(
    { event: 'start', port, access: [...settings.access], keys: source.description, store: store.kind },
    'auth is up',
  );
  const resources = cleanup.move();
  return {
    url: port ? `http://127.0.0.1:${port}` : '',
    port,
    app,
    store,
    refreshKeys: () => keys.refresh(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function buildApp(ctx: AuthContext, metrics: Metrics, telemetry: Telemetry): Promise<FastifyInstance> {
  const app = Fastify({
    loggerInstance: ctx.log,
    // Only problems are worth a line each; the audit log tells the rest.
    logController: new LogController({ disableRequestLogging: true }),
    // A number would be taken as `trust nobody` by Fastify 5.12; the count is the operator's word for what stands in front.
    trustProxy: (_address: string, hop: number) => hop < ctx.config.TRUSTED_PROXIES,
    bodyLimit: BODY_LIMIT,
    requestTimeout: 10_000,
    connectionTimeout: 30_000,
    keepAliveTimeout: 72_000, // over the 60 s of the load balancer in front
    forceCloseConnections: 'idle',
    // Ours always: an id from outside would be written to the log.
    genReqId: () => randomUUID(),
    requestIdHeader: false,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false, keywords: [] } },
  } as object) as unknown as FastifyInstance;
  registerProblems(app);
  traceRequests(app, telemetry, metrics);
  registerAuthentication(app, ctx);
  await app.register(helmet, {
    // Nothing here is ever a page.
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    referrerPolicy: { policy: 'no-referrer' },
  });
  await app.register(cors, {
    origin: [...ctx.settings.allowedOrigins],
    methods: ['GET', 'POST'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'traceparent'],
    exposedHeaders: ['retry-after'],
    credentials: false,
    maxAge: 600,
  });
  acceptForms(app);
  app.addSchema(ProblemDetails);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Tandem auth',
        version: '1',
        description:
          'Access tokens, refresh, revocation, keys and TURN credentials. Errors are RFC 9457 problem details.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      tags: [{ name: 'tokens' }, { name: 'sessions' }, { name: 'relay' }, { name: 'keys' }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'Access token.' },
          apiKey: {
            type: 'apiKey',
            in: 'header',
            name: 'x-api-key',
            description: 'API key of a backend; also as Bearer.',
          },
        },
      },
    },
    // For load balancers and dashboards, not for clients.
    transform: ({ schema, url }: { schema?: object; url: string }) => ({
      schema: /^\/(health|metrics)/.test(url) ? { ...schema, hide: true } : schema,
      url,
    }),
    refResolver: {
      buildLocalReference: (json: { $id?: unknown }, _base: unknown, _fragment: unknown, i: number) =>
        String(json.$id ?? `def-${i}`),
    },
  } as never);
  metrics.register(app);
  const { oidc } = ctx;
  registerHealth(app, {
    service: 'auth',
    dependencies: {
      keys: () => ctx.keys.health(),
      [ctx.store.kind === 'redis' ? 'redis' : 'store']: () => degradable(ctx.store.health()),
      ...(oidc ? { 'openid-provider': () => degradable(oidc.health()) } : {}),
    },
    draining: ctx.draining,
  });
  // After the plugins are loaded, so that each route is seen by the OpenAPI generator.
  await app.after();
  for (const routes of [
    tokenRoute,
    nonceRoute,
    refreshRoute,
    revokeRoute,
    sessionRoutes,
    iceServerRoutes,
    publicRoutes,
  ])
    routes(app, ctx);
  await app.ready();
  return app;
}

/** Without Redis or the OpenID provider auth goes on with what it knows, so their absence makes it degraded, not down. */
function degradable<T extends { state: string }>(health: T): T {
  return health.state === 'down' ? { ...health, state: 'degraded' } : health;
}
