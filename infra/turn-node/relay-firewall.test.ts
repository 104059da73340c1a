/** The rule that docs and instances get, in the kernel's own firewall, against a real relay. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inOwnNetwork } from '../node-kit/testing/isolated.ts';

const world = (rule: 'open' | 'closed') =>
  inOwnNetwork('one', join(import.meta.dirname, 'relay-firewall.world.ts'), rule);

test('a relayed packet to the relay’s own host reaches relay ports only', () => {
  expect(world('open')).toEqual({ 4: [40_000, 49_190], 6: [40_000, 49_190] });
  expect(world('closed')).toEqual({ 4: [49_190], 6: [49_190] });
});
