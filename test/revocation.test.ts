/** A revocation at auth, as a person on a call feels it: through real auth, real signaling, real sockets and a real relay. */
import { formatApiKeyEntry, newApiKey, startTestAuth, type TestAuth } from '@tandem/auth/testing';
import { CLOSE_CODES } from '@tandem/protocol';
import { startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { join, refusal, startRelay, TURN_SECRET } from './support/revocation.ts';

async function revokeAndWatch(
  auth: TestAuth,
  urls: readonly string[],
  body: (login: { token: string; session_id: string }) => object,
) {
  const login = await auth.login('ada');
  const other = await auth.login('eve');
  const sockets = await Promise.all(urls.map((url, i) => join(url, login.token, `room-${i}-${login.session_id}`)));
  const bystander = await join(urls[0] ?? '', other.token, `room-${login.session_id}`);
  const answer = await auth.post('/auth/revoke', body(login), { authorization: `Bearer ${login.token}` });
  expect(answer.body).toEqual({ revoked: true });
  const ends = await Promise.all(sockets.map((s) => s.closed));
  expect(ends.map((e) => e.code)).toEqual(ends.map(() => CLOSE_CODES.tokenRefused.code));
  for (const url of urls) expect([401, 403, CLOSE_CODES.tokenRefused.code]).toContain(await refusal(url, login.token));
  expect((await auth.get('/auth/ice-servers', login.token)).status).toBe(401);
  expect(bystander.ws.readyState).toBe(WebSocket.OPEN);
  bystander.ws.close();
}

test('with Redis: a revoked token or session closes on every node with 4001', async () => {
  await using redis = await startRedis();
  const config = { REDIS_URL: redis.url };
  await using auth = await startTestAuth(config);
  await using one = await startTestNode({ keys: auth, config });
  await using two = await startTestNode({ keys: auth, config });
  const urls = [`http://127.0.0.1:${one.port}`, `http://127.0.0.1:${two.port}`];
  await revokeAndWatch(auth, urls.slice(0, 1), (login) => ({ token: login.token }));
  await revokeAndWatch(auth, urls.slice(1), (login) => ({ session_id: login.session_id }));
});

test('with Redis: a revoked user is out on every node, and comes in again by a new login', async () => {
  await using redis = await startRedis();
  const config = { REDIS_URL: redis.url };
  const { key, record } = newApiKey();
  await using auth = await startTestAuth({ ...config, ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) });
  await using one = await startTestNode({ keys: auth, config });
  await using two = await startTestNode({ keys: auth, config });
  const backend = { 'x-api-key': key };
  const login = async (userId: string) => (await auth.post('/auth/token', { userId }, backend)).body.token as string;
  const [phone, laptop, eve] = [await login('ada'), await login('ada'), await login('eve')];
  const urls = [`http://127.0.0.1:${one.port}`, `http://127.0.0.1:${two.port}`] as const;
  const ends = [await join(urls[0], phone, 'r'), await join(urls[1], laptop, 'r')].map((socket) => socket.closed);
  const bystander = await join(urls[1], eve, 'r');
  await auth.post('/auth/revoke', { user_id: 'ada' }, backend);
  for (const { code } of await Promise.all(ends)) expect(code).toBe(CLOSE_CODES.tokenRefused.code);
  for (const url of urls) for (const token of [phone, laptop]) expect(await refusal(url, token)).not.toBe(0);
  expect(bystander.ws.readyState).toBe(WebSocket.OPEN);
  bystander.ws.close();
  expect(await refusal(urls[0], await login('ada'))).toBe(0);
});

test('without Redis: signaling hears it from the feed of auth', async () => {
  await using auth = await startTestAuth();
  await using node = await startTestNode({ keys: auth });
  await revokeAndWatch(auth, [`http://127.0.0.1:${node.port}`], (login) => ({ session_id: login.session_id }));
});

