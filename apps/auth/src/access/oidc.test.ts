import { type ChildProcess, spawn } from 'node:child_process';
import { freePort } from '@tandem/service/testing';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, startTestAuth, type TestAuth } from '../testing.ts';

let provider: ChildProcess;
let issuer: string;
let auth: TestAuth;

beforeAll(async () => {
  const port = await freePort();
  issuer = `http://127.0.0.1:${port}`;
  provider = spawn(process.execPath, [new URL('./oidc-provider.fixture.ts', import.meta.url).pathname, String(port)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await new Promise<void>((resolve, reject) => {
    provider.stdout?.once('data', () => resolve());
    provider.once('exit', (code) => reject(new Error(`oidc-provider ended with ${code}`)));
  });
  auth = await startTestAuth({
    ACCESS: 'oidc',
    OIDC_ISSUER: issuer,
    OIDC_AUDIENCE: 'app',
    OIDC_GRANTS_CLAIM: 'tandem_grants',
  });
}, 60_000);
afterAll(async () => {
  await auth?.[Symbol.asyncDispose]();
  provider?.kill('SIGKILL');
});

/** The authorization code flow, as a browser and a client go through it. */
async function logInAtProvider(user: string, nonce: string | undefined, client = 'app') {
  const cookies = new Map<string, string>();
  let url = `${issuer}/auth?${new URLSearchParams({ client_id: client, response_type: 'code', scope: 'openid', redirect_uri: 'https://app.example/callback', login_hint: user, prompt: 'login', ...(nonce ? { nonce } : {}) })}`;
  for (let i = 0; i < 8 && !url.startsWith('https://app.example/callback'); i++) {
    const cookie = [...cookies].map(([k, v]) => `${k}=${v}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(key, value);
    }
    const location = response.headers.get('location');
    if (!location) throw new Error(`no redirect: ${response.status} ${await response.text()}`);
    url = new URL(location, url).href;
  }
  const code = new URL(url).searchParams.get('code') ?? '';
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      client_id: client,
      redirect_uri: 'https://app.example/callback',
    }),
  });
  return (await response.json()) as { id_token: string; access_token: string };
}

const exchange = (subject_token: string, more = {}): Promise<Answer> =>
  auth.post('/auth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    ...more,
  });
const nonce = async () => (await auth.post('/auth/nonce', {})).body.nonce as string;

test('exchanges an ID token of a real provider, once; JSON or form', async () => {
  const { id_token } = await logInAtProvider('ada', await nonce());
  const first = await exchange(id_token);
  expect(first.body).toMatchObject({
    user_id: 'ada',
    token_type: 'Bearer',
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
  expect(decodeJwt(first.body.access_token)).toMatchObject({ sub: 'ada', name: 'Name of ada', iss: 'tandem' });
  const replay = await exchange(id_token);
  expect([replay.status, replay.body.code, replay.body.field]).toEqual([
    401,
    'subject_token_refused',
    '/subject_token',
  ]);

  const form = await fetch(`${auth.url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: (await logInAtProvider('eve', await nonce())).id_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    }),
  });
  expect(await form.json()).toMatchObject({ user_id: 'eve' });
});

test('takes grants from the claim that was named, and nothing more on request', async () => {
  const mod = await exchange((await logInAtProvider('mod', await nonce())).id_token, { grants: { rooms: ['a'] } });
  expect(decodeJwt(mod.body.token).grants).toEqual({ kick: true, rooms: ['a'] });
  const more = await exchange((await logInAtProvider('ada', await nonce())).id_token, { grants: { kick: true } });
  expect([more.status, more.body.field]).toEqual([403, '/grants/kick']);
});

