/** Reads of many rooms: none is a scan, and none changes anything. */
import type { RedisClient } from '@tandem/service';
import type { RedisKeys } from './redis-keys.ts';
import { compareNames, type RoomDescription, type RoomListQuery, readRestricted, readRules } from './room-settings.ts';
import { PARTITIONS, partitionOf } from './types.ts';

/**
 * How many times more partitions are asked in each step: the first alone, as a page is often full with it, then 3, 12 and 48. A page of a few rooms
 * does not wait for 64 round trips, and one of a million rooms does not read names that it throws away.
 */
const WIDER = 4;

/** A range of one sorted set each, O(log N + limit), until there are enough names. */
export async function listRooms(
  client: RedisClient,
  keys: RedisKeys,
  query: RoomListQuery,
): Promise<readonly string[]> {
  const { prefix, after, limit } = query;
  // In UTF-8 no byte is 0xff, so this is above every name that begins so.
  const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)]);
  const first = after === undefined ? 0 : partitionOf(after);
  const names: string[] = [];
  let from = first;
  for (let upTo = first + 1; from < PARTITIONS && names.length < limit; upTo = first + (upTo - first) * WIDER) {
    const partitions = Array.from({ length: Math.min(upTo, PARTITIONS) - from }, (_, i) => from + i);
    const wanted = limit - names.length;
    const pages = await Promise.all(
      partitions.map((partition) => {
        const isBehind = partition === first && after !== undefined && compareNames(after, prefix) >= 0;
        const start = isBehind ? `(${after}` : `[${prefix}`;
        return client.zrangebylex(keys.rooms(partition), start, end, 'LIMIT', 0, wanted);
      }),
    );
    names.push(...pages.flat());
    from = upTo;
  }
  return names.slice(0, limit);
}

export function describeRooms(
  client: RedisClient,
  keys: RedisKeys,
  rooms: readonly string[],
): Promise<readonly (RoomDescription | undefined)[]> {
  return Promise.all(
    rooms.map(async (name) => {
      const [room, , , settings] = keys.room(name);
      const [fields, versions, [rules, doc, revision, ask, restricted]] = await Promise.all([
        client.hkeys(room),
        client.hget(room, '#'),
        client.hmget(settings, 'rules', 'doc', 'revision', 'ask', 'restricted'),
      ]);
      if (!versions && !rules) return undefined;
      const firstVersion = Number(versions?.split(' ')[1] ?? 0);
      return {
        firstVersion,
        // In Redis a room's first version is the time in microseconds.
        startedAt: Math.floor(firstVersion / 1000),
        peerIds: fields.filter((field) => field !== '#'),
        ...(rules && doc
          ? {
              settings: {
                rules: { ...readRules(rules, ask === '1'), ...readRestricted(restricted) },
                doc,
                revision: Number(revision),
              },
            }
          : {}),
      };
    }),
  );
}
