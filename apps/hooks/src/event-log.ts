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
  const count = partition === undefined ? firstCount(limit) : limit;
  const read = async (p: number, start: string, end: number, most: number) =>
    (await redis.xrange(keys.log(p), start, `${end}`, 'COUNT', most)).map((found) => eventOf(p, ...found));
  const pages = await Promise.all(partitions.map((p) => read(p, startOf(after, p), horizon, count)));
  let events = pages.flat().sort(compare).slice(0, limit);
  // Some partitions have more for this page. They go on in the order of where their reading ended: up to there, no event is missing.
  const ends = pages.flatMap((page) => (page.length === count ? page.slice(-1) : [])).sort(compare);
  for (const end of ends) {
    const missing = limit - 1 - events.indexOf(end);
    // Not in the page, or the last in it: nothing behind it is in the page, nor behind those that follow.
    if (missing === limit || missing === 0) break;
    const until = events[limit - 1]?.position[0] ?? horizon;
    const more = await read(end.position[1], `(${end.entry}`, until, missing);
    events = [...events, ...more].sort(compare).slice(0, limit);
  }
  const last = events.at(-1);
  // Short of the limit, everything up to the horizon was seen.
  const isMore = events.length === limit;
  const next = last && isMore ? last.position : ([horizon, PARTITIONS, 0] as const);
  return { events, next, isMore };
}

/** Events of each partition that are read first: twice its share. All that a page takes of each would be 64 times the page. */
const firstCount = (limit: number) => Math.min(limit, Math.max(4, Math.ceil((2 * limit) / PARTITIONS)));

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
