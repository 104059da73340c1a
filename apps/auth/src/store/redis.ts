/** What auth remembers, in Redis: shared by all auth processes. One key per operation, so it works on a Cluster. */
import { readFileSync } from 'node:fs';
import {
  connectAgain,
  type Guard,
  guard,
  HealthRecord,
  type Logger,
  publishRevocation,
  type RedisClient,
  UnavailableError,
  watchRevocations,
} from '@tandem/service';
import {
  type ApiKeyRecord,
  type AuthStore,
  MAX_SESSIONS_PER_USER,
  type SessionRecord,
  type StoredSession,
} from './store.ts';

const PREFIX = 'tandem:auth';
const sessionKey = (id: string) => `${PREFIX}:session:${id}`;
const userKey = (userId: string) => `${PREFIX}:user:${userId}`;
const API_KEYS = `${PREFIX}:api-keys`;

const script = (name: string) => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const rotateScript = script('rotate');
const takePlaceScript = script('take-place');

/** One for everything that asks this Redis. A frozen one takes commands and never answers: each would wait out its timeout. */
export function guardRedis(log?: Logger): Guard {
  const many = 1000;
  return guard({ name: 'redis', attempts: 1, openMs: 1000, concurrency: many, queue: many, log });
}

export async function createRedisStore(redis: RedisClient, guarded = guardRedis()): Promise<AuthStore> {
  const health = new HealthRecord('down', 'not asked yet');
  async function probe() {
    const start = performance.now();
    try {
      await redis.get(`${PREFIX}:probe`);
      health.latencyMs = Math.round(performance.now() - start);
      health.become('up');
    } catch (error) {
      health.become('down', error instanceof Error ? error.message : String(error));
    }
  }
  redis.on('error', () => {}); // told by the health probe
  const timer = setInterval(() => void probe(), 2000);
  timer.unref();
  const watch = watchRevocations({ connect: () => connectAgain(redis) });
  await Promise.all([probe(), watch.ready]);

  const away = (cause?: unknown) =>
    new UnavailableError('Redis is away', { dependency: 'The session store', retryAfter: 2, cause });
  async function ask<T>(work: () => Promise<T>): Promise<T> {
    if (/reconnecting|close|end/.test(redis.status)) throw away();
    try {
      return await guarded.run(work);
    } catch (error) {
      throw away(error);
    }
  }
  async function read(id: string, now: number): Promise<StoredSession | undefined> {
    const fields = ['record', 'used', 'successor', 'family'] as const;
    const [text, lastUsedAt, successorKey, family] = await redis.hmget(sessionKey(id), ...fields);
    if (!text || !successorKey || !family) return undefined;
    const record = JSON.parse(text) as SessionRecord;
    if (record.expiresAt <= now) return undefined;
    // All of a user is ended by way of the places: what has none could not be ended.
    if ((await redis.zscore(userKey(record.userId), id)) === null) return undefined;
    return { record, lastUsedAt: Number(lastUsedAt), successorKey, family };
  }

  return {
    kind: 'redis',
    revocations: watch.set,
    createSession: (record, refresh, idleSeconds, now) =>
      ask(async () => {
        const seconds = Math.max(1, Math.min(idleSeconds, record.expiresAt - now));
        const key = sessionKey(record.id);
        // The index first: an entry without a session is harmless, a session without an entry could not be revoked by user.
        const place = [record.id, record.expiresAt, now, MAX_SESSIONS_PER_USER];
        const over = (await redis.eval(takePlaceScript, 1, userKey(record.userId), ...place)) as string[];
        await Promise.all(over.map((id) => redis.del(sessionKey(id))));
        await redis
          .multi()
          .hset(key, {
            record: JSON.stringify(record),
            family: refresh.family,
            current: refresh.current,
            successor: refresh.successorKey,
            used: now,
            until: record.expiresAt,
          })
          .expire(key, seconds)
          .exec()
          .then(throwFirst);
      }),
    getSession: (id, now) => ask(() => read(id, now)),
    rotate: (id, request, idleSeconds, now) =>
      ask(
        async () =>
          (await redis.eval(
            rotateScript,
            1,
            sessionKey(id),
            request.family,
            request.presented,
            request.next,
            request.retry,
            String(now),
            String(idleSeconds),
          )) as 'rotated' | 'retry' | 'reused' | 'unknown',
      ),
    listSessions: (userId, now) =>
      ask(async () => {
        const ids = await redis.zrange(userKey(userId), '0', '-1');
        const found = await Promise.all(ids.map((id) => read(id, now)));
        return found.filter((s) => s !== undefined);
      }),
    deleteSession: (id, userId) =>
      ask(async () => {
        const [deleted] = await Promise.all([redis.del(sessionKey(id)), redis.zrem(userKey(userId), id)]);
        return deleted > 0;
      }),
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
    health: () => health.read(),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await watch[Symbol.asyncDispose]();
      redis.disconnect();
    },
  };
}

function throwFirst(results: [error: Error | null, result: unknown][] | null): void {
  const failed = results?.find(([error]) => error);
  if (!results || failed) throw failed?.[0] ?? new Error('transaction aborted');
}
