/** The rules that instances of media nodes get, in the kernel's own firewall. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** Runs in a network of its own, which ends with the process; as root of a user namespace where the tests are not root. */
function isolated(command: string, ...args: string[]) {
  const flags = process.getuid?.() === 0 ? '-n' : '-rn';
  return spawnSync('unshare', [flags, command, ...args], { encoding: 'utf8' });
}

/** Why this machine cannot run the test; undefined where it can. */
function obstacle(): string | undefined {
  const rules = ['iptables', 'ip6tables'].map(
    (program) => `${program} -w -A OUTPUT -p udp -m owner --uid-owner 0 -m addrtype --dst-type LOCAL -j DROP`,
  );
  const { status, stderr, error } = isolated(
    'sh',
    '-c',
    `ip link add d0 type veth peer name d1 && ${rules.join(' && ')}`,
  );
  return status === 0 ? undefined : (error?.message ?? stderr);
}

function world(rules: 'open' | 'closed') {
  const { stdout, stderr } = isolated(process.execPath, join(import.meta.dirname, 'media-firewall.world.ts'), rules);
  if (!stdout) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('a check to the host itself or into a private network leaves no media port; the public internet is reached', ({
  skip,
}) => {
  const why = obstacle();
  skip(why !== undefined, `no network namespace with iptables on this machine: ${why}`);
  const rest = { loopback: ['127.0.0.1', '::1'], other: ['169.254.169.253', '198.51.100.1'] };
  const open = world('open');
  expect(open).toMatchObject(rest);
  expect(open.media).toHaveLength(14);
  expect(world('closed')).toEqual({ ...rest, media: ['198.51.100.9', '2001:db8::9'] });
});

test('a real engine tries what a hostile client names, the kernel refuses it, and the leg goes on with the candidate that works', ({
  skip,
}) => {
  const why = obstacle();
  skip(why !== undefined, `no network namespace with iptables on this machine: ${why}`);
  const { stdout, stderr } = isolated(process.execPath, join(import.meta.dirname, 'media-firewall-engine.world.ts'));
  if (!stdout) throw new Error(stderr);
  const found = JSON.parse(stdout);
  expect(found).toMatchObject({ said: ['sender live', 'receiver live'], flows: true, complaints: [] });
  expect(Math.min(found.tried.sender, found.tried.receiver), stdout).toBeGreaterThan(0);
});
