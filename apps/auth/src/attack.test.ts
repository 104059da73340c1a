/** What an attacker tries, and what it gets. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@tandem/service';
import { decodeJwt, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import { expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { AuthConfig } from './config.ts';
import { createAuth } from './create-auth.ts';
import { startTestAuth, type TestAuth } from './testing.ts';

const part = (o: object) => Buffer.from(JSON.stringify(o)).toString('base64url');

test('forged, expired and confused tokens are refused wherever a token is taken', async () => {
  let clock = Date.now();
  const keyFile = join(mkdtempSync(join(tmpdir(), 'tandem-attack-')), 'keys.json');
  await using auth = await startTestAuth({ KEY_SOURCE: `file:${keyFile}` }, { now: () => clock });
  const { token } = await auth.login('ada');
  const [header = '', payload = '', signature = ''] = token.split('.');
  const { kid } = JSON.parse(Buffer.from(header, 'base64url').toString());
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  const evil = await generateKeyPair('ES256', { extractable: true });
  const jwk = await exportJWK(evil.publicKey);
  const published = (await auth.get('/.well-known/jwks.json')).body.keys[0];
  const sign = (head: object) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid, ...head }).sign(evil.privateKey);
  const ring = JSON.parse(readFileSync(keyFile, 'utf8')).keys[0].jwk;
  /** With our own key: what another service that shares it, or an older version, might have signed. */
  const own = async (more: object, head: object = {}) =>
    new SignJWT({ ...claims, ...more })
      .setProtectedHeader({ alg: 'ES256', kid, ...head })
      .sign(await importJWK(ring, 'ES256'));
  const hmac = (key: string) => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid }).sign(Buffer.from(key));
  const table: [string, string][] = [
    ['no signature', `${header}.${payload}.`],
    ['alg none', `${part({ alg: 'none', kid })}.${payload}.`],
    ['alg NONE', `${part({ alg: 'NONE', kid })}.${payload}.${signature}`],
    ['HMAC over the public key', await hmac(JSON.stringify(published))],
    ['HMAC over its x', await hmac(published.x)],
    ['another key', await sign({})],
    ['another key, embedded', await sign({ jwk })],
    ['another key, by URL', await sign({ jku: 'http://127.0.0.1:1/jwks' })],
    ['another key, by certificate URL', await sign({ x5u: 'http://127.0.0.1:1/cert' })],
    ['another key, by certificate', await sign({ x5c: ['AAAA'] })],
    ['another key, encrypted by its header', await sign({ enc: 'A256GCM' })],
    ['an unencoded payload', `${part({ alg: 'ES256', kid, b64: false, crit: ['b64'] })}.${payload}.${signature}`],
    ['a critical extension', `${part({ alg: 'ES256', kid, crit: ['x'], x: 1 })}.${payload}.${signature}`],
    ['an RSA algorithm', `${part({ alg: 'RS256', kid })}.${payload}.${signature}`],
    ['another tenant’s issuer', await own({ iss: 'other' })],
    ['another tenant’s audience', await own({ aud: 'other' })],
    ['no expiry', await own({ exp: undefined })],
    ['from the future', await own({ iat: claims.iat + 3600 })],
    ['a session token of ours for a logout', await own({}, { typ: 'logout+jwt' })],
    ['another kid', await sign({ kid: 'mine' })],
    ['a path as kid', await sign({ kid: '../../../dev/null' })],
    ['changed subject', `${header}.${part({ ...claims, sub: 'eve' })}.${signature}`],
    ['added grants', `${header}.${part({ ...claims, grants: { kick: true } })}.${signature}`],
    ['changed header', `${part({ alg: 'ES256', kid, typ: 'JWT' })}.${payload}.${signature}`],
    ['zero signature', `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`],
    [
      'a JSON serialization',
      Buffer.from(JSON.stringify({ payload, signatures: [{ protected: header, signature }] })).toString('base64url'),
    ],
    ['four parts', `${token}.x`],
    ['a refresh token', (await auth.login('ada')).refresh_token],
    ['dots', '..'],
  ];
  for (const [name, forged] of table) {
    for (const path of ['/auth/validate', '/auth/ice-servers', '/auth/sessions']) {
      const answer = await auth.get(path, forged);
      expect([name, path, answer.status]).toEqual([name, path, 401]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
      expect(JSON.stringify(answer.body)).not.toContain(forged.slice(0, 40) || 'never');
    }
    expect((await auth.get(`/auth/validate?token=${encodeURIComponent(forged)}`)).status).toBe(401);
    expect((await auth.post('/auth/revoke', { token: forged })).body, name).not.toEqual(
      name === 'a refresh token' ? {} : { revoked: true },
    );
    expect((await auth.post('/auth/revoke', { user_id: 'ada' }, { authorization: `Bearer ${forged}` })).status).toBe(
      401,
    );
  }
  expect((await auth.get('/auth/validate', token)).status).toBe(200);
  expect((await auth.get('/auth/validate', await own({}))).status).toBe(200); // so each refusal above had its own reason
  clock += 600_000 + 31_000;
  expect((await auth.get('/auth/validate', token)).body.code).toBe('token_expired');
});

