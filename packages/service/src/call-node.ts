/** A room that somebody streams into, watches or records gets a media node at once: it needs one however few are in it. */
import { assignRoom, rankMediaNodes, readAssignment, readMediaNodes } from './media-directory.ts';
import type { RedisClient } from './redis.ts';

/** A node that was called and has not entered the room by then is deaf, ms (as signaling has it). */
const ANSWER_MS = 4000;

/**
 * Asks the best node, unless one was asked just now.
 * @param preferred a node that takes it when it takes rooms: a stream then stays on one machine. Default: the best one
 * @returns whether there is a node
 */
export async function callNode(redis: RedisClient, room: string, preferred?: string): Promise<boolean> {
  const [nodes, known] = await Promise.all([readMediaNodes(redis), readAssignment(redis, room)]);
  if (known && nodes.has(known.node) && Date.now() - known.at < ANSWER_MS) return true;
  const ranked = rankMediaNodes(nodes).filter((id) => id !== known?.node || nodes.size === 1);
  const mine = preferred === undefined ? undefined : nodes.get(preferred);
  const isRoomy = mine?.state === 'serving' && mine.load < 0.9;
  const next = ranked.find((id) => isRoomy && id === preferred) ?? ranked[0];
  if (next === undefined) return false;
  // Another node was faster: then the room has that one.
  await assignRoom(redis, room, known, next);
  return true;
}
