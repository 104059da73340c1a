/** The rule that docs and instances get, in the kernel's own firewall, against a real relay. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** In a network of its own, which ends with the process; as root of a user namespace where the tests are not root. */
function world(rule: 'open' | 'closed') {
  const { stdout, stderr } = spawnSync(
    'unshare',
    [
      process.getuid?.() === 0 ? '-n' : '-rn',
      process.execPath,
      join(import.meta.dirname, 'relay-firewall.world.ts'),
      rule,
    ],
    { encoding: 'utf8' },
  );
  if (!stdout) throw new Error(`${stderr}\nNeeded: apt-get install iptables iproute2 coturn`);
  return JSON.parse(stdout);
}

test('a relayed packet to the relay’s own host reaches relay ports only', () => {
  expect(world('open')).toEqual({ 4: [40_000, 49_190], 6: [40_000, 49_190] });
  expect(world('closed')).toEqual({ 4: [49_190], 6: [49_190] });
});