test('refuses what is not a fresh ID token for us, each for its reason', async () => {
  const now = Math.floor(Date.now() / 1000);
  const good = await logInAtProvider('ada', await nonce());
  const { privateKey, publicKey } = await generateKeyPair('RS256');
  const claims = { iss: issuer, aud: 'app', sub: 'ada', iat: now, exp: now + 600, nonce: await nonce() };
  const forge = (more: object, header: object = {}) =>
    new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg: 'RS256', kid: 'x', ...header }).sign(privateKey);
  const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.id_token.split('.')[1]}.`;
  const table: [string, string, RegExp][] = [
    ['another client', (await logInAtProvider('ada', await nonce(), 'other')).id_token, /claim aud/],
    ['no nonce', (await logInAtProvider('ada', undefined)).id_token, /no nonce/],
    ['a nonce that is not ours', (await logInAtProvider('ada', 'made-up')).id_token, /not one of ours/],
    ['the access token', good.access_token, /compact form/],
    ['our own token', (await exchange(good.id_token)).body.token, /typ|algorithm|key/],
    ['an access token of Cognito', (await logInAtProvider('use-access', await nonce())).id_token, /access token/],
    ['alg none', none, /algorithm/],
    ['HMAC', await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32)), /algorithm/],
    ['unknown key', await forge({}), /not published/],
    ['embedded key', await forge({}, { jwk: await exportJWK(publicKey) }), /carries jwk/],
    ['text', 'abc', /compact form/],
  ];
  for (const [name, token, reason] of table) {
    const answer = await exchange(token);
    expect([name, answer.status, answer.body.code]).toEqual([name, 401, 'subject_token_refused']);
    expect(answer.body.detail, name).toMatch(reason);
    expect(JSON.stringify(answer.body)).not.toContain(token);
  }
  expect((await auth.post('/auth/token', { userId: 'ada' })).body.code).toBe('credentials_required');
  expect((await exchange('x', { grant_type: 'password' })).body.field).toBe('/grant_type');
  expect((await exchange('x', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' })).body.field).toBe(
    '/subject_token_type',
  );
});

test('an ID token respelled is the same token: padded, or with other spare bits in its signature', async () => {
  await using optional = await startTestAuth({
    ...{ ACCESS: 'oidc', OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'app', OIDC_NONCE: 'optional' },
  });
  const send = async (subject_token: string) =>
    optional.post('/auth/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    });
  const { id_token } = await logInAtProvider('ada', undefined);
  expect((await send(id_token)).status).toBe(200);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const respelled = [...alphabet].map((last) => id_token.slice(0, -1) + last);
  const bytes = (token: string) => Buffer.from(token.split('.')[2] ?? '', 'base64url').toString('hex');
  const same = respelled.filter((token) => bytes(token) === bytes(id_token));
  expect(same.length).toBeGreaterThan(1);
  for (const token of [...same, `${id_token}==`, `${id_token}=`, `${id_token} `])
    expect([token.slice(-4), (await send(token)).status]).toEqual([token.slice(-4), 401]);
});

test('where a nonce is optional, an ID token with one of ours gives one session as well', async () => {
  await using optional = await startTestAuth({
    ...{ ACCESS: 'oidc', OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'app', OIDC_NONCE: 'optional' },
  });
  const { nonce: ours } = (await optional.post('/auth/nonce', {})).body;
  const body = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: (await logInAtProvider('ada', ours)).id_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  };
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await optional.post('/auth/token', body)).status);
  expect(statuses).toEqual([200, 401, 401]);
});

test('claims of any shape are a 401, never a failure', async () => {
  const odd: unknown[] = [
    {},
    { toString: 'x' },
    [],
    [{ toString: 1 }],
    null,
    7,
    true,
    '',
    'x'.repeat(1000),
    { $gt: '' },
  ];
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  // Signed by the provider: what a provider, or somebody with a client there, may put in.
  for (const [i, value] of odd.entries()) {
    const { id_token } = await logInAtProvider(`azp-${i}`, await nonce());
    expect([value, (await exchange(id_token)).status]).toEqual([value, 401]);
    for (const header of ['alg', 'typ', 'kid', 'crit', 'jwk']) {
      const [, payload, signature] = id_token.split('.');
      const forged = `${part({ alg: 'RS256', kid: 'x', [header]: value })}.${payload}.${signature}`;
      expect([header, value, (await exchange(forged)).status]).toEqual([header, value, 401]);
    }
  }
});

test('takes no ID token that is old, of a client beside ours, or of a provider that calls itself something else', async () => {
  let clock = Date.now();
  const config = { ACCESS: 'oidc', OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'app' };
  await using later = await startTestAuth(config, { now: () => clock });
  const { id_token } = await logInAtProvider('ada', (await later.post('/auth/nonce', {})).body.nonce);
  const body = {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: id_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  };
  clock += 3_600_000 + 31_000;
  expect((await later.post('/auth/token', body)).body.detail).toMatch(/expired/);
  await using renamed = await startTestAuth({ ...config, OIDC_ISSUER: issuer.replace('127.0.0.1', 'localhost') });
  expect((await renamed.post('/auth/token', body)).status).toBe(503);
  // Not spent by the refusals; Cognito's mark of an ID token is fine.
  clock = Date.now();
  expect((await later.post('/auth/token', body)).status).toBe(200);
  const marked = await exchange((await logInAtProvider('use-id', await nonce())).id_token);
  expect(marked.body.user_id).toBe('use-id');
});

test('a provider that is away is a 503, and names nothing of ours', async () => {
  await using away = await startTestAuth({ ACCESS: 'oidc', OIDC_ISSUER: 'http://127.0.0.1:9', OIDC_AUDIENCE: 'app' });
  const { id_token } = await logInAtProvider('ada', await nonce());
  const answer = await away.post('/auth/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: id_token,
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
  });
  expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
    503,
    'provider_unavailable',
    '2',
  ]);
  expect((await away.get('/health/ready')).body.dependencies['openid-provider']).toMatchObject({
    state: 'degraded',
    since: expect.any(String),
  });
  expect(away.logged.map((line) => line.event)).toContain('breaker.open');
});
