import { randomBytes } from 'node:crypto';
import { connectRedis, UnavailableError } from '@tandem/service';
import { startRedis } from '@tandem/service/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createMemoryStore } from './memory.ts';
import { createRedisStore } from './redis.ts';
import type { AuthStore, SessionRecord } from './store.ts';

const now = () => Math.floor(Date.now() / 1000);
const record = (id: string, userId = 'ada', life = 1000): SessionRecord => ({
  id,
  userId,
  method: 'oidc',
  createdAt: now(),
  expiresAt: now() + life,
});
const hashes = { family: 'F', current: 'c1', successor: 'c2', successorKey: 'k' };
/** A use of the n-th token of such a session. */
const turnOf = (n: number) => ({
  family: 'F',
  presented: `c${n}`,
  next: `c${n + 1}`,
  afterNext: `c${n + 2}`,
  retry: '',
});
const unique = () => randomBytes(6).toString('hex');

describe.each(['memory', 'redis'])('store contract: %s', (kind) => {
  let store: AuthStore;
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  beforeAll(async () => {
    if (kind === 'redis') redis = await startRedis();
    store = redis ? await createRedisStore(connectRedis(redis.url)) : createMemoryStore();
  });
  afterAll(async () => {
    await store[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  test('keeps a session until it ends', async () => {
    const id = unique();
    await store.createSession(record(id), hashes, 500, now());
    expect(await store.getSession(id, now())).toMatchObject({ record: { id, userId: 'ada' }, successorKey: 'k' });
    expect(await store.getSession(id, now() + 1000)).toBeUndefined();
    expect(await store.getSession('no', now())).toBeUndefined();
    expect(await store.deleteSession(id, 'ada')).toBe(true);
    expect(await store.deleteSession(id, 'ada')).toBe(false);
  });

  test('rotates once; a used token ends the session, a guess does not', async () => {
    const id = unique();
    await store.createSession(record(id), hashes, 500, now());
    const rotate = (turn: number, more = {}) => store.rotate(id, { ...turnOf(turn), ...more }, 500, now());
    expect(await rotate(1, { family: 'X' })).toBe('unknown');
    expect(await rotate(1, { retry: 'r1' })).toBe('rotated');
    expect(await rotate(1, { retry: 'r1' })).toBe('retry');
    expect(await rotate(2)).toBe('rotated');
    expect(await rotate(1, { retry: 'r1' })).toBe('reused');
    expect(await rotate(3)).toBe('unknown');
    expect(await store.getSession(id, now())).toBeUndefined();
  });

  test('the token after the present one stands for a rotation that was lost, once; no other does', async () => {
    const start = async () => {
      const id = unique();
      await store.createSession(record(id), hashes, 500, now());
      return (turn: number, more = {}) => store.rotate(id, { ...turnOf(turn), ...more }, 500, now());
    };
    const rotate = await start();
    expect(await rotate(2, { family: 'X' })).toBe('unknown');
    expect(await rotate(2, { retry: 'r' })).toBe('restored');
    expect(await rotate(2, { retry: 'r' })).toBe('retry');
    expect(await rotate(3)).toBe('rotated');
    expect(await rotate(5)).toBe('restored');
    // A copy of the one that was lost: the session is over, for whoever has the newest too.
    expect(await rotate(4)).toBe('reused');
    expect(await rotate(6)).toBe('unknown');

    const twice = await start();
    expect(await twice(2)).toBe('restored');
    expect(await twice(2)).toBe('reused');

    const before = await start();
    expect(await before(2)).toBe('restored');
    expect(await before(1)).toBe('reused');

    const far = await start();
    expect(await far(3)).toBe('reused');
  });

  test('of many that present one token at once, one wins', async () => {
    const id = unique();
    await store.createSession(record(id), hashes, 500, now());
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, i) => store.rotate(id, { ...turnOf(1), next: `n${i}` }, 500, now())),
    );
    expect(outcomes.filter((o) => o === 'rotated')).toHaveLength(1);
    expect(outcomes.filter((o) => o === 'reused')).toHaveLength(1);
  });

  test('lists the sessions of one user', async () => {
    const user = unique();
    const ids = [unique(), unique(), unique()];
    for (const id of ids) await store.createSession(record(id, user), hashes, 500, now());
    await store.deleteSession(ids[1] ?? '', user);
    expect((await store.listSessions(user, now())).map((s) => s.record.id).sort()).toEqual([ids[0], ids[2]].sort());
    expect(await store.listSessions('nobody', now())).toEqual([]);
  });

  test('a user has a hundred sessions; beyond them the one that would end first is over, and those that ended take no place', async () => {
    const user = unique();
    const of = (i: number) => `${user}-${i}`;
    for (let i = 0; i < 100; i++) await store.createSession(record(of(i), user, 2000 + i), hashes, 5000, now());
    for (let i = 40; i < 50; i++) await store.deleteSession(of(i), user);
    for (let i = 100; i < 110; i++) await store.createSession(record(of(i), user, 2000 + i), hashes, 5000, now());
    expect(await store.listSessions(user, now())).toHaveLength(100);
    // One that ends before all others: it stays, as somebody has just logged in.
    await store.createSession(record('brief', user, 50), hashes, 5000, now());
    expect(await store.getSession('brief', now())).toBeDefined();
    expect(await store.getSession(of(0), now())).toBeUndefined();
    expect(await store.getSession(of(1), now())).toBeDefined();
    expect(await store.listSessions(user, now())).toHaveLength(100);
    expect(await store.rotate(of(0), turnOf(1), 500, now())).toBe('unknown');
    // The brief one has not taken the place of the longer ones with it.
    expect(await store.listSessions(user, now() + 60)).toHaveLength(99);
  });

  test('gives a nonce back once, and says who is first once', async () => {
    await store.putNonce('n', 100, now());
    expect(await store.takeNonce('n', now())).toBe(true);
    expect(await store.takeNonce('n', now())).toBe(false);
    expect(await store.first('x', 100, now())).toBe(true);
    expect(await store.first('x', 100, now())).toBe(false);
  });

  test('keeps API keys, and revocations are in force when revoke resolves', async () => {
    const key = { id: 'k1', hash: 'h', grants: {}, users: '*', createdAt: 1 };
    await store.putApiKey(key);
    await store.putApiKey({ ...key, revokedAt: 2 });
    expect(await store.getApiKey('k1')).toEqual({ ...key, revokedAt: 2 });
    expect(await store.listApiKeys()).toHaveLength(1);
    expect(await store.getApiKey('k2')).toBeUndefined();
    await store.revoke({ kind: 'jti', id: 'j', exp: now() + 100 });
    expect(store.revocations.isRevoked({ jti: 'j', session_id: 's', sub: 'u', iat: now() })).toBe(true);
    expect(store.health().state).toBe('up');
  });
});

