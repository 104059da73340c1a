/** The rule that instances get for their packager, in the kernel's own firewall. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Runs in a network of its own, which ends with the process. Another user than root is needed, so that a user namespace of one user does not do. */
const isolated = (command: string, ...args: string[]) =>
  spawnSync('unshare', ['-n', command, ...args], { encoding: 'utf8' });

/** Why this machine cannot run the test; undefined where it can. */
function obstacle(): string | undefined {
  const { status, stderr, error } = isolated(
    'sh',
    '-c',
    'iptables -w -t nat -L OUTPUT && iptables -w -A OUTPUT -m owner --uid-owner 1 -j DROP',
  );
  return status === 0 ? undefined : (error?.message ?? stderr);
}

function world(rules: 'open' | 'closed') {
  const { stdout, stderr } = isolated(process.execPath, join(import.meta.dirname, 'packager-firewall.world.ts'), rules);
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('the packager receives media, and sends nothing: not to the credentials of its task, the metadata of its host, or anywhere', ({
  skip,
}) => {
  const why = obstacle();
  skip(why !== undefined, `no network namespace with iptables on this machine: ${why}`);
  const open = world('open');
  expect(Object.values(open)).toEqual([true, true, true, true, true, true]);
  expect(world('closed')).toEqual(Object.fromEntries(Object.keys(open).map((name) => [name, false])));
});
