/** Reads of many rooms: none is a scan, and none changes anything. */
import type { RedisClient } from '@tandem/service';
import type { RedisKeys } from './redis-keys.ts';
import { compareNames, type RoomDescription, type RoomListQuery, readRestricted, readRules } from './room-settings.ts';
import { PARTITIONS, partitionOf } from './types.ts';

/** Partitions asked at once: a page of a few rooms must not wait for 64 round trips, nor read 64 pages. */
const AT_ONCE = 16;

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
  for (let from = first; from < PARTITIONS && names.length < limit; from += AT_ONCE) {
    const partitions = Array.from({ length: Math.min(AT_ONCE, PARTITIONS - from) }, (_, i) => from + i);
    const pages = await Promise.all(
      partitions.map((partition) => {
        const isBehind = partition === first && after !== undefined && compareNames(after, prefix) >= 0;
        return client.zrangebylex(keys.rooms(partition), isBehind ? `(${after}` : `[${prefix}`, end, 'LIMIT', 0, limit);
      }),
    );
    names.push(...pages.flat());
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