test('malformed and oversized requests are named problems', async () => {
  await using auth = await startTestAuth();
  const table: [string, unknown, number, string | undefined][] = [
    ['no user', {}, 400, '/userId'],
    ['empty user', { userId: '' }, 400, '/userId'],
    ['number', { userId: 7 }, 400, '/userId'],
    ['object', { userId: { $gt: '' } }, 400, '/userId'],
    ['null byte', { userId: 'a\u0000b' }, 400, '/userId'],
    ['newline', { userId: 'a\nset x' }, 400, '/userId'],
    ['half a surrogate', '{"userId":"\\ud800"}', 400, '/userId'],
    ['long user', { userId: 'x'.repeat(121) }, 400, '/userId'],
    ['long name', { userId: 'a', name: 'x'.repeat(65) }, 400, '/name'],
    ['array', [], 400, '/'],
    ['text', '"x"', 400, '/'],
    ['null', 'null', 400, '/'],
    ['broken', '{"userId":', 400, undefined],
    ['prototype', '{"userId":"a","__proto__":{"admin":true}}', 400, undefined],
    ['constructor', '{"userId":"a","constructor":{"prototype":{}}}', 400, undefined],
    ['large', { userId: 'a', name: 'x'.repeat(20_000) }, 413, undefined],
    ['deep', `{"userId":"a","x":${'['.repeat(7000)}${']'.repeat(7000)}}`, 400, '/x'],
    ['misspelled grants', { userId: 'a', grant: { rooms: ['appt-42'] } }, 400, '/grant'],
    ['a life of its own', { userId: 'a', ttl: 5 }, 400, '/ttl'],
    ['a slash in a field', { userId: 'a', 'x/y~z': 5 }, 400, '/x~1y~0z'],
    ['a room that nobody can enter', { userId: 'a', grants: { rooms: ['ok', 'a/b'] } }, 400, '/grants/rooms/1'],
    ['two stars', { userId: 'a', grants: { rooms: ['a**'] } }, 400, '/grants/rooms/0'],
    ['a smaller room for others', { userId: 'a', grants: { maxRoomSize: 2 } }, 403, '/grants/maxRoomSize'],
    ['wanted kick', { userId: 'a', grants: { kick: true } }, 403, '/grants/kick'],
    ['wanted record', { userId: 'a', grants: { record: true } }, 403, '/grants/record'],
    ['a retired grant', { userId: 'a', grants: { operate: true } }, 400, '/grants/operate'],
    ['unknown grant', { userId: 'a', grants: { admin: true } }, 400, '/grants/admin'],
    ['too many rooms', { userId: 'a', grants: { rooms: Array(33).fill('r') } }, 400, '/grants/rooms'],
    ['unknown grant type', { userId: 'a', grant_type: 'password' }, 400, '/grant_type'],
  ];
  for (const [name, body, status, field] of table) {
    const answer = await auth.post('/auth/token', body);
    expect([name, answer.status, status === 200 ? undefined : answer.body.field]).toEqual([name, status, field]);
    if (status !== 200) expect(answer.headers.get('content-type')).toContain('application/problem+json');
  }
  expect((await auth.post('/auth/token', '<x/>', { 'content-type': 'application/xml' })).status).toBe(415);
  expect((await auth.get(`/auth/validate?token=${'a'.repeat(9000)}`)).status).toBe(400);
  expect((await auth.get('/auth/validate?token=a&token=b')).status).toBe(400);
  for (const path of ['/auth/../internal/x', '/auth/%00', '/auth/token', '/.well-known/../keys.json', '/internal/none'])
    expect((await auth.get(path)).status).toBe(404);
});

