import { startRedis } from '@tandem/service/testing';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { startTestAuth } from './testing.ts';

test('the contract of the first client: token, validate by header and by query, or 401', async () => {
  await using auth = await startTestAuth();
  const login = await auth.login('ada', { name: 'Ada' });
  const expected = { sub: 'ada', session_id: login.session_id, expires_at: login.expires_at, name: 'Ada' };
  expect((await auth.get('/auth/validate', login.token)).body).toEqual(expected);
  expect((await auth.get(`/auth/validate?token=${login.token}`)).body).toEqual(expected);
  expect((await auth.get('/auth/validate')).status).toBe(401);
  expect((await auth.get('/health/live')).status).toBe(200);
  expect((await auth.get('/health/ready')).body.dependencies).toMatchObject({
    keys: { state: 'up' },
    store: { state: 'up' },
  });
});

test('refresh: one use, reuse ends the family, and a lost answer can be asked for again', async () => {
  await using auth = await startTestAuth();
  const login = await auth.login('ada', { name: 'Ada' });
  const refresh = (refresh_token: string, headers = {}) => auth.post('/auth/refresh', { refresh_token }, headers);
  const second = await refresh(login.refresh_token);
  expect(second.status).toBe(200);
  const claims = decodeJwt(second.body.token);
  expect(claims).toMatchObject({ sub: 'ada', name: 'Ada', session_id: login.session_id });
  expect([Number(claims.exp) - Number(claims.iat), claims.jti === decodeJwt(login.token).jti]).toEqual([600, false]);
  expect(second.body.refresh_token).not.toBe(login.refresh_token);

  // The answer got lost: the same request again, with the same key, has the same answer.
  const key = { 'idempotency-key': 'a-random-key-of-this-request' };
  const third = await refresh(second.body.refresh_token, key);
  const again = await refresh(second.body.refresh_token, key);
  expect(again.status).toBe(200);
  expect(again.body.refresh_token).toBe(third.body.refresh_token);

  // A thief with an old token: the family is revoked, with all its tokens.
  const stolen = await refresh(second.body.refresh_token);
  expect([stolen.status, stolen.body.code]).toEqual([401, 'refresh_reused']);
  expect((await refresh(third.body.refresh_token)).status).toBe(401);
  expect((await auth.get('/auth/validate', third.body.token)).body.code).toBe('token_revoked');
  expect((await auth.get('/auth/ice-servers', third.body.token)).status).toBe(401);
  // Another session of the same user is untouched.
  expect((await auth.get('/auth/validate', (await auth.login('ada')).token)).status).toBe(200);
});

