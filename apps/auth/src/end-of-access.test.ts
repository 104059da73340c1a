/** What ends access ends all of it: also what was given before, and what is being given just then. */
import { expect, test } from 'vitest';
import { formatApiKeyEntry, newApiKey } from './access/api-key.ts';
import { startTestAuth } from './testing.ts';

test('A-17 a revoked API key: its login sessions end at their next refresh, relay included; those of other keys go on', async () => {
  const [leaked, other] = [newApiKey(), newApiKey()];
  await using auth = await startTestAuth({
    ACCESS: 'api-key',
    API_KEYS: [leaked, other].map(({ record }) => formatApiKeyEntry(record)).join(','),
    TURN_URIS: 'turn:turn.example:3478',
    TURN_SECRETS: 'a-secret-of-the-relay',
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