test('an API key rules its own users and rooms only', async () => {
  const acme = newApiKey({ users: 'acme-*', grants: { rooms: ['acme-*'], kick: true, maxRoomSize: 10 } });
  const rival = newApiKey({ users: 'rival-*', grants: { rooms: ['rival-*'] } });
  const gone = newApiKey({ expiresAt: 1 });
  const config = {
    ACCESS: 'open,api-key',
    API_KEYS: [acme, rival, gone].map((k) => formatApiKeyEntry(k.record)).join(','),
  };
  await using auth = await startTestAuth(config);
  const ask = (key: string, body: object) => auth.post('/auth/token', body, { authorization: `Bearer ${key}` });
  const ok = await ask(acme.key, { userId: 'acme-ada', grants: { rooms: ['acme-1', 'acme-eu-*'] } });
  expect(ok.status).toBe(200);
  const victim = ok.body;
  const table: [string, string, object, number, string][] = [
    ["a rival's user", rival.key, { userId: 'acme-ada' }, 403, '/userId'],
    ["a rival's room", rival.key, { userId: 'rival-x', grants: { rooms: ['acme-1'] } }, 403, '/grants/rooms/0'],
    ['every room', rival.key, { userId: 'rival-x', grants: { rooms: ['*'] } }, 403, '/grants/rooms/0'],
    ['a wider pattern', acme.key, { userId: 'acme-x', grants: { rooms: ['acme-1', 'ac*'] } }, 403, '/grants/rooms/1'],
    ['kick without having it', rival.key, { userId: 'rival-x', grants: { kick: true } }, 403, '/grants/kick'],
    ['a larger room', acme.key, { userId: 'acme-x', grants: { maxRoomSize: 11 } }, 403, '/grants/maxRoomSize'],
    ['a guest by key', acme.key, { userId: 'guest:x' }, 403, '/userId'],
    ['an expired key', gone.key, { userId: 'x' }, 401, 'authorization'],
    [
      'a wrong secret',
      acme.key.replace(/.$/, (c) => (c === 'A' ? 'B' : 'A')),
      { userId: 'acme-x' },
      401,
      'authorization',
    ],
    ['half a key', acme.key.slice(0, 20), { userId: 'acme-x' }, 401, 'authorization'],
    ['an unknown key', newApiKey().key, { userId: 'acme-x' }, 401, 'authorization'],
    ['the hash as a key', `tk_${acme.record.id}_${acme.record.hash}`, { userId: 'acme-x' }, 401, 'authorization'],
  ];
  for (const [name, key, body, status, field] of table) {
    const answer = await ask(key, body);
    expect([name, answer.status, answer.body.field]).toEqual([name, status, field]);
  }
  const asRival = { 'x-api-key': rival.key };
  expect((await auth.post('/auth/revoke', { user_id: 'acme-ada' }, asRival)).status).toBe(403);
  expect((await auth.post('/auth/revoke', { session_id: victim.session_id }, asRival)).status).toBe(403);
  // A guest cannot take the name of a proven user.
  const guest = await auth.login('acme-ada');
  expect((await auth.get('/auth/validate', guest.token)).body.sub).toBe('guest:acme-ada');
  expect((await auth.get('/auth/sessions', guest.token)).body.sessions).toHaveLength(1);
  expect((await auth.get('/auth/validate', victim.token)).status).toBe(200);
});

test('a revoked API key is refused at once, also one from the setting', async () => {
  const { key, record } = newApiKey();
  await using auth = await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) });
  const ask = () => auth.post('/auth/token', { userId: 'ada' }, { 'x-api-key': key });
  expect((await ask()).status).toBe(200);
  await auth.store.putApiKey({ ...record, revokedAt: 1 });
  expect((await ask()).body.code).toBe('api_key');
  expect((await auth.post('/auth/token', { userId: 'ada' })).body.code).toBe('credentials_required');
});

async function until429(auth: TestAuth, path: string, headers: (i: number) => Record<string, string>, most: number) {
  for (let i = 1; i <= most; i++) {
    const answer = await auth.get(path, undefined, headers(i));
    if (answer.status === 429) return { after: i, retryAfter: Number(answer.headers.get('retry-after')) };
  }
  return undefined;
}

