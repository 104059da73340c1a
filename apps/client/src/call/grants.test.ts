import { expect, test } from 'vitest';
import { readGrants } from './grants.ts';

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
