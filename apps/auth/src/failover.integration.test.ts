/** What auth does when Redis forgets: a real failover that lost the last writes, and replies that were lost. */
import { connect, createServer, type Socket } from 'node:net';
import { failOverWithout, startRedis, startSentinel } from '@tandem/service/testing';
import { expect, test } from 'vitest';
import { startTestAuth, type TestAuth } from './testing.ts';

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

/** In front of Redis: loses the first reply with `text` that comes after `arm()`, and its connection. */
async function startLossyFront(target: number) {
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