test('limits count addresses, the /64 of IPv6, refusals five times, unknown paths too; and users', async () => {
  await using auth = await startTestAuth({ RATE_PER_IP: 50, RATE_PER_USER: 3, TRUSTED_PROXIES: 1 });
  const from = (ip: string) => () => ({ 'x-forwarded-for': ip });
  expect(await until429(auth, '/.well-known/jwks.json', from('192.0.2.1'), 60)).toMatchObject({ after: 51 });
  expect((await until429(auth, '/nowhere', from('192.0.2.2'), 60))?.after).toBeLessThanOrEqual(12);
  expect((await until429(auth, '/auth/validate', from('192.0.2.3'), 60))?.after).toBeLessThanOrEqual(12);
  // A subscriber's 2^64 addresses are one client; what a client itself puts before the proxy's entry does not count.
  const v6 = await until429(auth, '/nowhere', (i) => ({ 'x-forwarded-for': `2001:db8:0:1::${i.toString(16)}` }), 60);
  expect(v6?.after).toBeLessThanOrEqual(12);
  const spoofed = await until429(auth, '/nowhere', (i) => ({ 'x-forwarded-for': `198.51.100.${i}, 192.0.2.9` }), 60);
  expect(spoofed?.after).toBeLessThanOrEqual(12);
  expect((await auth.get('/health/live', undefined, from('192.0.2.1')())).status).toBe(200);
  const { token } = (await auth.post('/auth/token', { userId: 'ada' }, from('203.0.113.9')())).body;
  const statuses = [];
  for (let i = 0; i < 4; i++)
    statuses.push((await auth.get('/auth/ice-servers', token, { 'x-forwarded-for': `203.0.113.${i}` })).status);
  expect(statuses).toEqual([200, 200, 200, 429]);
});

test('nobody uses up a guest’s limits by taking its id; logins of guests are limited by address, the /64 of IPv6', async () => {
  await using auth = await startTestAuth({ RATE_PER_USER: 2, GUEST_LOGINS_PER_IP: 5, TRUSTED_PROXIES: 1 });
  const logIn = (ip: string) => auth.post('/auth/token', { userId: 'ada' }, { 'x-forwarded-for': ip });
  const ada = (await logIn('192.0.2.1')).body;
  const statuses = [];
  for (let i = 0; i < 6; i++) {
    const eve = await logIn(`2001:db8:0:1::${i + 1}`);
    statuses.push(eve.status);
    for (let k = 0; k < 3; k++) await auth.get('/auth/ice-servers', eve.body.token);
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 429]);
  expect((await logIn('2001:db8:0:1:ffff::')).headers.get('retry-after')).toMatch(/^\d+$/);
  expect((await auth.get('/auth/ice-servers', ada.token)).status).toBe(200);
  expect((await auth.post('/auth/refresh', { refresh_token: ada.refresh_token })).status).toBe(200);
});

test('a session of a guest that nobody uses is over after an hour, and after a day in any case', async () => {
  let clock = Date.now();
  await using auth = await startTestAuth({}, { now: () => clock });
  const { key, record } = newApiKey();
  await using backend = await startTestAuth(
    { ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) },
    { now: () => clock },
  );
  const user = (await backend.post('/auth/token', { userId: 'ada' }, { 'x-api-key': key })).body;
  let { refresh_token } = await auth.login('ada');
  const idle = await auth.login('ada');
  const refresh = async (token: string) => auth.post('/auth/refresh', { refresh_token: token });
  for (let i = 0; i < 25; i++) {
    clock += 3_500_000;
    const answer = await refresh(refresh_token);
    expect([i, answer.status]).toEqual([i, i < 24 ? 200 : 401]);
    refresh_token = answer.body.refresh_token;
    if (i === 1) expect((await refresh(idle.refresh_token)).status).toBe(401);
  }
  expect((await backend.post('/auth/refresh', { refresh_token: user.refresh_token })).status).toBe(200);
});

