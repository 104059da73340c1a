/** Tokens that a backend gets for itself, and for its users in one call. */

import { createTokenVerifier } from '@tandem/service';
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { startTestAuth } from './testing.ts';

const clinic = newApiKey({
  users: 'clinic-*',
  grants: { rooms: ['clinic-*'], kick: true },
  scopes: ['rooms:read', 'rooms:write', 'tokens:mint'],
});
const plain = newApiKey();
const start = () =>
  startTestAuth({
    ACCESS: 'open,api-key',
    API_KEYS: [clinic, plain].map(({ record }) => formatApiKeyEntry(record)).join(','),
  });
const CREDENTIALS = { grant_type: 'client_credentials' };
const bearing = (token: string) => ({ authorization: `Bearer ${token}` });

test('a key with scopes gets a backend token of ten minutes for its rooms, and never an access token of it', async () => {
  await using auth = await start();
  const { status, body } = await auth.post('/auth/token', CREDENTIALS, { 'x-api-key': clinic.key });
  expect(status).toBe(200);
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 600, scope: 'rooms:read rooms:write tokens:mint' });
  expect(decodeJwt(body.access_token)).toMatchObject({
    ...{ aud: 'tandem-api', sub: clinic.record.id, rooms: ['clinic-*'], session_id: `api-key:${clinic.record.id}` },
  });
  using verifier = createTokenVerifier({ jwksUrl: auth.jwksUrl, issuer: 'tandem', audience: 'tandem' });
  expect((await verifier.verifyBackend(body.access_token)).scope).toContain('rooms:write');
  await expect(verifier.verify(body.access_token)).rejects.toMatchObject({ reason: 'audience' });
  const person = await auth.login('ada');
  await expect(verifier.verifyBackend(person.token)).rejects.toMatchObject({ reason: 'audience' });
  expect((await auth.get('/auth/ice-servers', body.access_token)).status).toBe(401);
});

test('what an API key grants beside rooms, a role has or has not: a member neither invites nor records', async () => {
  const host = newApiKey({ scopes: ['tokens:mint'], grants: { kick: true, invite: true, record: true } });
  await using auth = await startTestAuth({ ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(host.record) });
  const role = async (name: string) =>
    decodeJwt((await auth.post('/v1/tokens', { userId: 'u', role: name }, { 'x-api-key': host.key })).body.token)
      .grants;
  expect(await role('moderator')).toEqual({ kick: true, invite: true, record: true });
  expect(await role('member')).toEqual({ kick: false, invite: false, record: false });
  expect(await role('observer')).toEqual({ publish: false, kick: false, invite: false, record: false });
});

test.each([
  ['without a key', {}, CREDENTIALS, 401, 'authorization'],
  ['with a key that has no scopes', { 'x-api-key': plain.key }, CREDENTIALS, 403, '/scope'],
  [
    'with a scope that the key lacks',
    { 'x-api-key': clinic.key },
    { ...CREDENTIALS, scope: 'peers:write' },
    403,
    '/scope',
  ],
  ['with a scope that nobody has', { 'x-api-key': clinic.key }, { ...CREDENTIALS, scope: 'rooms:*' }, 403, '/scope'],
  ['with a misspelt field', { 'x-api-key': clinic.key }, { ...CREDENTIALS, scopes: 'rooms:read' }, 400, '/scopes'],
])('%s there is no backend token', async (_how, headers, body, status, field) => {
  await using auth = await start();
  const answer = await auth.post('/auth/token', body, headers as Record<string, string>);
  expect([answer.status, answer.body.field]).toEqual([status, field]);
});

test('POST /v1/tokens: a user, a room and a role, by key or by backend token', async () => {
  await using auth = await start();
  const ask = (body: object, headers: Record<string, string>) => auth.post('/v1/tokens', body, headers);
  const { body: backend } = await auth.post('/auth/token', CREDENTIALS, { 'x-api-key': clinic.key });
  for (const headers of [{ 'x-api-key': clinic.key }, bearing(clinic.key), bearing(backend.access_token)]) {
    const order = { userId: 'clinic-dr', name: 'Dr. Ng', roomId: 'clinic-42', role: 'moderator', ttlSeconds: 900 };
    const { status, body } = await ask(order, headers);
    expect(status).toBe(201);
    expect(decodeJwt(body.token)).toMatchObject({ sub: 'clinic-dr', grants: { rooms: ['clinic-42'], kick: true } });
    expect(body.expires_in).toBeLessThanOrEqual(900);
  }
  const role = async (name: string) =>
    decodeJwt((await ask({ userId: 'clinic-1', role: name }, { 'x-api-key': clinic.key })).body.token).grants;
  expect(await role('member')).toEqual({ rooms: ['clinic-*'], kick: false });
  expect(await role('observer')).toEqual({ rooms: ['clinic-*'], kick: false, publish: false });
});

test('POST /v1/tokens refuses what the key may not give, and says which field', async () => {
  await using auth = await start();
  const narrow = (await auth.post('/auth/token', { ...CREDENTIALS, scope: 'rooms:read' }, { 'x-api-key': clinic.key }))
    .body;
  const person = await auth.login('ada');
  const key = { 'x-api-key': clinic.key };
  const table: [object, Record<string, string>, number, string][] = [
    [{ userId: 'clinic-1', roomId: 'other' }, key, 403, '/grants/rooms/0'],
    [{ userId: 'else' }, key, 403, '/userId'],
    [{ userId: 'clinic-1', room: 'clinic-1' }, key, 400, '/room'],
    [{ userId: 'clinic-1' }, bearing(narrow.access_token), 403, 'authorization'],
    [{ userId: 'clinic-1' }, bearing(person.token), 401, 'authorization'],
    [{ userId: 'clinic-1', role: 'moderator' }, { 'x-api-key': plain.key }, 403, '/grants/kick'],
    [{ userId: 'clinic-1' }, {}, 401, 'authorization'],
  ];
  for (const [body, headers, status, field] of table) {
    const answer = await auth.post('/v1/tokens', body, headers);
    expect([answer.status, answer.body.field], JSON.stringify(body)).toEqual([status, field]);
  }
});
