import { expect, test } from 'vitest';
import { mayNow, readGrants } from './grants.ts';

const token = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

test.each([
  [undefined, { kick: false, invite: false, record: false, publish: true, data: true }],
  ['nonsense', { kick: false, invite: false, record: false, publish: true, data: true }],
  [token(null), { kick: false, invite: false, record: false, publish: true, data: true }],
  [token({}), { kick: false, invite: false, record: false, publish: true, data: true }],
  [
    token({ grants: { kick: 'yes', publish: 0, data: null } }),
    { kick: false, invite: false, record: false, publish: true, data: true },
  ],
  [
    token({ grants: { kick: true, invite: true, record: true, publish: false, data: false }, name: 'ü?>' }),
    { kick: true, invite: true, record: true, publish: false, data: false },
  ],
])('%s: %j', (given, grants) => {
  expect(readGrants(given)).toEqual(grants);
});

test('S-39 what the room said before the token was read holds on', () => {
  const of = (grants: object) => readGrants(token({ grants }));
  const all = { moderator: true, host: true, inviter: true, recorder: true };
  const unsaid = { moderates: undefined, invites: undefined };
  expect(mayNow(unsaid, of({ kick: true, invite: true, record: true }))).toEqual(all);
  expect(mayNow({ moderates: true, invites: true }, of({}))).toEqual({ ...all, host: false, recorder: false });
  expect(mayNow({ moderates: false, invites: false }, of({ kick: true, invite: true }))).toMatchObject({
    ...{ moderator: false, host: true, inviter: false },
  });
});