test('a credential that does not hold is 401, always: nobody becomes a guest by a mistyped key', async () => {
  const { key, record } = newApiKey();
  const gone = newApiKey({ expiresAt: 1 });
  const keys = { API_KEYS: [record, gone.record].map(formatApiKeyEntry).join(',') };
  await using open = await startTestAuth({});
  await using both = await startTestAuth({ ACCESS: 'open,api-key', ...keys });
  await using keyed = await startTestAuth({ ACCESS: 'api-key', ...keys });
  const { token, refresh_token } = await open.login('ada');
  const bad: Record<string, string>[] = [
    ...['not-a-key', newApiKey().key, gone.key, `${key}x`, `${token}x`, 'undefined', ''].map((text) => ({
      authorization: `Bearer ${text}`,
    })),
    ...['', key.slice(3), 'Basic YTpi', `Key ${key}`, token].map((authorization) => ({ authorization })),
    ...['', 'not-a-key', newApiKey().key].map((text) => ({ 'x-api-key': text })),
  ];
  for (const auth of [open, both, keyed])
    for (const headers of bad) {
      const answer = await auth.post('/auth/token', { userId: 'x' }, headers);
      expect([headers, answer.status]).toEqual([headers, 401]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
  for (const path of ['/auth/refresh', '/auth/revoke', '/auth/nonce'])
    expect((await open.post(path, { refresh_token, token }, bad[0])).status).toBe(401);
  // A key that would hold elsewhere says what is wrong.
  const useless = await open.post('/auth/token', { userId: 'x' }, { 'x-api-key': key });
  expect([useless.status, useless.body.field]).toEqual([401, 'x-api-key']);
  expect(useless.body.detail).toContain('ACCESS');
  // One that holds is no obstacle, and keys and health are for everybody.
  expect((await open.post('/auth/token', { userId: 'x' }, { authorization: `Bearer ${token}` })).status).toBe(200);
  expect((await open.get('/.well-known/jwks.json', 'not-a-key')).status).toBe(200);
  expect((await open.get('/health/ready', 'not-a-key')).status).toBe(200);
});

test('the tokens of an API key may do to others only what the key was made for', async () => {
  const plain = newApiKey();
  const moderators = newApiKey({ grants: { kick: true } });
  // As an earlier version made them: a grant that there is no more.
  const old = { ...newApiKey().record, grants: { rooms: ['a'], operate: true } as object };
  await using auth = await startTestAuth({
    ACCESS: 'api-key',
    API_KEYS: [plain.record, moderators.record, old].map((r) => formatApiKeyEntry(r)).join(','),
  });
  const grants = async (key: string, wanted?: object) => {
    const body = { userId: 'patient-1', ...(wanted ? { grants: wanted } : {}) };
    const answer = await auth.post('/auth/token', body, { 'x-api-key': key });
    return answer.status === 200 ? decodeJwt(answer.body.token).grants : answer.body.field;
  };
  expect(await grants(plain.key)).toBeUndefined();
  expect(await grants(plain.key, { rooms: ['appt-42'] })).toEqual({ rooms: ['appt-42'] });
  expect(await grants(plain.key, { kick: true })).toBe('/grants/kick');
  expect(await grants(plain.key, { maxRoomSize: 2 })).toEqual({ maxRoomSize: 2 });
  expect(await grants(moderators.key)).toEqual({ kick: true });
});

test('browsers of other origins get no CORS, ours do; every answer has its security headers', async () => {
  await using auth = await startTestAuth({ ALLOWED_ORIGINS: 'https://app.example.com' });
  const preflight = async (origin: string) =>
    (
      await fetch(`${auth.url}/auth/token`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      })
    ).headers.get('access-control-allow-origin');
  expect(await preflight('https://app.example.com')).toBe('https://app.example.com');
  for (const origin of [
    'https://evil.example',
    'null',
    'https://app.example.com.evil.example',
    'http://app.example.com',
  ])
    expect(await preflight(origin)).toBeNull();
  for (const path of ['/auth/validate', '/nowhere', '/.well-known/jwks.json']) {
    const { headers } = await auth.get(path);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('strict-transport-security')).toBeTruthy();
  }
  expect((await auth.get('/auth/validate')).headers.get('cache-control')).toBe('no-store');
});

