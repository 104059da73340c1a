/** What auth does when Redis forgets: a real failover that lost the last writes, and replies that were lost. */
import { mkdtempSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { connectRedis, REVOCATION_STREAM } from '@tandem/service';
import { failOverWithout, startCluster, startRedis, startSentinel } from '@tandem/service/testing';
import { expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey, startTestAuth, type TestAuth } from './testing.ts';

const refresh = (auth: TestAuth, refresh_token: string, headers = {}) =>
  auth.post('/auth/refresh', { refresh_token }, headers);
const reasons = (auth: TestAuth) => auth.logged.filter((l) => l.action === 'refresh').map((l) => l.reason);

/** Resolves when Redis serves again: until then a login has no refresh token. */
const whenServed = (auth: TestAuth) =>
  expect.poll(async () => (await auth.login('zoe')).refresh_token, { timeout: 30_000 }).toBeDefined();

test('A-15 a failover that lost a rotation ends no session; a used token still does', { timeout: 90_000 }, async () => {
  await using group = await startSentinel();
  await using auth = await startTestAuth({ REDIS_URL: group.url });
  const [ada, bob, eve] = [await auth.login('ada'), await auth.login('bob'), await auth.login('eve')];
  const newest = await failOverWithout(group, async () => {
    const of = async (login: typeof ada) => (await refresh(auth, login.refresh_token)).body;
    return { ada: await of(ada), bob: await of(bob), eve: await of(eve) };
  });

  await whenServed(auth);
  const second = await refresh(auth, newest.ada.refresh_token);
  expect([second.status, second.body.code]).toEqual([200, undefined]);
  expect(reasons(auth).at(-1)).toBe('rotation_lost');
  expect((await auth.get('/auth/validate', newest.ada.token)).status).toBe(200);
  const third = await refresh(auth, second.body.refresh_token);
  expect([third.status, reasons(auth).at(-1)]).toEqual([200, undefined]);

  // A copy of the token that was used before the failover, when its owner has been here since.
  expect((await refresh(auth, newest.bob.refresh_token)).status).toBe(200);
  expect((await refresh(auth, bob.refresh_token)).body.code).toBe('refresh_reused');
  expect((await auth.get('/auth/validate', newest.bob.token)).body.code).toBe('token_revoked');

  // The thief is first: it gets what the owner has, so one of them is second with it.
  const copy = await refresh(auth, eve.refresh_token);
  expect(copy.body.refresh_token).toBe(newest.eve.refresh_token);
  expect((await refresh(auth, newest.eve.refresh_token)).status).toBe(200);
  expect((await refresh(auth, copy.body.refresh_token)).body.code).toBe('refresh_reused');
});

/** In front of Redis: loses the first reply with `text` that comes after `arm()`, and its connection; and leads to another server. */
async function startLossyFront(first: number) {
  let target = first;
  const sockets = new Set<Socket>();
  let armed = '';
  let lost = 0;
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket);
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (!armed || !data.includes(armed)) return void client.write(data);
      armed = '';
      lost++;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `redis://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/0`,
    arm: (text: string) => {
      armed = text;
    },
    lost: () => lost,
    move: (to: number) => {
      target = to;
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('A-15 a rotation whose reply was lost with its connection is answered, without a key of the client too', async () => {
  await using redis = await startRedis();
  await using front = await startLossyFront(redis.port);
  await using auth = await startTestAuth({ REDIS_URL: front.url });
  const login = await auth.login('ada');
  front.arm('rotated');
  const second = await refresh(auth, login.refresh_token);
  expect([second.status, second.body.code, front.lost()]).toEqual([200, undefined, 1]);
  const third = await refresh(auth, second.body.refresh_token);
  expect(third.status).toBe(200);
  // Another request with that token is a second use, as ever.
  expect((await refresh(auth, second.body.refresh_token)).body.code).toBe('refresh_reused');
  expect((await auth.get('/auth/validate', third.body.token)).body.code).toBe('token_revoked');
});

/** Settings of tasks that run beside each other. */
const together = (url: string) => ({
  REDIS_URL: url,
  KEY_SOURCE: `file:${mkdtempSync('/tmp/tandem-failover-')}/keys.json`,
});
const statusOf = async (auth: TestAuth, token: string) => (await auth.get('/auth/validate', token)).status;
const whenRefused = (auth: TestAuth, token: string) =>
  expect.poll(() => statusOf(auth, token), { timeout: 30_000 }).toBe(401);

test('A-16 revocations that a failover lost are in force for tasks that start later, and their sessions stay ended', {
  timeout: 120_000,
}, async () => {
  await using group = await startSentinel();
  const { key, record } = newApiKey();
  const config = { ...together(group.url), ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) };
  const backend = { 'x-api-key': key };
  await using one = await startTestAuth(config);
  await using two = await startTestAuth(config);
  const logIn = async (userId: string) => (await one.post('/auth/token', { userId }, backend)).body;
  const [ada, bob, eve] = [await logIn('ada'), await logIn('bob'), await logIn('eve')];
  await failOverWithout(group, async () => {
    const revoked = { revoked: true };
    expect((await one.post('/auth/revoke', { token: ada.refresh_token })).body).toEqual(revoked);
    expect((await one.post('/auth/revoke', { user_id: 'bob' }, backend)).body).toEqual(revoked);
    await whenRefused(two, bob.token);
  });

  await using late = await startTestAuth(config);
  for (const { token, session_id, refresh_token } of [ada, bob]) {
    await whenRefused(late, token);
    const stored = () => late.store.getSession(session_id, Math.floor(Date.now() / 1000));
    await expect.poll(stored, { timeout: 30_000 }).toBeUndefined();
    expect((await refresh(late, refresh_token)).status).toBe(401);
  }
  expect([await statusOf(late, eve.token), (await refresh(late, eve.refresh_token)).status]).toEqual([200, 200]);

  const entries = async () =>
    JSON.stringify(
      await group.administer(group.servers[1] as (typeof group.servers)[0], 'XRANGE', REVOCATION_STREAM, '-', '+'),
    ).match(/\{.*?\}/g) ?? [];
  // Tokens that a task gave to bob's session before it knew are revoked with it: those of the user end with their time.
  expect((await entries()).join()).toContain(bob.session_id);
  const mark = async () => {
    const { token } = await logIn('zoe');
    await late.post('/auth/revoke', { token });
    // A task reads this when it has given back all that it had to.
    await whenRefused(one, token);
    await whenRefused(two, token);
    return (await entries()).length;
  };
  // They answer none of each other's entries: with each mark comes that mark alone.
  await expect.poll(async () => -(await mark()) + (await mark()), { timeout: 30_000 }).toBe(1);
});

test('A-16 also on a Redis Cluster', {
  timeout: 120_000,
}, async () => {
  await using group = await startCluster({ replicas: true });
  const config = together(group.url);
  await using auth = await startTestAuth(config);
  const login = await auth.login('ada');
  const [first] = group.servers;
  if (!first) throw new Error('no server');
  const slot = Number(await group.administer(first, 'CLUSTER', 'KEYSLOT', REVOCATION_STREAM));
  const primary = [5461, 10_923, 16_384].findIndex((end) => slot < end);
  await failOverWithout(
    group,
    async () => expect((await auth.post('/auth/revoke', { token: login.token })).body).toEqual({ revoked: true }),
    { primary, replica: primary + 3 },
  );
  await using late = await startTestAuth(config);
  await whenRefused(late, login.token);
});

test('A-16 also where the client connects to another server before any read fails', { timeout: 60_000 }, async () => {
  await using primary = await startRedis();
  await using replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
  await using front = await startLossyFront(primary.port);
  const config = together(front.url);
  await using auth = await startTestAuth(config);
  const login = await auth.login('ada');
  const direct = connectRedis(replica.url);
  await expect.poll(() => direct.dbsize(), { timeout: 20_000 }).toBeGreaterThan(1);
  await auth.post('/auth/revoke', { token: (await auth.login('bob')).token });
  await expect.poll(() => direct.xlen(REVOCATION_STREAM), { timeout: 20_000 }).toBe(1);
  await direct.call('REPLICAOF', 'NO', 'ONE');
  expect((await auth.post('/auth/revoke', { token: login.token })).body).toEqual({ revoked: true });
  front.move(replica.port);
  await expect.poll(() => direct.xlen(REVOCATION_STREAM), { timeout: 20_000 }).toBe(2);
  direct.disconnect();
  await using late = await startTestAuth(config);
  expect(await statusOf(late, login.token)).toBe(401);
});
