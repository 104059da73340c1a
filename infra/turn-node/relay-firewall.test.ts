/** The rule that docs and instances get, in the kernel's own firewall, against a real relay. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Runs in a network of its own, which ends with the process; as root of a user namespace where the tests are not root. */
function isolated(command: string, ...args: string[]) {
  const flags = process.getuid?.() === 0 ? '-n' : '-rn';
  return spawnSync('unshare', [flags, command, ...args], { encoding: 'utf8' });
}

/** Why this machine cannot run the test (a container without rights, a kernel without these matches); undefined where it can. */
function obstacle(): string | undefined {
  const matches = '-p udp -m owner --uid-owner 0 -m addrtype --dst-type LOCAL -m mark --mark 1/1';
  const rules = ['iptables', 'ip6tables'].map(
    (program) => `${program} -w -t mangle -A OUTPUT ${matches} -j MARK --set-xmark 2/2`,
  );
  const { status, stderr, error } = isolated('sh', '-c', `ip link set lo up && ${rules.join(' && ')}`);
  return status === 0 ? undefined : (error?.message ?? stderr);
}

function world(rule: 'open' | 'closed') {
  const { stdout, stderr } = isolated(process.execPath, join(import.meta.dirname, 'relay-firewall.world.ts'), rule);
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('a relayed packet to the relay’s own host reaches relay ports only', ({ skip }) => {
  const why = obstacle();
  skip(why !== undefined, `no network namespace with iptables on this machine: ${why}`);
  expect(world('open')).toEqual({ 4: [40_000, 49_190], 6: [40_000, 49_190] });
  expect(world('closed')).toEqual({ 4: [49_190], 6: [49_190] });
});