test('the revocation feed answers a loopback neighbour and nobody behind a proxy', async () => {
  await using auth = await startTestAuth();
  const { token } = await auth.login('ada');
  await auth.post('/auth/revoke', { token });
  const feed = await auth.get('/internal/revocations');
  expect(feed.body).toMatchObject({ revocations: [{ kind: 'jti' }] });
  const held = auth.get(`/internal/revocations?after=${feed.body.cursor}`);
  const { token: next } = await auth.login('grace');
  await auth.post('/auth/revoke', { token: next });
  const { cursor, revocations } = (await held).body;
  expect(revocations).toMatchObject([{ kind: 'jti' }]);
  // Of an auth that had heard as many before it began anew: everything, at once.
  const other = cursor.replace(/^[^.]*/, 'before');
  expect((await auth.get(`/internal/revocations?after=${other}`)).body.revocations).toHaveLength(2);
  expect((await auth.get('/internal/revocations', undefined, { 'x-forwarded-for': '127.0.0.1' })).status).toBe(404);
  // A question that is held when auth closes is answered.
  const last = auth.get(`/internal/revocations?after=${cursor}`);
  await auth.get('/.well-known/jwks.json');
  await auth[Symbol.asyncDispose]();
  expect((await last).body).toEqual({ cursor, revocations: [] });
});

test('raw HTTP nonsense ends in a refusal, and the service goes on', async () => {
  await using auth = await startTestAuth();
  const send = (text: string) =>
    new Promise<string>((resolve) => {
      const socket = connect(auth.port, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (d) => (answer += d));
      socket.on('error', () => resolve(answer));
      socket.on('close', () => resolve(answer));
      setTimeout(() => socket.destroy(), 3000).unref();
    });
  const lines = [
    'NONSENSE\r\n\r\n',
    `GET /auth/validate HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${'a'.repeat(40_000)}\r\nconnection: close\r\n\r\n`,
    'POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n',
    'POST /auth/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99999999\r\nconnection: close\r\n\r\n{}',
  ];
  for (const line of lines) expect(await send(line)).toMatch(/^HTTP\/1.1 4\d\d /);
  expect((await auth.get('/health/live')).status).toBe(200);
});

test('production refuses to start on what is fit for a demo only, in one clear line', async () => {
  const env = { TOKEN_ISSUER: 't', TOKEN_AUDIENCE: 't', PORT: '0' };
  const table: [Record<string, string>, RegExp][] = [
    [{}, /^KEY_SOURCE is not set: production needs/],
    [{ KEY_SOURCE: 'file:/nonexistent/keys.json', ACCESS: 'api-key' }, /^KEY_SOURCE: .* does not exist; make it with/],
    [{ KEY_SOURCE: 'secret', ACCESS: 'api-key' }, /^configuration: KEY_SOURCE: expected file:PATH/],
    [{ KEY_SOURCE: 'file:x' }, /^ACCESS is not set/],
    [{ KEY_SOURCE: 'file:x', ACCESS: 'open' }, /OPEN_IN_PRODUCTION/],
    [{ KEY_SOURCE: 'file:x', ACCESS: 'api-key', TURN_URIS: 'turn:x' }, /^TURN_SECRETS is not set/],
    [{ KEY_SOURCE: 'file:x', ACCESS: 'api-key', TURN_URIS: 'turn:x', TURN_SECRETS: 'short' }, /shorter than 16/],
    [{ KEY_SOURCE: 'file:x', ACCESS: 'oidc', OIDC_ISSUER: 'http://id.example' }, /^OIDC_ISSUER: expected an https URL/],
    [
      { KEY_SOURCE: 'file:x', ACCESS: 'api-key', ALLOWED_ORIGINS: '*' },
      /^configuration: ALLOWED_ORIGINS: expected origins/,
    ],
  ];
  for (const [more, message] of table)
    await expect(
      (async () => createAuth(loadConfig(AuthConfig, { ...env, ...more })))(),
      JSON.stringify(more),
    ).rejects.toThrow(message);
  // As a process: this line and nothing else.
  const { status, stdout } = spawnSync(process.execPath, [new URL('./main.ts', import.meta.url).pathname], {
    env: { PATH: process.env.PATH ?? '', ...env },
    encoding: 'utf8',
  });
  const [line = '{}', ...others] = stdout.trim().split('\n');
  expect([status, JSON.parse(line).msg, others]).toEqual([1, expect.stringMatching(/^KEY_SOURCE is not set/), []]);
}, 60_000);
