import { expect, test } from 'vitest';
import { createRateLimiter, ipKey } from './rate-limit.ts';
import { connectRedis } from './redis.ts';
import { guard } from './resilience.ts';
import { startCluster, startRedis } from './testing/index.ts';

test('one IPv4 address or one IPv6 /64 is one client', () => {
  expect(ipKey('192.0.2.7')).toBe('192.0.2.7');
  expect(ipKey('::ffff:192.0.2.7')).toBe('192.0.2.7');
  expect(ipKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  expect(ipKey('2001:db8:1:2::1')).toBe('2001:db8:1:2::/64');
  expect(ipKey('2001:0db8:0001:0002:ffff::')).toBe('2001:db8:1:2::/64');
  expect(ipKey('2001:db8::1')).toBe('2001:db8:0:0::/64');
  expect(ipKey('::1')).toBe('0:0:0:0::/64');
  expect(ipKey('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
  expect(ipKey('nonsense')).toBe('unknown');
});

test('counts together through Redis, and goes on in memory while it is away', async () => {
  await using redis = await startRedis();
  const [a, b] = [connectRedis(redis.url), connectRedis(redis.url)];
  for (const client of [a, b]) client.on('error', () => {});
  const limit = { points: 4, seconds: 600 };
  const [one, two] = [createRateLimiter('t', limit, a), createRateLimiter('t', limit, b)];
  const answers: (number | undefined)[] = [];
  for (const limiter of [one, two, one, two, one, two]) answers.push(await limiter.take('x'));
  expect(answers.map((n) => n === undefined)).toEqual([true, true, true, true, false, false]);
  expect(answers[5]).toBeGreaterThan(500);
  expect(await two.take('y')).toBeUndefined();
  redis.kill('SIGKILL');
  const away: boolean[] = [];
  for (let i = 0; i < 6; i++) away.push((await one.take('z')) === undefined);
  expect(away).toEqual([true, true, true, true, false, false]);
  a.disconnect();
  b.disconnect();
});

test('a frozen Redis is waited for by few: the guard opens and the limits go on in memory', async () => {
  await using redis = await startRedis();
  const client = connectRedis(redis.url);
  client.on('error', () => {});
  const guarded = guard({ name: 'redis', attempts: 1, timeoutMs: 200, failures: 3, openMs: 60_000 });
  const limiter = createRateLimiter('t', { points: 4, seconds: 600 }, client, guarded);
  expect(await limiter.take('x')).toBeUndefined();
  redis.kill('SIGSTOP');
  const allowed: boolean[] = [];
  for (let i = 0; i < 6; i++) allowed.push((await limiter.take('y')) === undefined);
  expect(guarded.state).toBe('open');
  expect(allowed).toEqual([true, true, true, true, false, false]);
  client.disconnect();
});

test('two processes count together on a Redis Cluster', { timeout: 90_000 }, async () => {
  await using cluster = await startCluster();
  const clients = [connectRedis(cluster.url), connectRedis(cluster.url)];
  for (const client of clients) client.on('error', () => {});
  const limiters = clients.map((client) => createRateLimiter('c', { points: 4, seconds: 600 }, client));
  // Keys of many slots.
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const allowed: boolean[] = [];
    for (let i = 0; i < 6; i++) allowed.push((await limiters[i % 2]?.take(key)) === undefined);
    expect([key, ...allowed]).toEqual([key, true, true, true, true, false, false]);
  }
  for (const client of clients) client.disconnect();
});