test('a guess at a refresh token throws nobody out, and uses up nobody’s limit', async () => {
  await using auth = await startTestAuth({ RATE_PER_USER: 3 });
  const login = await auth.login('ada');
  const [, id, family = '', turn = ''] = login.refresh_token.split('.');
  const other = (text: string) => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`);
  for (let i = 0; i < 5; i++)
    expect((await auth.post('/auth/refresh', { refresh_token: `tr1.${id}.${other(family)}.${turn}` })).body.code).toBe(
      'refresh_refused',
    );
  expect((await auth.post('/auth/revoke', { token: `tr1.${id}.${other(family)}.${turn}` })).body).toEqual({
    revoked: false,
  });
  expect((await auth.post('/auth/refresh', { refresh_token: login.refresh_token })).status).toBe(200);
});

test('revoke: one token, a session, a user; each ends what it names and nothing more', async () => {
  const { key, record } = newApiKey();
  await using auth = await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) });
  const backend = { 'x-api-key': key };
  const login = async (userId: string) =>
    (await auth.post('/auth/token', { userId, name: 'A. Lovelace' }, backend)).body;
  const good = async (token: string) => (await auth.get('/auth/validate', token)).status === 200;
  const [a, b, c, eve] = [await login('ada'), await login('ada'), await login('ada'), await login('eve')];

  expect((await auth.post('/auth/revoke', { token: a.token })).body).toEqual({ revoked: true });
  expect(await good(a.token)).toBe(false);
  const fresh = (await auth.post('/auth/refresh', { refresh_token: a.refresh_token })).body;
  expect(await good(fresh.token)).toBe(true);

  const mine = { authorization: `Bearer ${fresh.token}` };
  const listed = (await auth.get('/auth/sessions', fresh.token)).body.sessions;
  expect(listed).toHaveLength(3);
  expect(
    listed.filter((s: { current: boolean }) => s.current).map((s: { session_id: string }) => s.session_id),
  ).toEqual([a.session_id]);
  expect((await auth.post('/auth/revoke', { session_id: b.session_id }, mine)).status).toBe(200);
  expect(await good(b.token)).toBe(false);
  expect((await auth.post('/auth/refresh', { refresh_token: b.refresh_token })).status).toBe(401);
  expect(await good(c.token)).toBe(true);
  expect((await auth.post('/auth/revoke', { session_id: eve.session_id }, mine)).status).toBe(403);
  expect((await auth.post('/auth/revoke', { user_id: 'eve' }, mine)).status).toBe(403);
  expect((await auth.post('/auth/revoke', { user_id: 'ada' })).status).toBe(401);

  expect((await auth.post('/auth/revoke', { user_id: 'ada' }, backend)).status).toBe(200);
  expect([await good(fresh.token), await good(c.token), await good(eve.token)]).toEqual([false, false, true]);
  expect((await auth.post('/auth/refresh', { refresh_token: c.refresh_token })).status).toBe(401);
  // Not locked out: a new login works in the very same second, and can be refreshed.
  const back = await login('ada');
  expect(await good(back.token)).toBe(true);
  expect((await auth.post('/auth/refresh', { refresh_token: back.refresh_token })).status).toBe(200);

  const audit = auth.logged.filter((l) => l.event === 'audit');
  expect(audit.filter((l) => l.action === 'revoke').map((l) => l.reason)).toEqual(['token', 'session', 'user']);
  const ids = ['action', 'method', 'sub', 'sessionId', 'jti', 'keyId', 'reason', 'requestId'];
  const frame = ['level', 'time', 'pid', 'hostname', 'name', 'msg', 'event', 'reqId'];
  for (const line of audit) expect(Object.keys(line).filter((k) => !ids.includes(k) && !frame.includes(k))).toEqual([]);
  const everything = JSON.stringify(auth.logged);
  for (const secret of [key, a.token, a.refresh_token, fresh.refresh_token, 'Lovelace'])
    expect(everything).not.toContain(secret);
});

test('guests of one name cannot see or end each other', async () => {
  await using auth = await startTestAuth();
  const [a, b] = [await auth.login('ada'), await auth.login('ada')];
  const as = { authorization: `Bearer ${a.token}` };
  expect((await auth.get('/auth/sessions', a.token)).body.sessions).toHaveLength(1);
  expect((await auth.post('/auth/revoke', { user_id: 'ada' }, as)).status).toBe(403);
  expect((await auth.post('/auth/revoke', { session_id: b.session_id }, as)).status).toBe(403);
  expect((await auth.post('/auth/revoke', { session_id: a.session_id }, as)).status).toBe(200);
  expect((await auth.get('/auth/validate', b.token)).status).toBe(200);
});

test('two processes on one Redis behave as one', async () => {
  await using redis = await startRedis();
  const { mkdtempSync } = await import('node:fs');
  const keys = `file:${mkdtempSync('/tmp/tandem-two-')}/keys.json`;
  const shared = { REDIS_URL: redis.url, KEY_SOURCE: keys, RATE_PER_USER: 40 };
  await using one = await startTestAuth(shared);
  await using two = await startTestAuth(shared);
  expect((await one.get('/.well-known/jwks.json')).body).toEqual((await two.get('/.well-known/jwks.json')).body);
  const login = await one.login('ada');
  expect((await two.get('/auth/validate', login.token)).status).toBe(200);
  const next = await two.post('/auth/refresh', { refresh_token: login.refresh_token });
  expect(next.status).toBe(200);
  expect((await one.post('/auth/refresh', { refresh_token: login.refresh_token })).body.code).toBe('refresh_reused');
  await expect
    .poll(async () => (await two.get('/auth/validate', next.body.token)).body.code, { timeout: 10_000 })
    .toBe('token_revoked');
  // One limit for both.
  const statuses: number[] = [];
  const { token: bob } = await one.login('bob');
  for (let i = 0; i < 50; i++) statuses.push((await (i % 2 ? one : two).get('/auth/ice-servers', bob)).status);
  expect(statuses.filter((s) => s === 200)).toHaveLength(40);
  expect(statuses.at(-1)).toBe(429);

  // Redis away: tokens are still issued and checked; what needs the store says so.
  redis.kill('SIGKILL');
  const without = await one.post('/auth/token', { userId: 'eve' });
  expect([without.status, without.body.refresh_token]).toEqual([200, undefined]);
  expect((await two.get('/auth/validate', without.body.token)).status).toBe(200);
  const away = await one.post('/auth/refresh', { refresh_token: login.refresh_token });
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '2']);
  expect((await one.get('/health/ready')).status).toBe(200);
});

test('rotates keys while clients go on: every token is accepted by every process, always', async () => {
  let clock = Date.now();
  const { mkdtempSync } = await import('node:fs');
  const config = { KEY_SOURCE: `file:${mkdtempSync('/tmp/tandem-rotate-')}/keys.json`, KEY_ROTATION_DAYS: 1 };
  const overrides = { now: () => clock, keyRefreshMs: 3_600_000 };
  await using one = await startTestAuth(config, overrides);
  await using two = await startTestAuth(config, overrides);
  const kids = new Set<unknown>();
  let last: { token: string; at: number }[] = [];
  for (let minute = 0; minute < 3 * 24 * 60; minute += 7) {
    clock += 7 * 60_000;
    // They ask their source at different times.
    await (minute % 2 ? one : two).refreshKeys();
    const auth = minute % 3 ? one : two;
    last = [...last.filter((t) => clock - t.at < 600_000), { token: (await auth.login('ada')).token, at: clock }];
    for (const { token } of last) {
      kids.add(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid);
      for (const checker of [one, two]) expect((await checker.get('/auth/validate', token)).status).toBe(200);
    }
  }
  expect(kids.size).toBeGreaterThanOrEqual(3);
  expect((await one.get('/.well-known/jwks.json')).body.keys.length).toBeLessThanOrEqual(2);
});
