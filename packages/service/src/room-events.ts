/**
 * The outbox of events: where they lie and how they are written. The script that changes a room (apps/signaling/src/backplane/scripts/room.lua)
 * writes them in the same step, so that the room and its events are kept or lost together. The dispatcher reads them.
 */
import { crc32 } from 'node:zlib';
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';

/** Number of parts that rooms lie in: enough slots for 2 to 32 shards of a Cluster, few enough to walk through when rooms are listed. */
export const PARTITIONS = 64;
export const partitionOf = (room: string) => crc32(room) % PARTITIONS;

/** Hash tag of everything about the rooms of one partition. */
export const partitionTag = (partition: number) => `p:${String(partition).padStart(2, '0')}`;

/** Stream of the entries of one partition, bounded by OUTBOX_LENGTH of room.lua. */
export const outboxKey = (prefix: string, partition: number) => `${prefix}:{${partitionTag(partition)}}:out`;

/** Why somebody left. `refused`: was taken back before it was shown to anybody, such as a join over the quota of a user. */
export const LEAVE_REASONS = ['left', 'timeout', 'kicked', 'closed', 'replaced', 'moved', 'refused'] as const;
export type LeaveReason = (typeof LEAVE_REASONS)[number];
/** Any other reason is somebody's own departure. */
export const leaveReason = (text: string): LeaveReason => LEAVE_REASONS.find((reason) => reason === text) ?? 'left';

interface OfPeer {
  /** Version of the room behind this change. */
  readonly version: number;
  readonly peerId: string;
}
export type RoomChange =
  /** `isRestored`: the store had lost it. `userId` is self-chosen for a guest. */
  | (OfPeer & { readonly kind: 'joined'; readonly userId: string; readonly isRestored: boolean })
  /** `updated`: what others see of it, such as its name, metadata or grants. */
  | (OfPeer & { readonly kind: 'away' | 'back' | 'updated' })
  | (OfPeer & { readonly kind: 'left'; readonly reason: LeaveReason })
  /** Settings of the room were written; it has that revision of them now. Its `peerId` is `-`. */
  | (OfPeer & { readonly kind: 'settings'; readonly revision: number });

/** What one script changed. */
export interface OutboxEntry {
  readonly room: string;
  /** Tells the room from others of its name, before and after. Its versions are above it. */
  readonly firstVersion: number;
  /** Members after all changes, agents of media nodes included. */
  readonly members: number;
  readonly changes: readonly RoomChange[];
  /** It is of a recording alone, and says nothing of the room: that may be over since long. */
  readonly recording?: RecordingOver;
}

/** Its files are made, or never will be. */
export const RecordingOver = Type.Object({
  recordingId: Type.String({ maxLength: 40 }),
  status: Type.Union([Type.Literal('ready'), Type.Literal('failed')]),
  durationSeconds: Type.Optional(Type.Number({ minimum: 0 })),
});
export type RecordingOver = Static<typeof RecordingOver>;

/** The value of an entry that is of a recording. Who reads entries of rooms alone finds it unreadable, and passes over it. */
export const writeRecordingEntry = (room: string, recording: RecordingOver): string =>
  `recording ${room}\n${JSON.stringify(recording)}`;

/** Reads the value of an entry. @throws Error if it has another form */
export function readOutboxEntry(value: string): OutboxEntry {
  const [head = '', ...lines] = value.split('\n');
  const [, ofRoom] = /^recording (\S.*)$/s.exec(head) ?? [];
  if (ofRoom !== undefined) {
    const recording: unknown = JSON.parse(lines[0] ?? '');
    if (!Check(RecordingOver, recording)) throw new Error('an entry of a recording has another form');
    return { room: ofRoom, firstVersion: 0, members: 0, changes: [], recording };
  }
  const [, before, first, members, room] = /^(\d+) (\d+) (\d+) (\S+)$/.exec(head) ?? [];
  if (room === undefined) throw new Error('an entry of the outbox begins in another way');
  const changes = lines.flatMap((line) => readChange(line, Number(before)) ?? []);
  return { room, firstVersion: Number(first), members: Number(members), changes };
}

/** @returns undefined for a kind of a newer version */
function readChange(line: string, before: number): RoomChange | undefined {
  // With `s`: a user id may have the line separators of Unicode, which JSON leaves as they are.
  const [, number, kind, peerId = '', more = ''] = /^(\d+) ([a-z]+) (\S+) (.*)$/s.exec(line) ?? [];
  if (kind === undefined) throw new Error('an entry of the outbox has a change of another form');
  const of = { version: before + Number(number), peerId };
  switch (kind) {
    case 'joined':
    case 'restored':
      return { ...of, kind: 'joined', userId: String(JSON.parse(more)), isRestored: kind === 'restored' };
    case 'away':
    case 'back':
    case 'updated':
      return { ...of, kind };
    case 'left':
      return { ...of, kind, reason: leaveReason(more) };
    case 'settings':
      return { ...of, kind, revision: Number(more) };
    default:
      return undefined;
  }
}
