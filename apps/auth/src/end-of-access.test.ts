/** What ends access ends all of it: also what was given before, and what is being given just then. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiKeySession } from '@tandem/protocol';
import { expect, test, vi } from 'vitest';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { fileSource } from './keys/file.ts';
import type { KeySource } from './keys/key-source.ts';
import { startTestAuth } from './testing.ts';

const RELAY = { TURN_URIS: 'turn:turn.example:3478', TURN_SECRETS: 'a-secret-of-the-relay' };

/** Real keys, whose first signature takes as long as KMS may: until `go`. */
async function slowSigner() {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const path = join(mkdtempSync(join(tmpdir(), 'tandem-slow-')), 'keys.json');
  const timetable = { algorithm: 'ES256', rotateEveryMs: 0, publishAheadMs: 900_000, retireAfterMs: 900_000 } as const;
  const { signing, published } = await fileSource(path, timetable, true).load(Date.now());
  const sign = async (data: Uint8Array) => {
    asked.resolve();
    await held.promise;
    return signing.sign(data);
  };
  const source: KeySource = { description: 'slow', load: async () => ({ published, signing: { ...signing, sign } }) };
  return { source, asked: asked.promise, go: () => held.resolve() };
}

test('A-17 a revoked API key: its login sessions end at their next refresh, relay included; those of other keys go on', async () => {
  const [leaked, other] = [newApiKey(), newApiKey()];
  await using auth = await startTestAuth({
    ACCESS: 'api-key',
    API_KEYS: [leaked, other].map(({ record }) => formatApiKeyEntry(record)).join(','),
    ...RELAY,
  });
  const login = async (key: string) => (await auth.post('/auth/token', { userId: 'ada' }, { 'x-api-key': key })).body;
  const refresh = (refresh_token: string) => auth.post('/auth/refresh', { refresh_token });
  const [stolen, honest] = [await login(leaked.key), await login(other.key)];
  const second = await refresh(stolen.refresh_token);
  expect(second.status).toBe(200);

  await auth.store.putApiKey({ ...leaked.record, revokedAt: 1 });
  const refused = await refresh(second.body.refresh_token);
  expect([refused.status, refused.body.code]).toEqual([401, 'refresh_refused']);
  expect((await auth.get('/auth/validate', second.body.token)).body.code).toBe('token_revoked');
  const relays = (await auth.get('/internal/revocations')).body.revocations.map((r: { relay?: object }) => r.relay);
  expect(relays).toEqual([expect.objectContaining({ session: expect.any(String) })]);
  expect((await refresh(honest.refresh_token)).status).toBe(200);
});

test('a revocation between the check of a token and the credentials for the relay: there are none', async () => {
  await using auth = await startTestAuth(RELAY);
  const { token, session_id: id } = await auth.login('ada');
  const { revocations } = auth.store;
  const ask = revocations.isRevoked.bind(revocations);
  vi.spyOn(revocations, 'isRevoked').mockImplementationOnce((claims) => {
    const isRevoked = ask(claims);
    void auth.store.revoke({ kind: 'session', id, exp: claims.iat + 720 });
    return isRevoked;
  });
  const { status, body } = await auth.get('/auth/ice-servers', token);
  expect([status, body.code, body.iceServers]).toEqual([401, 'token_revoked', undefined]);
});

test.each([
  ['its user', (userId: string) => ({ kind: 'user', id: userId }) as const],
  ['the API key', (_: string, keyId: string) => ({ kind: 'session', id: apiKeySession(keyId) }) as const],
])('A-18 a login that is being signed while %s is revoked is refused, and leaves no session', async (_name, what) => {
  const { key, record } = newApiKey();
  const signer = await slowSigner();
  await using auth = await startTestAuth(
    { ACCESS: 'api-key', API_KEYS: formatApiKeyEntry(record) },
    { keySource: signer.source },
  );
  const login = auth.post('/auth/token', { userId: 'ada' }, { 'x-api-key': key });
  await signer.asked;
  const now = Math.floor(Date.now() / 1000);
  await auth.store.revoke({ ...what('ada', record.id), exp: now + 720 });
  signer.go();
  const { status, body } = await login;
  expect([status, body.code, body.refresh_token]).toEqual([401, 'token_revoked', undefined]);
  expect(await auth.store.listSessions('ada', now)).toEqual([]);
});