test('the relay is cut: by token, session, user and by refresh token that was used twice; of that session alone where it is one', async () => {
  await using redis = await startRedis();
  await using relay = await startRelay(redis.url);
  const { key, record } = newApiKey();
  await using auth = await startTestAuth({
    ACCESS: 'api-key',
    API_KEYS: formatApiKeyEntry(record),
    REDIS_URL: redis.url,
    TURN_DIRECTORY: true,
    TURN_SECRETS: TURN_SECRET,
  });
  const backend = { 'x-api-key': key };
  type Login = Awaited<ReturnType<TestAuth['login']>>;
  const logIn = async (userId: string): Promise<Login> => (await auth.post('/auth/token', { userId }, backend)).body;
  using phone = await relay.allocate(auth, (await logIn('ada')).token);
  using eve = await relay.allocate(auth, (await logIn('eve')).token);
  const ways: ((login: Login) => Promise<unknown>)[] = [
    (login) => auth.post('/auth/revoke', { token: login.token }),
    (login) => auth.post('/auth/revoke', { session_id: login.session_id }, { authorization: `Bearer ${login.token}` }),
    async ({ refresh_token }) => {
      await auth.post('/auth/refresh', { refresh_token });
      await auth.post('/auth/refresh', { refresh_token });
    },
  ];
  for (const end of ways) {
    const login = await logIn('ada');
    using allocation = await relay.allocate(auth, login.token);
    expect(await allocation.refresh()).toBe(0);
    await end(login);
    await expect.poll(() => allocation.refresh(), { timeout: 60_000 }).toBe(437);
    await expect(relay.allocate(auth, login.token)).rejects.toThrow('auth answered 401');
  }
  expect([await phone.refresh(), await eve.refresh()]).toEqual([0, 0]);
  await auth.post('/auth/revoke', { user_id: 'ada' }, backend);
  // A login in the same second is not hit: not by this, nor by what comes behind it in the stream.
  using again = await relay.allocate(auth, (await logIn('ada')).token);
  await expect.poll(() => phone.refresh(), { timeout: 60_000 }).toBe(437);
  expect(await eve.refresh()).toBe(0);
  await auth.post('/auth/revoke', { user_id: 'eve' }, backend);
  await expect.poll(() => eve.refresh(), { timeout: 60_000 }).toBe(437);
  expect(await again.refresh()).toBe(0);
});

test('a guest ends the relay of no other guest, whatever id it takes', async () => {
  await using redis = await startRedis();
  await using relay = await startRelay(redis.url);
  await using auth = await startTestAuth({ REDIS_URL: redis.url, TURN_DIRECTORY: true, TURN_SECRETS: TURN_SECRET });
  const [ada, other] = [await auth.login('ada'), await auth.login('ada')];
  using hers = await relay.allocate(auth, ada.token);
  using its = await relay.allocate(auth, other.token);
  await auth.post('/auth/revoke', { token: other.refresh_token });
  await expect.poll(() => its.refresh(), { timeout: 60_000 }).toBe(437);
  expect(await hers.refresh()).toBe(0);
});

test('a guest revoked by its id: the relay of each of its sessions ends, that of another guest of its address goes on', async () => {
  await using redis = await startRedis();
  await using relay = await startRelay(redis.url);
  const { key, record } = newApiKey();
  await using auth = await startTestAuth({
    ...{ ACCESS: 'open,api-key', API_KEYS: formatApiKeyEntry(record), GUEST_RELAY_GROUPS: 1 },
    ...{ REDIS_URL: redis.url, TURN_DIRECTORY: true, TURN_SECRETS: TURN_SECRET },
  });
  const [one, two, eve] = [await auth.login('bob'), await auth.login('bob'), await auth.login('eve')];
  using phone = await relay.allocate(auth, one.token);
  using laptop = await relay.allocate(auth, two.token);
  using other = await relay.allocate(auth, eve.token);
  await auth.post('/auth/revoke', { user_id: 'guest:bob' }, { 'x-api-key': key });
  using again = await relay.allocate(auth, (await auth.login('bob')).token);
  for (const allocation of [phone, laptop])
    await expect.poll(() => allocation.refresh(), { timeout: 60_000 }).toBe(437);
  expect([await other.refresh(), await again.refresh()]).toEqual([0, 0]);
});
