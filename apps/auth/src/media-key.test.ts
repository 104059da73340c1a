/** What media nodes get for MEDIA_SECRET: a token with the grant `media` in one room, and nothing for anybody else. */
import { decodeJwt } from 'jose';
import { expect, test } from 'vitest';
import { startTestAuth } from './testing.ts';

const MEDIA_SECRET = 'a-secret-of-media-nodes-and-auth-in-tests-x';
const header = { 'x-api-key': `tk_medianodes_${MEDIA_SECRET}` };
const grants = { rooms: ['standup'], media: true };

test('the shared secret gives users media-* the grant media, also where people need no API key', async () => {
  await using auth = await startTestAuth({ ACCESS: 'open', MEDIA_SECRET });
  const { status, body } = await auth.post('/auth/token', { userId: 'media-i-1-abc', grants }, header);
  expect(status).toBe(200);
  expect(decodeJwt(body.token)).toMatchObject({ sub: 'media-i-1-abc', grants });
  const refused = async (request: object, headers: Record<string, string> = header) =>
    (await auth.post('/auth/token', request, headers)).status;
  expect(await refused({ userId: 'ada', grants })).toBe(403);
  expect(await refused({ userId: 'media-i-1', grants: { kick: true } })).toBe(403);
  expect(await refused({ userId: 'media-i-1', grants }, { 'x-api-key': `tk_medianodes_${'x'.repeat(43)}` })).toBe(401);
  // A guest takes neither the name nor the grant.
  expect(await refused({ userId: 'ada', grants: { media: true } }, {})).toBe(403);
});

test('without the setting nobody has that key, and API_KEYS cannot take its id', async () => {
  await using auth = await startTestAuth({ ACCESS: 'open,api-key' });
  expect((await auth.post('/auth/token', { userId: 'media-i-1', grants }, header)).status).toBe(401);
  const entry = Buffer.from(JSON.stringify({ id: 'medianodes', hash: 'x', users: '*', grants: {} })).toString(
    'base64url',
  );
  await expect(startTestAuth({ ACCESS: 'api-key', API_KEYS: `medianodes:${entry}` })).rejects.toThrow(
    /API_KEYS: the id medianodes belongs to MEDIA_SECRET/,
  );
});
