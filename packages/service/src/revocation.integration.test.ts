import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { connectAgain, connectRedis } from './redis.ts';
import {
  publishRevocation,
  type Revocation,
  RevocationSet,
  revocationApplies,
  watchRevocations,
} from './revocation.ts';
import { REVOCATION_STREAM } from './revocation-stream.ts';
import { startCluster, startRedis } from './testing/index.ts';

const now = () => Math.floor(Date.now() / 1000);
const claims = { jti: 'j', session_id: 's', sub: 'u', iat: 1000 };

test('applies to a token, all of a session, and what a user had before', () => {
  const of = (kind: Revocation['kind'], id: string, at = 1000): Revocation => ({ kind, id, at, exp: 9999 });
  expect(revocationApplies(of('jti', 'j'), claims)).toBe(true);
  expect(revocationApplies(of('jti', 's'), claims)).toBe(false);
  expect(revocationApplies(of('session', 's'), claims)).toBe(true);
  expect(revocationApplies(of('user', 'u'), claims)).toBe(true);
  expect(revocationApplies(of('user', 'u', 999), claims)).toBe(false);
});

test('forgets a revocation when no token it hits can live, and keeps the wider of two', () => {
  const set = new RevocationSet();
  expect(set.add({ kind: 'user', id: 'u', at: 1000, exp: 2000 }, 1000)).toBe(true);
  expect(set.add({ kind: 'user', id: 'u', at: 900, exp: 1900 }, 1000)).toBe(false);
  expect(set.isRevoked(claims)).toBe(true);
  set.add({ kind: 'jti', id: 'x', at: 1, exp: 9e9 }, 5000);
  expect(set.isRevoked(claims)).toBe(false);
  expect(set.size).toBe(1);
});

test('a later revocation that ends earlier, as a shorter life of tokens was set, keeps what the one before hits', () => {
  const set = new RevocationSet();
  set.add({ kind: 'user', id: 'u', at: 1000, exp: 4600, relay: { user: 'r', until: 9000 } }, 1000);
  expect(set.add({ kind: 'user', id: 'u', at: 1010, exp: 1310 }, 1010)).toBe(true);
  set.add({ kind: 'jti', id: 'x', at: 2000, exp: 9e9 }, 2000);
  expect([set.isRevoked(claims), set.isRevoked({ ...claims, iat: 1010 })]).toEqual([true, true]);
  expect(set.values()[0]).toMatchObject({ at: 1010, exp: 4600, relay: { until: 9000 } });
  // Its relay credentials are valid for longer than its tokens, and may have to be told to a relay again.
  set.add({ kind: 'jti', id: 'y', at: 8000, exp: 9e9 }, 8000);
  expect(set.values().map(({ id }) => id)).toEqual(['u', 'x', 'y']);
});

test('a relay that starts hears of all whose credentials are still valid, however many came since, and of nothing that is over', async () => {
  await using redis = await startRedis();
  const client = connectRedis(redis.url);
  const [day, old] = [86_400, now() - 4 * 3600];
  const add = (id: string, until: number, number: number) => {
    const entry = { kind: 'session', id, at: old, exp: old + 720, relay: { user: id, until } };
    return client.xadd(REVOCATION_STREAM, `${old * 1000 + number}-1`, 'r', JSON.stringify(entry));
  };
  // Redis removes whole nodes of its stream, of 100 entries.
  for (let i = 0; i < 120; i++) await add(`day-${i}`, old + day, i);
  for (let i = 0; i < 120; i++) await add(`over-${i}`, old + 600, 200 + i);
  await publishRevocation(client, {
    kind: 'session',
    id: 'new',
    exp: now() + 720,
    relay: { user: 'n', until: now() + day },
  });
  await publishRevocation(client, { kind: 'jti', id: 'of a guest', exp: now() + 720 });
  const heard: string[] = [];
  await using watch = watchRevocations({ connect: () => connectAgain(client) }, ({ id }) => heard.push(id));
  await watch.ready;
  expect(heard).toEqual([...Array.from({ length: 120 }, (_, i) => `day-${i}`), 'new', 'of a guest']);
  // Where credentials are short, as by default, the stream is short as well.
  await publishRevocation(client, {
    kind: 'jti',
    id: 'short',
    exp: now() + 720,
    relay: { user: 'n', until: now() + 600 },
  });
  expect(await client.xlen(REVOCATION_STREAM)).toBeLessThan(100);
  client.disconnect();
});

test('reaches watchers at once, catches up late ones, and survives a restart of Redis', async () => {
  await using redis = await startRedis();
  const client = connectRedis(redis.url);
  client.on('error', () => {});
  const heard: string[] = [];
  {
    await using early = watchRevocations({ connect: () => connectAgain(client) }, (r) => heard.push(r.id));
    await early.ready;
    expect(early.health().state).toBe('up');
    await publishRevocation(client, { kind: 'jti', id: 'j', exp: now() + 600 });
    await expect.poll(() => early.isRevoked(claims), { timeout: 10_000, interval: 5 }).toBe(true);
    await client.xadd(REVOCATION_STREAM, '*', 'r', 'not json');
    await client.xadd(REVOCATION_STREAM, '*', 'r', '{"kind":"all"}');
    await using late = watchRevocations({ connect: () => connectAgain(client) });
    await late.ready;
    expect(late.isRevoked(claims)).toBe(true);

    await redis.restart();
    expect(early.isRevoked(claims)).toBe(true);
    await expect
      .poll(
        () =>
          publishRevocation(client, { kind: 'session', id: 's9', exp: now() + 600 }).then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    await expect.poll(() => early.isRevoked({ ...claims, jti: '-', session_id: 's9' }), { timeout: 20_000 }).toBe(true);
    await expect.poll(() => late.isRevoked({ ...claims, jti: '-', session_id: 's9' }), { timeout: 20_000 }).toBe(true);
  }
  expect(heard).toEqual(['j', 's9']);
  client.disconnect();
});

test('works on a Redis Cluster', { timeout: 90_000 }, async () => {
  await using cluster = await startCluster();
  const client = connectRedis(cluster.url);
  client.on('error', () => {});
  {
    await using watch = watchRevocations({ connect: () => connectAgain(client) });
    await watch.ready;
    await expect
      .poll(
        () =>
          publishRevocation(client, { kind: 'user', id: 'u', exp: now() + 600 }).then(
            () => true,
            () => false,
          ),
        { timeout: 30_000 },
      )
      .toBe(true);
    await expect.poll(() => watch.isRevoked(claims), { timeout: 30_000 }).toBe(true);
  }
  client.disconnect();
});

test('without Redis, follows the feed of auth from its cursor', async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const first = !request.url?.includes('after');
    response.end(
      JSON.stringify({ cursor: '1', revocations: first ? [{ kind: 'jti', id: 'j', at: 1, exp: now() + 600 }] : [] }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  {
    await using watch = watchRevocations({
      feedUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    });
    await watch.ready;
    expect(watch.isRevoked(claims)).toBe(true);
    await expect.poll(() => asked).toContain('/internal/revocations?after=1');
    server.closeAllConnections();
    server.close();
    await expect.poll(() => watch.health().state, { timeout: 10_000 }).toBe('down');
    expect(watch.isRevoked(claims)).toBe(true);
  }
});
