/** What an endpoint was not told, and telling it again. */
import type { RedisClient } from '@tandem/service';
import { PARTITIONS, partitionOf } from '@tandem/service/room-events';
import { type Endpoint, isOfRooms, wants } from './endpoints.ts';
import { keys } from './keys.ts';
import { runScript } from './scripts.ts';

/** Entries of a log read at once. */
const PAGE = 500;
const LATEST = 100;

const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
const field = (fields: readonly string[], name: string) => fields[fields.indexOf(name) + 1] ?? '';

/** One that was given up, or whose last try failed. */
export interface Delivery {
  readonly roomId?: string;
  readonly eventId?: string;
  readonly reason: string;
  readonly tries?: number;
  readonly at?: string;
}

export async function listDeliveries(
  redis: RedisClient,
  endpoint: Endpoint,
  status: 'failed' | 'waiting',
): Promise<readonly Delivery[]> {
  if (status === 'failed') return failed(redis, endpoint);
  const found = await Promise.all(all.map((p) => waiting(redis, p, endpoint.id)));
  return found
    .flat()
    .filter(({ roomId = '' }) => isOfRooms(endpoint, roomId))
    .slice(0, LATEST);
}

/** The latest first. */
async function failed(redis: RedisClient, endpoint: Endpoint): Promise<Delivery[]> {
  const ofPartition = async (partition: number) =>
    (await redis.xrevrange(keys.dead(partition, endpoint.id), '+', '-', 'COUNT', LATEST)).map(([id, fields]) => ({
      ...{ partition, at: Number.parseInt(id, 10), entry: field(fields, 'e'), reason: field(fields, 'w') },
    }));
  const dead = (await Promise.all(all.map(ofPartition))).flat().sort((a, b) => b.at - a.at);
  const shown: Delivery[] = [];
  // Whole events are read of those that are shown alone: all partitions together have 64 times as many.
  for (let i = 0; i < dead.length && shown.length < LATEST; i += LATEST) {
    const page = dead.slice(i, i + LATEST).map(async ({ partition, at, entry, reason }): Promise<Delivery> => {
      const [logged] = await redis.xrange(keys.log(partition), entry, entry);
      const event = logged ? { roomId: field(logged[1], 'r'), eventId: field(logged[1], 'i') } : {};
      return { ...event, reason, at: new Date(at).toISOString() };
    });
    shown.push(...(await Promise.all(page)).filter(({ roomId = '' }) => isOfRooms(endpoint, roomId)));
  }
  return shown.slice(0, LATEST);
}

async function waiting(redis: RedisClient, partition: number, endpointId: string): Promise<Delivery[]> {
  const found = new Map<string, Delivery>();
  // Of an endpoint that is down for long there are thousands in each partition.
  let cursor = '0';
  do {
    const [next, fields] = await redis.hscan(keys.tries(partition, endpointId), cursor, 'COUNT', LATEST);
    for (let i = 0; i < fields.length; i += 2) {
      const [roomId = '', text = ''] = fields.slice(i, i + 2);
      const [count, reason = ''] = text.split(' ');
      found.set(roomId, { roomId, reason, tries: Number(count) });
    }
    cursor = next;
  } while (cursor !== '0' && found.size < LATEST);
  return [...found.values()];
}

export interface ReplayRange {
  /** ms since the epoch. */
  readonly after: number;
  /** The same. Undefined: now. */
  readonly before: number | undefined;
  /** Default: those of the endpoint. */
  readonly types?: readonly string[] | undefined;
  readonly roomId?: string | undefined;
}

/** @returns how many events it is owed once more, behind what it is owed already */
export async function replay(redis: RedisClient, endpoint: Endpoint, range: ReplayRange): Promise<number> {
  const partitions = range.roomId === undefined ? all : [partitionOf(range.roomId)];
  const counts = await Promise.all(partitions.map((partition) => replayPartition(redis, endpoint, range, partition)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function replayPartition(
  redis: RedisClient,
  endpoint: Endpoint,
  { after, before, types, roomId }: ReplayRange,
  partition: number,
): Promise<number> {
  const end = before === undefined ? '+' : String(before);
  let start = String(after);
  let count = 0;
  for (;;) {
    const page = await redis.xrange(keys.log(partition), start, end, 'COUNT', PAGE);
    const byRoom = new Map<string, string[]>();
    for (const [entry, fields] of page) {
      const event = { type: field(fields, 't') as 'peer.joined', room: field(fields, 'r') };
      if (!wants(endpoint, event) || (types && !types.includes(event.type))) continue;
      if (roomId !== undefined && event.room !== roomId) continue;
      byRoom.set(event.room, [...(byRoom.get(event.room) ?? []), entry]);
    }
    for (const [room, entries] of byRoom) {
      const named = [keys.due(partition, endpoint.id), keys.queue(partition, endpoint.id, room)];
      count += Number(await runScript(redis, 'replay', named, [room, ...entries]));
    }
    if (page.length < PAGE) return count;
    start = `(${page.at(-1)?.[0]}`;
  }
}
