/** Rate limits that all processes share through Redis, and that go on in memory while Redis is away. */
import { isIPv4, isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { RedisClient } from './redis.ts';
import type { Guard } from './resilience.ts';

export interface RateLimit {
  /** Requests allowed … */
  readonly points: number;
  /** … in this time, seconds. */
  readonly seconds: number;
}

export interface RateLimiter {
  /**
   * Take points.
   * @returns seconds to wait, or undefined when it is allowed
   */
  take(key: string, points?: number): Promise<number | undefined>;
}

/** One client, one key: IPv4 as it is; IPv6 by its /64 (a subscriber has 2^64 addresses); anything else shares one key. */
export function ipKey(address: string): string {
  const ip = address.split('%')[0] ?? '';
  if (isIPv4(ip)) return ip;
  if (!isIPv6(ip)) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped?.[1]) return mapped[1];
  const [head = '', tail] = ip.split('::');
  const left = head ? head.split(':') : [];
  const right = tail ? tail.split(':') : [];
  // A dotted tail counts as two groups; only the first four matter here.
  const groups =
    tail === undefined ? left : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  const first = groups.slice(0, 4).map((g) => (Number.parseInt(g, 16) || 0).toString(16));
  return `${first.join(':')}::/64`;
}

/**
 * @param name part of the Redis key; one counter for all processes that use the same name
 * @param redis absent: this process only
 * @param guard in front of Redis, shared with its other users, so that few calls wait for a frozen one
 */
export function createRateLimiter(name: string, limit: RateLimit, redis?: RedisClient, guard?: Guard): RateLimiter {
  const memory = new RateLimiterMemory({ keyPrefix: name, points: limit.points, duration: limit.seconds });
  const shared = redis
    ? new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `tandem:rate:${name}`,
        points: limit.points,
        duration: limit.seconds,
        // A key that is far over is refused from memory, so a flood does not reach Redis.
        inMemoryBlockOnConsumed: limit.points * 2 + 1,
        inMemoryBlockDuration: Math.min(limit.seconds, 10),
      })
    : undefined;
  return {
    async take(key, points = 1) {
      const from = (limiter: RateLimiterMemory | RateLimiterRedis) =>
        limiter.consume(key.slice(0, 200), points).then(
          () => undefined,
          (error: unknown) => {
            if (error instanceof RateLimiterRes) return Math.max(1, Math.ceil(error.msBeforeNext / 1000));
            throw error;
          },
        );
      // A cut-off client would make every request wait for its reconnection.
      if (shared && redis && !/reconnecting|close|end/.test(redis.status)) {
        try {
          return await (guard ? guard.run(() => from(shared)) : from(shared));
        } catch {
          // Redis is away: the limits go on in this process.
        }
      }
      return from(memory);
    },
  };
}
