/** What belongs to a room stays as long as the room is in use. */
import { startRedis } from '@tandem/service/testing';
import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { createRedisBackplane } from './redis.ts';
import { RedisKeys } from './redis-keys.ts';
import { OPEN_RULES } from './testing/contract-support.ts';

test('B-38 the lock and the size of a room that is read stay longer than a day', async () => {
  await using server = await startRedis();
  await using backplane = createRedisBackplane({ url: server.url });
  await backplane.start('a', { onBatch: () => {}, onStale: () => {} });
  const redis = new Redis(server.url);
  await using _closed = { [Symbol.asyncDispose]: async () => redis.disconnect() };
  const [, places, , settings] = new RedisKeys('tandem').room('r');
  const member = (peerId: string) => ({ peerId, node: 'a', epoch: 1, order: 1, awayFor: 0, info: '{}' });
  const join = (peerId: string, rule = {}) =>
    backplane.joinRoom('r', member(peerId), { limit: 50, loginSession: `login of ${peerId}`, ...rule });
  await backplane.writeSettings('r', { rules: { ...OPEN_RULES, entry: 'locked' }, doc: '{}' }, 'new');
  await join('host', { moderates: true, roomSize: 2 });
  // A day less three seconds has passed.
  for (const key of [places, settings]) await redis.pexpire(key, 3000);
  await join('guest', { moderates: true });
  await backplane.readRoom('r', -1);
  for (const key of [places, settings]) expect(await redis.pttl(key), key).toBeGreaterThan(80_000_000);
  expect(await join('stranger')).toMatchObject({ ok: false, reason: 'locked' });
  expect(await join('second host', { moderates: true })).toMatchObject({ ok: false, reason: 'full' });
});
