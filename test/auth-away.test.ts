/** Auth is away: who is in stays, who has a token comes in, and a node that starts meanwhile comes into service by itself. */
import { startTestAuth } from '@tandem/auth/testing';
import { freePort, startRedis } from '@tandem/service/testing';
import { startTestNode } from '@tandem/signaling/testing';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { join, refusal } from './support/revocation.ts';

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

test('a node that starts meanwhile is live and not ready, says 503 at the door, and recovers', async () => {
  await using before = await startTestAuth();
  const { token } = await before.login('ada');
  const port = await freePort();
  const jwksUrl = `http://127.0.0.1:${port}/.well-known/jwks.json`;
  await using node = await startTestNode({ keys: { jwksUrl } });
  const url = `http://127.0.0.1:${node.port}`;
  const health = async (kind: string) => (await fetch(`${url}/health/${kind}`)).status;
  expect([await health('live'), await health('ready'), await health('startup')]).toEqual([200, 503, 503]);
  // Not 401: the token is good, and the client shall come again with it.
  expect(await refusal(url, token)).toBe(503);
  await using auth = await startTestAuth({ PORT: port });
  await expect.poll(() => health('ready'), { timeout: 60_000 }).toBe(200);
  expect(await health('startup')).toBe(200);
  expect(await refusal(url, (await auth.login('ada')).token)).toBe(0);
});
