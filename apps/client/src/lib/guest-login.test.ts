/** A guest's login against the real auth service. */
import { startTestAuth, type TestAuth } from '@tandem/auth/testing';
import { decodeJwt } from 'jose';
import { afterEach, expect, test, vi } from 'vitest';
import { readRuntimeConfig } from '../config.ts';
import { GuestLogin } from './guest-login.ts';

const realFetch = globalThis.fetch;
afterEach(() => vi.unstubAllGlobals());

const loginOf = (auth: TestAuth) => {
  vi.stubGlobal('location', { origin: auth.url });
  return new GuestLogin(
    readRuntimeConfig({ authUrl: auth.url }, () => {}),
    { userId: 'ada', name: 'Ada' },
  );
};
const sessionOf = ({ token }: { token: string }) => decodeJwt(token).session_id;

test('tokens of a page are of one login, also when two are asked for at once', async () => {
  await using auth = await startTestAuth({ GUEST_LOGINS_PER_IP: 1 });
  const login = loginOf(auth);
  const first = await login.next();
  expect(decodeJwt(first.token)).toMatchObject({ sub: 'ada', name: 'Ada' });
  const [second, same] = await Promise.all([login.next(), login.next()]);
  expect(same.token).toBe(second.token);
  expect([second.token === first.token, sessionOf(second)]).toEqual([false, sessionOf(first)]);
  expect(sessionOf(await login.next())).toBe(sessionOf(first));
});

test('an answer that was lost costs no login: the refresh is repeated as the same request', async () => {
  await using auth = await startTestAuth({ GUEST_LOGINS_PER_IP: 1 });
  const login = loginOf(auth);
  const first = await login.next();
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    await realFetch(url, init);
    throw new TypeError('lost');
  });
  await expect(login.next()).rejects.toThrow('lost');
  vi.stubGlobal('fetch', realFetch);
  expect(sessionOf(await login.next())).toBe(sessionOf(first));
  // The next one is another request.
  expect(sessionOf(await login.next())).toBe(sessionOf(first));
});

test('a refresh that is refused for good leads to a login, a busy service does not, and its store that is away does', async () => {
  await using auth = await startTestAuth();
  const login = loginOf(auth);
  const first = await login.next();
  const answers = (status: number) =>
    vi.stubGlobal('fetch', async (url: string, init: RequestInit) =>
      url.endsWith('/auth/refresh') ? new Response('{}', { status }) : realFetch(url, init),
    );
  answers(429);
  await expect(login.next()).rejects.toMatchObject({ status: 429 });
  vi.stubGlobal('fetch', realFetch);
  expect(sessionOf(await login.next())).toBe(sessionOf(first));
  answers(503);
  const second = await login.next();
  expect(sessionOf(second)).not.toBe(sessionOf(first));
  answers(401);
  expect(sessionOf(await login.next())).not.toBe(sessionOf(second));
});
