/** A real failover to a replica that lacks the last writes, as replication is asynchronous. */
import type { TestRedisGroup } from './redis-topologies.ts';

export interface LossyFailover {
  /** Index of the primary in `servers`. Default 0. */
  readonly primary?: number;
  /** Index of its replica. Default 1. */
  readonly replica?: number;
}

/**
 * Carries out `writes` at the primary alone, kills it, and waits until its replica serves in its place.
 * @returns what `writes` returned
 */
export async function failOverWithout<T>(
  group: TestRedisGroup,
  writes: () => Promise<T>,
  { primary = 0, replica = 1 }: LossyFailover = {},
): Promise<T> {
  const [old, next] = [group.servers[primary], group.servers[replica]];
  if (!old || !next) throw new Error('no such server');
  // What the primary writes from here on is in no socket of the replica, and a stopped process makes no new one.
  next.kill('SIGSTOP');
  await group.administer(old, 'CLIENT', 'KILL', 'TYPE', 'replica');
  const result = await writes();
  old.kill('SIGKILL');
  next.kill('SIGCONT');
  const end = performance.now() + 60_000;
  for (;;) {
    // A sentinel that promotes a server closes the connections of its clients, this one too.
    const role = await group.administer(next, 'ROLE').catch(() => undefined);
    if (Array.isArray(role) && role[0] === 'master') return result;
    if (performance.now() > end) throw new Error('the replica was not promoted within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
