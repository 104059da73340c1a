/** Runs programs in a network of their own, which ends with them: rules in the kernel's firewall and routes are nobody else's. */
import { spawnSync } from 'node:child_process';

const isRoot = process.getuid?.() === 0;

/**
 * Runs a program of Node in a network of its own, as root of it.
 * @param users `several` where the program becomes another user
 * @returns what it prints, as JSON
 * @throws Error that says what this machine lacks: a test that is skipped where rules cannot be made holds nothing
 */
export function inOwnNetwork(
  users: 'one' | 'several',
  program: string,
  ...args: string[]
): ReturnType<typeof JSON.parse> {
  const namespaces = isRoot ? ['-n'] : ['-rn', ...(users === 'several' ? ['--map-auto'] : [])];
  const { stdout, stderr, error } = spawnSync('unshare', [...namespaces, process.execPath, program, ...args], {
    encoding: 'utf8',
  });
  if (stdout) return JSON.parse(stdout);
  const fix = isRoot
    ? 'apt-get install iptables iproute2, in a container with CAP_NET_ADMIN and CAP_SYS_ADMIN'
    : 'apt-get install iptables iproute2 uidmap, and run it as root, or where a user may make namespaces (sysctl kernel.unprivileged_userns_clone=1)';
  throw new Error(
    `${error?.message ?? stderr}\nThis test makes rules of a firewall in a network of its own. Fix: ${fix}`,
  );
}
