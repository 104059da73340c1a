/** Login sessions in Redis: a hash for each session, and of each user a sorted set of its sessions by the time they end. */
import { readFileSync } from 'node:fs';
import type { RedisClient } from '@tandem/service';
import {
  MAX_SESSIONS_PER_USER,
  type RefreshHashes,
  type RotateOutcome,
  type RotateRequest,
  type SessionRecord,
  type StoredSession,
} from './store.ts';

const sessionKey = (id: string) => `tandem:auth:session:${id}`;
const userKey = (userId: string) => `tandem:auth:user:${userId}`;

const script = (name: string) => readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
const rotateScript = script('rotate');
const takePlaceScript = script('take-place');

/** Times are seconds since the epoch. */
export class RedisSessions {
  readonly #redis: RedisClient;

  constructor(redis: RedisClient) {
    this.#redis = redis;
  }

  async create(record: SessionRecord, refresh: RefreshHashes, idleSeconds: number, now: number): Promise<void> {
    const redis = this.#redis;
    const seconds = Math.max(1, Math.min(idleSeconds, record.expiresAt - now));
    // The index first: an entry without a session is harmless, a session without an entry could not be revoked by user.
    const entry = [record.id, record.expiresAt, now, MAX_SESSIONS_PER_USER];
    const over = (await redis.eval(takePlaceScript, 1, userKey(record.userId), ...entry)) as string[];
    await Promise.all(over.map((id) => redis.del(sessionKey(id))));
    const key = sessionKey(record.id);
    await redis
      .multi()
      .hset(key, {
        record: JSON.stringify(record),
        family: refresh.family,
        current: refresh.current,
        successor: refresh.successorKey,
        ahead: `${refresh.current} ${refresh.successor}`,
        used: now,
        until: record.expiresAt,
      })
      .expire(key, seconds)
      .exec()
      .then(throwFirst);
  }

  async get(id: string, now: number): Promise<StoredSession | undefined> {
    const fields = ['record', 'used', 'successor', 'family'] as const;
    const [text, lastUsedAt, successorKey, family] = await this.#redis.hmget(sessionKey(id), ...fields);
    if (!text || !successorKey || !family) return undefined;
    const record = JSON.parse(text) as SessionRecord;
    if (record.expiresAt <= now) return undefined;
    // All sessions of a user are ended by way of the index: one that is not in it could not be ended.
    if ((await this.#redis.zscore(userKey(record.userId), id)) === null) return undefined;
    return { record, lastUsedAt: Number(lastUsedAt), successorKey, family };
  }

  async rotate(id: string, request: RotateRequest, idleSeconds: number, now: number): Promise<RotateOutcome> {
    const { family, presented, next, afterNext, retry } = request;
    const args = [family, presented, next, retry, String(now), String(idleSeconds), afterNext];
    return (await this.#redis.eval(rotateScript, 1, sessionKey(id), ...args)) as RotateOutcome;
  }

  async list(userId: string, now: number): Promise<StoredSession[]> {
    const ids = await this.#redis.zrange(userKey(userId), '0', '-1');
    const found = await Promise.all(ids.map((id) => this.get(id, now)));
    return found.filter((s) => s !== undefined);
  }

  async delete(id: string, userId: string): Promise<boolean> {
    const [deleted] = await Promise.all([this.#redis.del(sessionKey(id)), this.#redis.zrem(userKey(userId), id)]);
    return deleted > 0;
  }
}

function throwFirst(results: [error: Error | null, result: unknown][] | null): void {
  const failed = results?.find(([error]) => error);
  if (!results || failed) throw failed?.[0] ?? new Error('transaction aborted');
}