test('a frozen Redis is left alone after some timeouts, and asked again when it is back', async () => {
  await using redis = await startRedis();
  await using store = await createRedisStore(connectRedis(redis.url));
  redis.kill('SIGSTOP');
  const why = () =>
    store.getSession('s', 0).then(
      () => 'answered',
      (e: Error) => (e.cause as { reason?: string }).reason ?? String(e.cause),
    );
  // None of these is refused at once: they run together.
  await Promise.all(Array.from({ length: 5 }, why));
  expect(await why()).toBe('breaker-open');
  redis.kill('SIGCONT');
  await expect.poll(why, { timeout: 20_000 }).toBe('answered');
});

test('says unavailable, soon, while Redis is away, and recovers', async () => {
  await using redis = await startRedis();
  await using store = await createRedisStore(connectRedis(redis.url));
  redis.kill('SIGKILL');
  await expect(store.getSession('x', now())).rejects.toBeInstanceOf(UnavailableError);
  await expect.poll(() => store.health().state, { timeout: 10_000 }).toBe('down');
  await redis.restart();
  await expect
    .poll(
      () =>
        store.getSession('x', now()).then(
          () => 'ok',
          () => 'away',
        ),
      { timeout: 20_000 },
    )
    .toBe('ok');
});

test('a session without its place is none: what could not be ended with all of its user is not refreshed', async () => {
  await using redis = await startRedis();
  await using store = await createRedisStore(connectRedis(redis.url));
  await store.createSession(record('s1'), hashes, 500, now());
  const client = connectRedis(redis.url);
  // As an earlier version cut it off, or a failover lost it.
  await client.zrem('tandem:auth:user:ada', 's1');
  expect(await store.getSession('s1', now())).toBeUndefined();
  // A place lasts as long as the longest session, whichever was made last.
  await store.createSession(record('long', 'bob', 9000), hashes, 500, now());
  await store.createSession(record('short', 'bob', 10), hashes, 500, now());
  expect(await client.ttl('tandem:auth:user:bob')).toBeGreaterThan(8000);
  client.disconnect();
});

test('tasks of an earlier version beside this one: what either writes the other rotates, and no used token counts as a lost one', async () => {
  await using redis = await startRedis();
  await using store = await createRedisStore(connectRedis(redis.url));
  const client = connectRedis(redis.url);
  const key = 'tandem:auth:session:s1';
  const rotate = (turn: number) => store.rotate('s1', turnOf(turn), 500, now());
  /** All that an earlier version wrote. */
  const earlier = (turn: number) =>
    client.hset(key, { current: `c${turn + 1}`, previous: `c${turn}`, retry: '', used: now() });
  const start = () => store.createSession(record('s1'), hashes, 500, now());
  await start();
  await client.hdel(key, 'ahead');
  expect(await rotate(1)).toBe('rotated');
  await earlier(2);
  expect(await rotate(3)).toBe('rotated');
  await earlier(4);
  await earlier(5);
  // The last that this version wrote is that after c4 comes c5; it has been used since.
  expect(await rotate(5)).toBe('reused');
  await start();
  await earlier(1);
  expect(await rotate(2)).toBe('rotated');
  await start();
  await client.hdel(key, 'ahead');
  expect(await rotate(2)).toBe('reused');
  client.disconnect();
});

test('stores no token in the clear', async () => {
  await using redis = await startRedis();
  await using store = await createRedisStore(connectRedis(redis.url));
  const { firstRefreshToken } = await import('../refresh-token.ts');
  const first = firstRefreshToken('s1');
  await store.createSession(record('s1'), first.hashes, 500, now());
  const client = connectRedis(redis.url);
  const stored = JSON.stringify(await client.hgetall('tandem:auth:session:s1'));
  client.disconnect();
  const [, , family = '', turn = ''] = first.token.split('.');
  expect(stored).not.toContain(family);
  expect(stored).not.toContain(turn);
});
