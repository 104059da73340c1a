/** The rule that instances get for their packager, in the kernel's own firewall. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inOwnNetwork } from '../node-kit/testing/isolated.ts';

const world = (rules: 'open' | 'closed') =>
  inOwnNetwork('several', join(import.meta.dirname, 'packager-firewall.world.ts'), rules);

test('the packager receives media, and sends nothing: not to the credentials of its task, the metadata of its host, or anywhere', () => {
  const open = world('open');
  expect(Object.values(open)).toEqual([true, true, true, true, true, true]);
  expect(world('closed')).toEqual(Object.fromEntries(Object.keys(open).map((name) => [name, false])));
});
