/** Viewers against the real auth service with the limits of production, in virtual time. */
import { setImmediate } from 'node:timers/promises';
import { startTestAuth } from '@tandem/auth/testing';
import { decodeJwt } from 'jose';
import { afterEach, expect, test, vi } from 'vitest';
import { readRuntimeConfig } from '../config.ts';
import { ViewerToken } from './viewer-token.ts';

const LIMITS = { RATE_PER_IP: 600, RATE_PER_USER: 120, GUEST_LOGINS_PER_IP: 300 };
const MINUTE = 60_000;

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function startOffice() {
  vi.useFakeTimers({ toFake: ['Date'] });
  const auth = await startTestAuth(LIMITS);
  vi.stubGlobal('location', { origin: auth.url });
  const did = (action: string) => auth.logged.filter((line) => line.event === 'audit' && line.action === action).length;
  const viewer = () =>
    new ViewerToken(
      readRuntimeConfig({ authUrl: auth.url }, () => {}),
      'all-hands',
    );
  return { auth, did, viewer, [Symbol.asyncDispose]: () => auth[Symbol.asyncDispose]() };
}

const endOf = (token: string) => Number(decodeJwt(token).exp) * 1000;

test('75 viewers of one address watch for three hours by one login each, and a guest who comes then may log in', async () => {
  await using office = await startOffice();
  const viewers = Array.from({ length: 75 }, office.viewer);
  for (let minute = 0; minute <= 180; minute += 10) {
    // Each session has ended with its token.
    for (const viewer of viewers) expect(endOf(await viewer.forSession()) - Date.now()).toBeGreaterThan(9 * MINUTE);
    vi.setSystemTime(Date.now() + 10 * MINUTE);
  }
  expect(office.did('issue')).toBe(75);
  expect(decodeJwt(await (viewers[0] as ViewerToken).forSession()).grants).toEqual({
    rooms: ['all-hands'],
    publish: false,
  });
  expect((await office.auth.post('/auth/token', { userId: 'somebody-who-joins-a-call' })).status).toBe(200);
});

test('a player asks for playlists for an hour: its token is good each time, and renewed beside them', async () => {
  await using office = await startOffice();
  const { fetch } = globalThis;
  let answer: Promise<unknown> = Promise.resolve();
  const whole = async (url: string, init: RequestInit) => {
    const response = await fetch(url, init);
    return new Response(await response.text(), response);
  };
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const asked = whole(url, init);
    answer = asked;
    return asked;
  });
  const viewer = office.viewer();
  const tokens = new Set([await viewer.forSession()]);
  for (let second = 0; second < 3600; second += 10) {
    const token = await viewer.forRequest();
    expect(endOf(token)).toBeGreaterThan(Date.now());
    tokens.add(token);
    // Time stands still until what was asked for beside is read.
    await answer;
    await setImmediate();
    vi.setSystemTime(Date.now() + 10_000);
  }
  // Each is good for ten minutes: none was used to its end.
  expect(tokens.size).toBeGreaterThan(7);
  expect(office.did('issue')).toBe(1);
});

test('a viewer that slept has a new token for its next request', async () => {
  await using office = await startOffice();
  const viewer = office.viewer();
  await viewer.forSession();
  vi.setSystemTime(Date.now() + 30 * MINUTE);
  expect(endOf(await viewer.forRequest())).toBeGreaterThan(Date.now());
  expect(office.did('issue')).toBe(1);
});

test('while auth is away a good token goes on; a playlist does not ask auth each time, and a session gets what is left', async () => {
  await using office = await startOffice();
  const viewer = office.viewer();
  const first = await viewer.forSession();
  let asked = 0;
  vi.stubGlobal('fetch', async () => {
    asked++;
    throw new TypeError('away');
  });
  vi.setSystemTime(Date.now() + 6 * MINUTE);
  for (let i = 0; i < 10; i++) expect(await viewer.forRequest()).toBe(first);
  expect(asked).toBe(1);
  expect(await viewer.forSession()).toBe(first);
  vi.setSystemTime(Date.now() + 5 * MINUTE);
  expect(await viewer.forRequest()).toBe(first);
  await expect(viewer.forSession()).rejects.toThrow('away');
  expect(asked).toBe(3);
});

test('a token that was refused is replaced; one whose login was revoked by a new login', async () => {
  await using office = await startOffice();
  const viewer = office.viewer();
  expect(viewer.refused()).toBe(false);
  const first = await viewer.forSession();
  expect(viewer.refused()).toBe(true);
  const second = await viewer.forSession();
  expect(second).not.toBe(first);
  expect(office.did('issue')).toBe(1);
  const headers = { authorization: `Bearer ${second}` };
  const session_id = decodeJwt(second).session_id;
  expect((await office.auth.post('/auth/revoke', { session_id }, headers)).status).toBe(200);
  viewer.refused();
  expect(decodeJwt(await viewer.forSession()).session_id).not.toBe(session_id);
  expect(office.did('issue')).toBe(2);
});
