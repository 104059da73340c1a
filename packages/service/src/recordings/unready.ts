/**
 * Recordings without an event that they are over: `tandem:{recordings}:unready` is a sorted set of them by when to look next, ms. Signaling nodes write
 * and read it, as they alone may read both what is kept of a recording and the cache; media nodes and composers cannot.
 */
import type { RedisClient } from '../redis.ts';
import { RECORDING_ID } from './running.ts';

const KEY = 'tandem:{recordings}:unready';
/** Most of them. Beyond, the one that was to be looked at first gets no event. */
const MOST = 100_000;
/** Taken at once. */
const TAKEN = 20;
/** Who took one and died has it no longer than this, ms. */
const TAKEN_MS = 30_000;

export interface Unready {
  readonly roomId: string;
  readonly id: string;
}

const write = ({ roomId, id }: Unready) => `${id} ${roomId}`;
function read(text: string): Unready[] {
  const [, id, roomId] = /^(\S+) (.+)$/.exec(text) ?? [];
  return id !== undefined && roomId !== undefined && new RegExp(RECORDING_ID).test(id) ? [{ id, roomId }] : [];
}

/** From now on it is looked at. @throws when Redis is away */
export async function awaitEnd(redis: RedisClient, one: Unready): Promise<void> {
  await redis.zadd(KEY, Date.now(), write(one));
  await redis.zremrangebyrank(KEY, 0, -MOST - 1);
}

const TAKE = `
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, one in ipairs(found) do redis.call('ZADD', KEYS[1], ARGV[2], one) end
return found`;

/** Those to look at now, which no other node looks at meanwhile. @throws when Redis is away */
export async function takeUnready(redis: RedisClient, now: number): Promise<Unready[]> {
  const found = (await redis.eval(TAKE, 1, KEY, now, now + TAKEN_MS, TAKEN)) as string[];
  return found.flatMap(read);
}

/** Not over: it is looked at again. @param at ms since the epoch @throws when Redis is away */
export async function lookLater(redis: RedisClient, one: Unready, at: number): Promise<void> {
  await redis.zadd(KEY, 'XX', at, write(one));
}

/** Was told of, or is gone. @throws when Redis is away */
export async function forgetUnready(redis: RedisClient, one: Unready): Promise<void> {
  await redis.zrem(KEY, write(one));
}
