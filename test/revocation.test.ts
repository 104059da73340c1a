/** A revocation at auth, as a person on a call feels it: through real auth, real signaling and real sockets. */
import { startTestAuth, type TestAuth } from '@tandem/auth/testing';
import { CLOSE_CODES } from '@tandem/protocol';
import { startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';

interface Socket {
  readonly ws: WebSocket;
  readonly closed: Promise<{ code: number; at: number }>;
}

async function join(url: string, token: string, roomId: string): Promise<Socket> {
  const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/signal`, ['signal.v1', `bearer.${token}`]);
  const closed = new Promise<{ code: number; at: number }>((resolve) =>
    ws.on('close', (code) => resolve({ code, at: performance.now() })),
  );
  ws.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    ws.on('open', () => ws.send(JSON.stringify({ type: 'join', roomId })));
    ws.on('message', (data) => {
      if (JSON.parse(String(data)).type === 'joined') resolve();
    });
    void closed.then(({ code }) => reject(new Error(`closed with ${code}`)));
  });
  return { ws, closed };
}

/** How an attempt to come in with this token ends: the close code, or the HTTP status of the refusal. */
function refusal(url: string, token: string): Promise<number> {
  return new Promise((resolve) => {
    const ws = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/signal`, ['signal.v1', `bearer.${token}`]);
    ws.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    ws.on('close', (code) => resolve(code));
    ws.on('error', () => {});
    ws.on('message', (data) => {
      if (JSON.parse(String(data)).type !== 'welcome') return;
      resolve(0);
      ws.close();
    });
  });
}

async function revokeAndWatch(
  auth: TestAuth,
  urls: readonly string[],
  body: (login: { token: string; session_id: string }) => object,
) {
  const login = await auth.login('ada');
  const other = await auth.login('eve');
  const sockets = await Promise.all(urls.map((url, i) => join(url, login.token, `room-${i}-${login.session_id}`)));
  const bystander = await join(urls[0] ?? '', other.token, `room-${login.session_id}`);
  const start = performance.now();
  const answer = await auth.post('/auth/revoke', body(login), { authorization: `Bearer ${login.token}` });
  expect(answer.body).toEqual({ revoked: true });
  const ends = await Promise.all(sockets.map((s) => s.closed));
  expect(ends.map((e) => e.code)).toEqual(ends.map(() => CLOSE_CODES.tokenRefused.code));
  for (const url of urls) expect([401, 403, CLOSE_CODES.tokenRefused.code]).toContain(await refusal(url, login.token));
  expect((await auth.get('/auth/ice-servers', login.token)).status).toBe(401);
  expect(bystander.ws.readyState).toBe(WebSocket.OPEN);
  bystander.ws.close();
  return Math.round(Math.max(...ends.map((e) => e.at)) - start);
}

test('with Redis: a revoked token or session closes on every node with 4001, within a second on an idle machine', async () => {
  await using redis = await startRedis();
  const config = { REDIS_URL: redis.url };
  await using auth = await startTestAuth(config);
  await using one = await startTestNode({ keys: auth, config });
  await using two = await startTestNode({ keys: auth, config });
  const urls = [`http://127.0.0.1:${one.port}`, `http://127.0.0.1:${two.port}`];
  const token = await revokeAndWatch(auth, urls.slice(0, 1), (login) => ({ token: login.token }));
  const session = await revokeAndWatch(auth, urls.slice(1), (login) => ({ session_id: login.session_id }));
  console.log(`revocation to close, with Redis: token ${token} ms, session ${session} ms`);
  // A stream read wakes at once; anything near this means that news came by polling or reconnection.
  expect(Math.max(token, session)).toBeLessThan(10_000);
});

test('without Redis: signaling hears it from the feed of auth', async () => {
  await using auth = await startTestAuth();
  await using node = await startTestNode({ keys: auth });
  const session = await revokeAndWatch(auth, [`http://127.0.0.1:${node.port}`], (login) => ({
    session_id: login.session_id,
  }));
  console.log(`revocation to close, without Redis: ${session} ms`);
});

test('auth is down: sockets stay, valid tokens come in, revoked ones do not', async () => {
  await using redis = await startRedis();
  const config = { REDIS_URL: redis.url };
  const auth = await startTestAuth(config);
  await using node = await startTestNode({ keys: auth, config });
  const url = `http://127.0.0.1:${node.port}`;
  const [ada, bob, eve] = [await auth.login('ada'), await auth.login('bob'), await auth.login('eve')];
  const before = await join(url, ada.token, 'r');
  await auth.post('/auth/revoke', { token: eve.token });
  await expect.poll(() => refusal(url, eve.token), { timeout: 20_000 }).not.toBe(0);
  await auth[Symbol.asyncDispose]();
  const after = await join(url, bob.token, 'r');
  expect(before.ws.readyState).toBe(WebSocket.OPEN);
  expect(await refusal(url, eve.token)).not.toBe(0);
  before.ws.close();
  after.ws.close();
});
