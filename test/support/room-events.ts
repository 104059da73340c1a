/** Rooms as the outbox tells them and as they are stored, to be compared. */
import { outboxKey, PARTITIONS, partitionTag, readOutboxEntry } from '@tandem/service/room-events';
import type { Redis } from 'ioredis';

/** Room and peer, in one word, to `here` or `away`. */
type Presence = Map<string, 'here' | 'away'>;

export interface FoldedEvents {
  readonly presence: Presence;
  readonly joins: number;
  readonly leaves: number;
  /** What must not happen: joined twice, left before joined, a version that does not grow. */
  readonly faults: readonly string[];
  /** By reason of `left`. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** Reads every outbox from the first entry. */
export async function foldOutbox(redis: Redis): Promise<FoldedEvents> {
  const presence: Presence = new Map();
  const faults: string[] = [];
  const reasons: Record<string, number> = {};
  const versions = new Map<string, number>();
  const count = { joins: 0, leaves: 0 };
  const partitions = Array.from({ length: PARTITIONS }, (_, i) => outboxKey('tandem', i));
  for (const entries of await Promise.all(partitions.map((key) => redis.xrange(key, '-', '+'))))
    for (const [id, [, value = '']] of entries) {
      const { room, changes } = readOutboxEntry(value);
      for (const change of changes) {
        if (change.kind === 'settings') continue;
        const key = `${room} ${change.peerId}`;
        const before = presence.get(key);
        const fault = (what: string) => faults.push(`${id} ${key} ${change.kind}: ${what}`);
        if (change.version < (versions.get(room) ?? 0)) fault('an older version');
        versions.set(room, change.version);
        switch (change.kind) {
          case 'joined':
            if (before) fault('is in already');
            count.joins++;
            presence.set(key, 'here');
            break;
          case 'away':
          case 'back':
            if (before !== (change.kind === 'away' ? 'here' : 'away')) fault(`was ${before}`);
            presence.set(key, change.kind === 'away' ? 'away' : 'here');
            break;
          case 'updated':
            if (!before) fault('is not in');
            break;
          case 'left':
            if (!before) fault('is not in');
            count.leaves++;
            reasons[change.reason] = (reasons[change.reason] ?? 0) + 1;
            presence.delete(key);
            break;
          default:
            change satisfies never;
        }
      }
    }
  return { presence, ...count, faults, reasons };
}

/** The rooms as they are stored. */
export async function storedPresence(redis: Redis): Promise<Presence> {
  const presence: Presence = new Map();
  const start = `tandem:{${partitionTag(0)}}:r:`;
  for (const key of await redis.keys('tandem:?p:??}:r:*'))
    for (const [peerId, record] of Object.entries(await redis.hgetall(key)))
      if (peerId !== '#')
        presence.set(`${key.slice(start.length)} ${peerId}`, record.split(' ')[1] === '0' ? 'here' : 'away');
  return presence;
}

/** What differs, a line each. */
export function differences(folded: Presence, stored: Presence): string[] {
  const keys = new Set([...folded.keys(), ...stored.keys()]);
  return [...keys]
    .filter((key) => folded.get(key) !== stored.get(key))
    .map((key) => `${key}: by events ${folded.get(key)}, stored ${stored.get(key)}`);
}
