import { expect, test } from 'vitest';
import { readGrants } from './grants.ts';

const token = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

test.each([
  [undefined, { kick: false, publish: true }],
  ['nonsense', { kick: false, publish: true }],
  [token(null), { kick: false, publish: true }],
  [token({}), { kick: false, publish: true }],
  [token({ grants: { kick: 'yes', publish: 0 } }), { kick: false, publish: true }],
  [token({ grants: { kick: true, publish: false }, name: 'ü?>' }), { kick: true, publish: false }],
])('%s: %j', (given, grants) => {
  expect(readGrants(given)).toEqual(grants);
});
