/**
 * The media directory: which media nodes exist now, and which of them serves which room.
 *
 * - `tandem:{media}:nodes`: hash, field = node id, value = JSON of {@link MediaNode}. A node's agent writes its own entry every second
 *   ({@link writeMediaNode}); a reader ignores entries older than 6 s, and signaling, which watches (media-watch.ts), nodes silent for 3 s.
 * - `tandem:{media}:room:<room>`: JSON of {@link MediaAssignment}. Signaling sets it by compare-and-set of the epoch
 *   ({@link assignRoom}), so of two nodes that choose at once one wins; the agent keeps it alive and removes it ({@link renewRoom},
 *   {@link forgetRoom}). Epochs are seconds of the clock at least, so none goes back where Redis lost the record.
 * - `tandem:{media}:calls:<node id>`: list of the rooms that a node is asked to serve. A call that is not answered by a member of the
 *   room with the role `media` is answered by the next node.
 */
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import type { RedisClient } from './redis.ts';

export const MEDIA_DIRECTORY_KEY = 'tandem:{media}:nodes';
const roomKey = (room: string) => `tandem:{media}:room:${room}`;
const callsKey = (nodeId: string) => `tandem:{media}:calls:${nodeId}`;
/** An entry not renewed for this time is of a dead node, ms. */
export const MEDIA_NODE_STALE_MS = 6_000;
/** A record that no agent keeps alive ends by itself after this time, s. */
const ROOM_SECONDS = 120;
/** A call that its node has not read by then is of no use any more, s. */
const CALL_SECONDS = 10;

export const MediaNode = Type.Object({
  zone: Type.String({ maxLength: 64, description: 'Availability zone.' }),
  load: Type.Number({ minimum: 0, description: 'Share of its capacity in use, 0 to 1 and above when overloaded.' }),
  state: Type.Union([Type.Literal('serving'), Type.Literal('draining')]),
  http: Type.Optional(
    Type.String({
      maxLength: 128,
      pattern: '^http://[0-9A-Za-z.:\\[\\]-]+$',
      description: 'Where other nodes reach it, for streams: scheme, address and port.',
    }),
  ),
  updatedAt: Type.Integer({ description: 'ms since the epoch.' }),
});
export type MediaNode = Static<typeof MediaNode>;

export const MediaAssignment = Type.Object({
  node: Type.String({ minLength: 1, maxLength: 128, description: 'Id of the node.' }),
  epoch: Type.Integer({ minimum: 1, description: 'Grows by one with each change; the higher one counts.' }),
  at: Type.Integer({ description: 'When it was made, ms since the epoch.' }),
});
export type MediaAssignment = Static<typeof MediaAssignment>;

export const MediaCall = Type.Object({
  room: Type.String({ minLength: 1, maxLength: 128 }),
  epoch: Type.Integer({ minimum: 1 }),
});
export type MediaCall = Static<typeof MediaCall>;

function parse<T extends Type.TSchema>(schema: T, text: string | null | undefined): Static<T> | undefined {
  if (!text) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Check(schema, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Write or renew a node's entry. @param id stable name of the node, such as its instance id */
export async function writeMediaNode(
  redis: RedisClient,
  id: string,
  node: Omit<MediaNode, 'updatedAt'>,
): Promise<void> {
  await redis.hset(MEDIA_DIRECTORY_KEY, id, JSON.stringify({ ...node, updatedAt: Date.now() }));
}

export async function removeMediaNode(redis: RedisClient, id: string): Promise<void> {
  await redis.hdel(MEDIA_DIRECTORY_KEY, id);
}

/** All nodes that were heard of lately, by id, draining ones too. @throws when Redis is away */
export async function readMediaNodes(redis: RedisClient, now = Date.now()): Promise<Map<string, MediaNode>> {
  const all = await readEntries(redis);
  return new Map([...all].filter(([, node]) => !isStale(node, now)));
}

/** All entries, also those of dead nodes. @throws when Redis is away */
export async function readEntries(redis: RedisClient): Promise<Map<string, MediaNode>> {
  const all = await redis.hgetall(MEDIA_DIRECTORY_KEY);
  return new Map(
    Object.entries(all).flatMap(([id, text]): [string, MediaNode][] => {
      const node = parse(MediaNode, text);
      return node ? [[id, node]] : [];
    }),
  );
}

/** By the clocks of both hosts. */
export const isStale = ({ updatedAt }: MediaNode, now = Date.now()): boolean => now - updatedAt > MEDIA_NODE_STALE_MS;

/** The serving nodes, best first: nodes at 0.9 or more only at the end, then the same zone, then the least loaded. */
export function rankMediaNodes(nodes: ReadonlyMap<string, MediaNode>, zone?: string): string[] {
  const score = (n: MediaNode) => (n.load >= 0.9 ? 10 : 0) + (zone && n.zone !== zone ? 0.3 : 0) + n.load;
  return [...nodes]
    .filter(([, node]) => node.state === 'serving')
    .map(([id, node]) => ({ id, score: score(node) + Math.random() * 0.05 }))
    .sort((a, b) => a.score - b.score)
    .map(({ id }) => id);
}

/** Which node serves this room, as far as is known. @throws when Redis is away */
export async function readAssignment(redis: RedisClient, room: string): Promise<MediaAssignment | undefined> {
  return parse(MediaAssignment, await redis.get(roomKey(room)));
}

/** KEYS: record. ARGV: expected epoch (0: none), new value or empty to remove, seconds. Answers 1 when the epoch was the expected one. */
const COMPARE_AND_SET = `
local old = redis.call('GET', KEYS[1])
local epoch = 0
if old then epoch = cjson.decode(old).epoch end
if epoch ~= tonumber(ARGV[1]) then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3]) end
return 1`;

async function compareAndSet(redis: RedisClient, room: string, epoch: number, value: string): Promise<boolean> {
  return (await redis.eval(COMPARE_AND_SET, 1, roomKey(room), epoch, value, ROOM_SECONDS)) === 1;
}

/** The agent that serves a room keeps the record alive. @returns false when the room has another node */
export function renewRoom(redis: RedisClient, room: string, mine: MediaAssignment): Promise<boolean> {
  return compareAndSet(redis, room, mine.epoch, JSON.stringify(mine));
}

/** The room is served no more. Nothing happens when it has another node. */
export async function forgetRoom(redis: RedisClient, room: string, epoch: number): Promise<void> {
  await compareAndSet(redis, room, epoch, '');
}

/**
 * Give a room to a node and tell the node, unless somebody else was faster.
 * @param before what was read: its epoch must still be the one of the room
 * @returns the assignment, or undefined when another one was made meanwhile
 */
export async function assignRoom(
  redis: RedisClient,
  room: string,
  before: MediaAssignment | undefined,
  node: string,
): Promise<MediaAssignment | undefined> {
  const at = Date.now();
  const next: MediaAssignment = { node, epoch: Math.max((before?.epoch ?? 0) + 1, Math.floor(at / 1000)), at };
  if (!(await compareAndSet(redis, room, before?.epoch ?? 0, JSON.stringify(next)))) return undefined;
  await redis.rpush(callsKey(node), JSON.stringify({ room, epoch: next.epoch } satisfies MediaCall));
  await redis.expire(callsKey(node), CALL_SECONDS);
  return next;
}

/** Wait for the next call of this node, on a connection of its own. @returns undefined after `seconds` without one */
export async function nextCall(redis: RedisClient, node: string, seconds: number): Promise<MediaCall | undefined> {
  const answer = await redis.blpop(callsKey(node), seconds);
  return parse(MediaCall, answer?.[1]);
}
