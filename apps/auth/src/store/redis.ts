/** What auth remembers, in Redis: shared by all auth processes. One key per operation, so it works on a Cluster. */
import {
  connectAgain,
  type Guard,
  guard,
  HealthRecord,
  type Logger,
  type OnLost,
  publishRevocation,
  type RedisClient,
  UnavailableError,
  watchRevocations,
} from '@tandem/service';
import { RedisSessions } from './redis-sessions.ts';
import type { ApiKeyRecord, AuthStore } from './store.ts';

const PREFIX = 'tandem:auth';
const API_KEYS = `${PREFIX}:api-keys`;

/** One for everything that asks this Redis. A frozen one takes commands and never answers: each would wait out its timeout. */
export function guardRedis(log?: Logger): Guard {
  const many = 1000;
  return guard({ name: 'redis', attempts: 1, openMs: 1000, concurrency: many, queue: many, log });
}

/** @param onLost see {@link watchRevocations} */
export async function createRedisStore(
  redis: RedisClient,
  guarded = guardRedis(),
  onLost?: OnLost,
): Promise<AuthStore> {
  redis.on('error', () => {}); // the health probe reports it
  const probe = probeRedis(redis);
  const watch = watchRevocations({ connect: () => connectAgain(redis) }, () => {}, onLost);
  await Promise.all([probe.first, watch.ready]);
  const ask = askGuarded(redis, guarded);
  const sessions = new RedisSessions(redis);
  return {
    kind: 'redis',
    revocations: watch.set,
    createSession: (...session) => ask(() => sessions.create(...session)),
    getSession: (id, now) => ask(() => sessions.get(id, now)),
    rotate: (...rotation) => ask(() => sessions.rotate(...rotation)),
    listSessions: (userId, now) => ask(() => sessions.list(userId, now)),
    deleteSession: (id, userId) => ask(() => sessions.delete(id, userId)),
    putNonce: (hash, seconds) => ask(async () => void (await redis.set(`${PREFIX}:nonce:${hash}`, '1', 'EX', seconds))),
    takeNonce: (hash) => ask(async () => (await redis.del(`${PREFIX}:nonce:${hash}`)) > 0),
    first: (key, seconds) =>
      ask(async () => (await redis.set(`${PREFIX}:once:${key}`, '1', 'EX', Math.max(1, seconds), 'NX')) === 'OK'),
    getApiKey: (id) =>
      ask(async () => {
        const text = await redis.hget(API_KEYS, id);
        return text ? (JSON.parse(text) as ApiKeyRecord) : undefined;
      }),
    putApiKey: (record) => ask(async () => void (await redis.hset(API_KEYS, record.id, JSON.stringify(record)))),
    listApiKeys: () =>
      ask(async () => Object.values(await redis.hgetall(API_KEYS)).map((text) => JSON.parse(text) as ApiKeyRecord)),
    revoke: (revocation) => ask(async () => void watch.set.add(await publishRevocation(redis, revocation))),
    health: () => probe.health.read(),
    async [Symbol.asyncDispose]() {
      probe.stop();
      await watch[Symbol.asyncDispose]();
      redis.disconnect();
    },
  };
}

/** Runs commands under the breaker. A client that is not connected would queue them: it is asked nothing. */
function askGuarded(redis: RedisClient, guarded: Guard): <T>(work: () => Promise<T>) => Promise<T> {
  const away = (cause?: unknown) =>
    new UnavailableError('Redis is away', { dependency: 'The session store', retryAfter: 2, cause });
  return async (work) => {
    if (/reconnecting|close|end/.test(redis.status)) throw away();
    try {
      return await guarded.run(work);
    } catch (error) {
      throw away(error);
    }
  };
}

/** Reads a key every two seconds, for the health report. */
function probeRedis(redis: RedisClient): { health: HealthRecord; first: Promise<void>; stop(): void } {
  const health = new HealthRecord('down', 'not asked yet');
  const probe = async () => {
    const start = performance.now();
    try {
      await redis.get(`${PREFIX}:probe`);
      health.latencyMs = Math.round(performance.now() - start);
      health.become('up');
    } catch (error) {
      health.become('down', error instanceof Error ? error.message : String(error));
    }
  };
  const timer = setInterval(() => void probe(), 2000);
  timer.unref();
  return { health, first: probe(), stop: () => clearInterval(timer) };
}
