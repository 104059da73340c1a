/** The stream of revocations, as Redis answers. Nodes may run XREAD there and nothing else. */
import type { RedisClient } from './redis.ts';

/** Its key. The hash tag keeps it in one slot. */
export const REVOCATION_STREAM = 'tandem:{revocations}';

/** Is the entry with this id there? `0-0`: none is asked for. */
export async function hasEntry(redis: RedisClient, id: string): Promise<boolean> {
  if (id === '0-0') return true;
  const answer = await redis.xread('COUNT', 1, 'STREAMS', REVOCATION_STREAM, idBefore(id));
  return streamEntries(answer)[0]?.[0] === id;
}

function idBefore(id: string): string {
  const [ms = '0', count = '0'] = id.split('-');
  return BigInt(count) > 0n ? `${ms}-${BigInt(count) - 1n}` : `${BigInt(ms) - 1n}-18446744073709551615`;
}

/** XREAD answers [[key, entries]] under RESP2 and a map under RESP3; both hold [[id, [field, value…]]]. */
export function streamEntries(answer: unknown): [id: string, fields: string[]][] {
  if (!answer) return [];
  if (Array.isArray(answer)) {
    if (Array.isArray(answer[0])) return (answer[0][1] ?? []) as [string, string[]][];
    return (answer[1] ?? []) as [string, string[]][];
  }
  const map = answer instanceof Map ? [...answer.values()] : Object.values(answer as object);
  return (map[0] ?? []) as [string, string[]][];
}
