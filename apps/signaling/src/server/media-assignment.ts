/**
 * Gives large rooms a media node. Each signaling node looks at the rooms that its own clients are in; two that find the same room set its
 * record by compare-and-set, so one of them wins. The node that was chosen enters the room as a member, which is the proof that it heard:
 * one that does not come, or that the directory has lost, is followed by the next.
 */
import {
  assignRoom,
  type MediaNode,
  MediaWatch,
  type RedisClient,
  rankMediaNodes,
  readAssignment,
} from '@tandem/service';
import type { Room } from '../core/model.ts';

export const ASSIGNMENT_REASONS = ['first', 'lost', 'silent'] as const;
export type AssignmentReason = (typeof ASSIGNMENT_REASONS)[number];

export interface MediaAssignmentOptions {
  readonly redis: RedisClient;
  /** Rooms of this node's clients. */
  readonly rooms: () => ReadonlyMap<string, Room>;
  /** People in a room from which a media node serves it, without an audience. */
  readonly from: number;
  readonly log: (fields: { readonly event: string; readonly [field: string]: unknown }) => void;
  /** A room was given a node: its first, or another one as that of before is lost or does not come. */
  readonly assigned?: (reason: AssignmentReason) => void;
  /** How often rooms are looked at, ms. Default 500. */
  readonly intervalMs?: number;
}

/** A node that was called enters the room within this time, ms; then the next one is called. */
const ANSWER_MS = 4000;
/** The same while the node before still serves the room: longer than a node tries to enter (infra/media-node/src/room-session.ts). */
const MOVE_MS = 10_000;

/** Follow the rooms until disposed of. */
export function assignMedia(options: MediaAssignmentOptions): Disposable {
  const watch = new MediaWatch(options.redis);
  let busy = false;
  const look = async () => {
    if (busy) return;
    busy = true;
    try {
      const waiting = [...options.rooms().values()].filter((room) => needsNode(room, options.from));
      if (waiting.length === 0) return;
      const nodes = await watch.read();
      if (nodes.size > 0) for (const room of waiting) await assign(options, room, nodes, watch);
    } catch (error) {
      // Redis is away: rooms go on as they are, and no new ones are served.
      options.log({ event: 'media.unassigned', error: error instanceof Error ? error.message : String(error) });
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void look(), options.intervalMs ?? 500);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** From a number of people on, as soon as somebody in it receives only, and while it has a node. */
function needsNode(room: Room, from: number): boolean {
  const { people } = room;
  return people >= from || (people > 1 && room.hasAudience) || room.media().media !== undefined;
}

async function assign(
  { redis, log, assigned }: MediaAssignmentOptions,
  room: Room,
  nodes: ReadonlyMap<string, MediaNode>,
  watch: MediaWatch,
): Promise<void> {
  const { media } = room.media();
  const known = await readAssignment(redis, room.id);
  // One that the room was taken from serves on while the next one comes.
  const isNext = (epoch: number) => !known || epoch >= known.epoch || Date.now() - known.at < MOVE_MS;
  const isPresent = media !== undefined && room.members.get(media.peerId)?.away === false && isNext(media.epoch);
  // A room keeps its node as long as that one lives. One whose session is gone and that renews its entry comes back, or its agent says so.
  const isComing = () => known && Date.now() - known.at < ANSWER_MS && !watch.isOverdue(known.node);
  if (known && nodes.has(known.node) && (isPresent || isComing())) return;
  if (!known && isPresent) return;
  const [node] = rankMediaNodes(new Map([...nodes].filter(([id]) => id !== known?.node)));
  const next = node ?? (known && nodes.get(known.node)?.state === 'serving' ? known.node : undefined);
  if (next === undefined) return;
  const assignment = await assignRoom(redis, room.id, known, next);
  if (!assignment) return;
  const reason = !known ? 'first' : nodes.has(known.node) ? 'silent' : 'lost';
  assigned?.(reason);
  log({ event: 'media.assigned', reason, roomId: room.id, node: next, epoch: assignment.epoch, people: room.people });
}
