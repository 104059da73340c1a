/**
 * Reads the log of events over all partitions in one order: by the time at which an event was written, then by partition. What is younger
 * than SETTLED_MS is not read yet, so that nothing comes in behind a cursor.
 */
import type { RedisClient } from '@tandem/service';
import { PARTITIONS } from '@tandem/service/room-events';
import { keys } from './keys.ts';

/** Over the difference of the clocks of the servers of a Cluster, ms. */
const SETTLED_MS = 1000;

/** `<ms>-<partition>-<number>`: behind one event. */
export type Position = readonly [ms: number, partition: number, sequence: number];

export interface LoggedEvent {
  readonly position: Position;
  /** Entry of its partition's log. */
  readonly entry: string;
  readonly type: string;
  /** Empty: of no room. */
  readonly room: string;
  /** JSON. */
  readonly body: string;
}

export const writePosition = (position: Position) => position.join('-');

/** @returns undefined when it is none */
export function readPosition(text: string): Position | undefined {
  const [, ms, partition, sequence] = /^(\d{1,15})-(\d{1,2})-(\d{1,15})$/.exec(text) ?? [];
  return ms === undefined ? undefined : [Number(ms), Number(partition), Number(sequence)];
}

export interface ReadLog {
  readonly after: Position;
  readonly limit: number;
  /** Only this partition. Default: all. */
  readonly partition?: number | undefined;
}

/** @returns events in their order, `limit` at most, where the next page begins, and whether there may be later ones already */
export async function readLog(
  redis: RedisClient,
  { after, limit, partition }: ReadLog,
): Promise<{ readonly events: readonly LoggedEvent[]; readonly next: Position; readonly isMore: boolean }> {
  const [seconds, micros] = await redis.time();
  const horizon = Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) - SETTLED_MS;
  if (horizon < after[0]) return { events: [], next: after, isMore: false };
  const partitions = partition === undefined ? Array.from({ length: PARTITIONS }, (_, i) => i) : [partition];
  const pages = await Promise.all(
    partitions.map(async (p) => {
      const found = await redis.xrange(keys.log(p), startOf(after, p), `${horizon}`, 'COUNT', limit);
      return found.map(([entry, fields]) => eventOf(p, entry, fields));
    }),
  );
  const events = pages.flat().sort(compare).slice(0, limit);
  const last = events.at(-1);
  // Short of the limit, everything up to the horizon was seen.
  const isMore = events.length === limit;
  const next = last && isMore ? last.position : ([horizon, PARTITIONS, 0] as const);
  return { events, next, isMore };
}

/** Where a partition's page begins: behind the cursor in the order of all partitions. */
function startOf([ms, of, sequence]: Position, partition: number): string {
  if (partition === of) return `(${ms}-${sequence}`;
  return partition > of ? `${ms}-0` : `${ms + 1}-0`;
}

function eventOf(partition: number, entry: string, fields: readonly string[]): LoggedEvent {
  const [ms = 0, sequence = 0] = entry.split('-').map(Number);
  const of = (name: string) => fields[fields.indexOf(name) + 1] ?? '';
  return { position: [ms, partition, sequence], entry, type: of('t'), room: of('r'), body: of('b') };
}

function compare({ position: a }: LoggedEvent, { position: b }: LoggedEvent): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}
