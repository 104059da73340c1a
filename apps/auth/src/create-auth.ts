/** The whole auth service, built by one call. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import {
  connectRedis,
  createLogger,
  createMetrics,
  createRateLimiter,
  type Guard,
  type Logger,
  type OnLost,
  type RedisClient,
  readTurnNodes,
  startServiceTelemetry,
  type TurnNode,
} from '@tandem/service';
import type { FastifyInstance } from 'fastify';
import { createOidc, type Oidc } from './access/oidc.ts';
import { buildApp } from './build-app.ts';
import type { AuthConfig } from './config.ts';
import type { AuthContext } from './context.ts';
import { createKeyRing } from './keys/key-ring.ts';
import type { KeySource } from './keys/key-source.ts';
import { type AwsClients, openKeySource } from './keys/open-source.ts';
import { restoreRevocations } from './restore-revocations.ts';
import { readSettings, type Settings } from './settings.ts';
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

/** Build and start. @throws ConfigError, or when the key source or the port cannot be had */
export async function createAuth(config: AuthConfig, overrides: AuthOverrides = {}): Promise<Auth> {
  const settings = readSettings(config);
  const instance = `auth-${randomUUID().slice(0, 8)}`;
  const metrics = createMetrics({ service: 'auth', node: instance });
  if (overrides.observeProcess) metrics.observeProcess();
  await using cleanup = new AsyncDisposableStack();
  const telemetry = cleanup.use(await startServiceTelemetry(config, { service: 'auth', node: instance }, metrics));
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
  const redis = openRedis(config);
  const redisGuard = guardRedis(log);
  const restore: OnLost = (lost) => restoreRevocations(ctx, lost);
  const store = cleanup.use(redis ? await createRedisStore(redis, redisGuard, restore) : createMemoryStore());

  let draining = false;
  const ctx: AuthContext = {
    config,
    settings,
    log,
    keys,
    store,
    oidc: openOidc(config, settings, { now, log }),
    limits: openLimits(config, redis, redisGuard),
    turnNodes: turnNodeReader(config.TURN_DIRECTORY ? redis : undefined, redisGuard),
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

function openRedis({ REDIS_URL, REDIS_USERNAME, REDIS_PASSWORD }: AuthConfig): RedisClient | undefined {
  return REDIS_URL ? connectRedis(REDIS_URL, { username: REDIS_USERNAME, password: REDIS_PASSWORD }) : undefined;
}

function openOidc(
  config: AuthConfig,
  { access, oidcAudience }: Settings,
  { now, log }: Pick<AuthContext, 'now' | 'log'>,
): Oidc | undefined {
  if (!access.has('oidc') || !config.OIDC_ISSUER) return undefined;
  const insecure = config.PROFILE === 'development';
  return createOidc({ issuer: config.OIDC_ISSUER, audience: oidcAudience, insecure, now, log });
}

/** A limit of 0 points is none. */
function openLimits(config: AuthConfig, redis: RedisClient | undefined, redisGuard: Guard): AuthContext['limits'] {
  const limiter = (name: string, points: number, seconds = 60) =>
    points > 0 ? { [name]: createRateLimiter(`auth-${name}`, { points, seconds }, redis, redisGuard) } : {};
  return {
    ...limiter('ip', config.RATE_PER_IP),
    ...limiter('user', config.RATE_PER_USER),
    ...limiter('key', config.RATE_PER_KEY),
    ...limiter('guest', config.GUEST_LOGINS_PER_IP, 3600),
  };
}

/** Reads the directory of TURN nodes, at most every two seconds; none while it is away or where there is none. */
function turnNodeReader(redis: RedisClient | undefined, redisGuard: Guard): AuthContext['turnNodes'] {
  let nodes: { at: number; value: Promise<readonly TurnNode[]> } | undefined;
  return async () => {
    if (!redis) return [];
    if (!nodes || Date.now() - nodes.at > 2000)
      nodes = { at: Date.now(), value: redisGuard.run(() => readTurnNodes(redis)).catch(() => []) };
    return nodes.value;
  };
}
