/**
 * What nodes share: rooms, sessions, mailboxes, inboxes. Two tenants: memory (one process) and Redis (many nodes). One contract suite (contract.ts)
 * runs against both. Every operation is atomic by itself, but for reads of several rooms and looks. Every change of a room answers with the room's
 * whole state after it: membership is state, so the caller needs no second read.
 */

import { crc32 } from 'node:zlib';
import type { DependencyHealth } from '@tandem/service';
import { type LeaveReason, PARTITIONS, partitionOf } from '@tandem/service/room-events';
import { UnavailableError } from '@tandem/service/unavailable-error';
import type { ClaimResult, ClaimRule, IdentityKey } from './claims.ts';
import type { EntryAnswer, EntryRequest } from './entry-requests.ts';
import type { GrantsChange, GrantsOutcome, GrantsTarget, RoomGrants } from './room-grants.ts';
import type { RoomLook } from './room-look.ts';
import type {
  NewSettings,
  RestrictedPart,
  RoomDescription,
  RoomEntry,
  RoomListQuery,
  SettingsCondition,
  WriteSettingsResult,
} from './room-settings.ts';

/** Which write of which owner: of two writes about one session the store keeps the later one, whatever order they come in. */
export interface WriteMark {
  /** Counts the owners of the session; a lower one is stale and must not write. */
  readonly epoch: number;
  /** Counts what the session said of itself, over all its owners. 0: written by a node that did not count. */
  readonly order: number;
}

/** The mark of a write that no owner can be ahead of: kicked, replaced, found dead. */
export const FORCED: WriteMark = { epoch: Number.MAX_SAFE_INTEGER, order: Number.MAX_SAFE_INTEGER };

/** Whether `a` was written after `b`. */
export function isLater(a: WriteMark, b: WriteMark): boolean {
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.order > b.order);
}

/** One member of a room, as stored. */
export interface MemberRecord extends WriteMark {
  readonly peerId: string;
  /** Node that holds the session. */
  readonly node: string;
  /** 0: here. Otherwise the session is detached, and this is when it leaves the room, in ms from now. */
  readonly awayFor: number;
  /** JSON of {@link MemberInfo}. Opaque to the backplane. */
  readonly info: string;
}

export interface RoomState {
  /** ms until the room ends, see {@link RoomRules}; Infinity: never. Absent: not read, or the room has no settings. */
  readonly endsIn?: number;
  /** Absent as `endsIn` is. */
  readonly entry?: RoomEntry;
  /** What moderators alone may do. Absent: nothing, or not read. */
  readonly restricted?: readonly RestrictedPart[];
  /** Who asks to come in, the first first. Absent: the list is empty or was not read. */
  readonly waiting?: readonly EntryRequest[];
  /** Login sessions that may do other than their tokens say. Absent: none was ever changed here, or not read. */
  readonly granted?: ReadonlyMap<string, RoomGrants>;
  /** Grows with every change, over restarts of the room too (starts at the time in µs). */
  readonly version: number;
  readonly members: readonly MemberRecord[];
}

/** A room to compare with the store. */
export interface RoomQuery {
  readonly room: string;
  /** Members that the asking node owns. */
  readonly peerIds: readonly string[];
}
export interface RoomCheck {
  /** 0: no such room. */
  readonly version: number;
  /** What is stored of each of the `peerIds`; undefined when it is not in the room. */
  readonly members: readonly ((WriteMark & { readonly away: boolean }) | undefined)[];
}

/** How a member enters a room. */
export interface JoinRule extends Entrant {
  /** Members of its kind (the audience or the others) at most; 0: neither a limit nor a ban check (a member restored after a loss, a resume). */
  readonly limit: number;
  readonly loginSession: string;
  /** Only into a room that has settings. Default false. */
  readonly created?: boolean;
  /** A lock does not bind it. Default false. */
  readonly moderates?: boolean;
  /** JSON that moderators read where one has to ask. Default `{}`. */
  readonly entryRequest?: string;
  /** What its login session may do beside its token, as far as known. Default: nothing. */
  readonly granted?: RoomGrants;
  /** `present`: the info of a present record stays, under the new owner. Default: the record's own. */
  readonly info?: 'present';
}

export interface SessionRecord extends WriteMark {
  readonly peerId: string;
  readonly node: string;
  /** SHA-256 of the session's secret, so that a look at Redis resumes nothing. */
  readonly secretHash: string;
  readonly userId: string;
  readonly loginSession: string;
  /** '' when in none. */
  readonly room: string;
  readonly info: string;
}

export type JoinResult =
  | { readonly ok: true; readonly state: RoomState }
  /** `unknown`: the room has no settings, and {@link JoinRule.created} asks for them. `over`: it takes no new people any more. */
  | { readonly ok: false; readonly reason: 'banned' | 'locked' | 'over' | 'unknown' }
  /** The room has other grants for its login session than {@link JoinRule.granted}: join with these. */
  | { readonly ok: false; readonly reason: 'granted'; readonly granted: RoomGrants }
  /** A moderator has to let it in. `isNew`: it was not known to ask. */
  | { readonly ok: false; readonly reason: 'waiting'; readonly isNew: boolean }
  /** `away`: a member of the same user that is away; one that was ended may be replaced, see {@link Entrant}. */
  | { readonly ok: false; readonly reason: 'full'; readonly away?: string };

export type JoinRefusal = Exclude<Extract<JoinResult, { ok: false }>['reason'], 'granted'>;

/** What the store must know of somebody who enters a room, beside the member record. */
export interface Entrant {
  /** User id that bans name. Absent: a guest, whose id proves nothing. */
  readonly userId?: string;
  /** How `info` of every member of that user begins: its seat is theirs. Absent: no seat is reserved. */
  readonly seat?: string;
  /** The member that a join was told as `away`: if the room is still full, it goes and this one comes, in one step. */
  readonly replaces?: string;
  /** Size that the token sets for the room, its audience not counted. The smallest of those who came in counts for everybody, until the room is empty. */
  readonly roomSize?: number;
}

/** How a member goes. */
export interface Departure {
  /** As events say it. Default `left`. */
  readonly reason?: LeaveReason;
  /** Default: none. */
  readonly ban?: Ban | undefined;
}

/** Who is kept out of one room, for how long. */
export interface Ban {
  readonly loginSession: string;
  /** Keeps out every login of that user as well. */
  readonly userId?: string;
  readonly ms: number;
}
export type ResumeResult =
  | {
      readonly ok: true;
      readonly session: SessionRecord;
      readonly previousNode: string;
      readonly parked: readonly string[];
    }
  | { readonly ok: false };
export type ParkResult =
  | { readonly kind: 'parked' }
  | { readonly kind: 'full' }
  /** No such session (any more). */
  | { readonly kind: 'gone' }
  /** It is attached: send there. */
  | { readonly kind: 'attached'; readonly node: string };
export type SyncResult =
  /** Still ours; what others had parked meanwhile is handed over (and gone from the mailbox). */
  | { readonly kind: 'ours'; readonly parked: readonly string[] }
  /** It was taken over since. Undefined: it is over. */
  | { readonly kind: 'fenced'; readonly by: { readonly node: string; readonly epoch: number } | undefined };

/** Who holds a session. */
export interface FoundSession {
  readonly node: string;
  readonly epoch: number;
  readonly room: string;
  readonly attached: boolean;
}

/**
 * How the peer id of a media node's agent begins. Ids are made here, from the token's grant, so no client can call itself one; and every
 * node and script tells it by the id alone. `~` is in no other id.
 */
export const MEDIA_PREFIX = 'media~';
export const isMediaPeer = (peerId: string) => peerId.startsWith(MEDIA_PREFIX);

export type { ClaimResult, ClaimRule, IdentityKey } from './claims.ts';
export { PARTITIONS, partitionOf };

/** The end of every peerId of that user: says where all of it is stored. */
export function userTag(userId: string): string {
  return (crc32(userId) % 36 ** TAG_LENGTH).toString(36).padStart(TAG_LENGTH, '0');
}
/** Enough of them to spread over the 16,384 slots of a Redis Cluster. */
export const TAG_LENGTH = 4;

export interface BackplaneHandlers {
  /** A batch arrived in this node's inbox. */
  onBatch(batch: Uint8Array): void;
  /** Something may have been missed (reconnect, deaf subscription): read every room again. */
  onStale(why: string): void;
}
/** Thrown by every operation while the backplane is away. */
export { UnavailableError };

/** For work that the node's recovery does again. @throws whatever is not {@link UnavailableError} */
export function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof UnavailableError)) throw error;
}

export interface Backplane extends AsyncDisposable {
  /** `memory`, or which kind of Redis. */
  readonly kind: string;
  /** Opens this node's inbox. Rejects when the backplane cannot be reached. */
  start(node: string, handlers: BackplaneHandlers): Promise<void>;
  health(): DependencyHealth;

  /** Says that this node lives; answers with every node that said so within `ttl` ms. */
  beat(ttl: number): Promise<readonly string[]>;
  /** This node goes on purpose: others stop waiting for it. */
  retire(): Promise<void>;
  /** Puts a batch in a node's inbox. False: no node listens there. */
  send(node: string, batch: Uint8Array): Promise<boolean>;

  /** Enters, or takes a present record over, unless that was written later. */
  joinRoom(room: string, member: MemberRecord, rule: JoinRule): Promise<JoinResult>;
  /** Replaces the record of a present member unless that was written later; otherwise changes nothing. */
  putMember(room: string, member: MemberRecord): Promise<RoomState>;
  /** Marks a member of a dead node as away, if it is still that node's and here. */
  markAway(room: string, peerId: string, deadNode: string, awayFor: number): Promise<RoomState>;
  /** Removes a member unless its record was written later, and keeps it out of the room if asked. */
  dropMember(room: string, peerId: string, mark: WriteMark, departure?: Departure): Promise<RoomState>;
  /** Removes members that were away too long; then the state, or undefined when it still is at `known` (-1: always the state). */
  readRoom(room: string, known: number): Promise<RoomState | undefined>;
  /** What tells a reader and an owner whether the store has what they have, at little cost. Neither removes anybody nor keeps a room. */
  checkRooms(rooms: readonly RoomQuery[]): Promise<readonly RoomCheck[]>;
  /** Empties the room; answers with who was in it. Its settings stay. */
  closeRoom(room: string): Promise<RoomState>;
  /** The same, and its settings go. */
  forgetRoom(room: string): Promise<RoomState>;
  /** The same as {@link closeRoom} if `endsAt` of its rules has come, otherwise undefined. */
  endRoom(room: string): Promise<RoomState | undefined>;

  /** Writes the settings of a room on a condition. They outlive its members, see {@link RoomRules}. */
  writeSettings(room: string, settings: NewSettings, condition: SettingsCondition): Promise<WriteSettingsResult>;
  /** Decides about somebody who asks to come in. @returns it; undefined when that peer does not ask */
  answerEntryRequest(room: string, peerId: string, answer: EntryAnswer): Promise<EntryRequest | undefined>;
  /**
   * Changes what the login session of a present member may do in the room, and what a backend says of it, for GRANTS_TTL_MS.
   */
  changeGrants(room: string, member: GrantsTarget, change: GrantsChange): Promise<GrantsOutcome>;
  /** A lock of the room does not bind that login session for MOVE_TTL_MS. */
  expectMove(room: string, loginSession: string): Promise<void>;
  /** What is known of each room without its members; undefined: it has neither members nor settings. */
  describeRooms(rooms: readonly string[]): Promise<readonly (RoomDescription | undefined)[]>;
  /** Who is in, and what a join of that login session (and user, where it is proven) would be bound by. Changes nothing. */
  lookIntoRoom(room: string, asker: Pick<JoinRule, 'loginSession' | 'userId'>): Promise<RoomLook>;
  /** Names of rooms that have members or settings, by partition and then by bytes of UTF-8. May name one that is gone meanwhile. */
  listRooms(query: RoomListQuery): Promise<readonly string[]>;

  /**
   * Takes a place among the sessions of a user, and its login session for `session` alone, and writes it. Its peerId ends with
   * {@link userTag}: all of one user's lies together, so one step does it in a Cluster too. Unless it is ours, nothing is changed.
   */
  openSession(session: SessionRecord, identity: IdentityKey, rule: ClaimRule): Promise<ClaimResult>;
  /**
   * Takes a session over: next epoch, this node, its mailbox emptied into the answer. Until this node has said by {@link claim} that it heard that, who
   * takes the session over or syncs it gets the same once more, for {@link ANSWER_TTL_MS}.
   */
  resumeSession(peerId: string, secretHash: string, userId: string): Promise<ResumeResult>;
  /** Its socket is gone: from now on messages are parked, for `graceMs`. Any node may do it for a dead one. */
  detachSession(peerId: string, mark: WriteMark, node: string, graceMs: number): Promise<void>;
  /** Checks after a possible loss that this node still owns it. Writes it again if it was lost; attached or detached as given. */
  syncSession(session: SessionRecord, attached: boolean, graceMs: number): Promise<SyncResult>;
  /**
   * Ends it, also when another node owns it; answers with what it was. A tombstone stays for {@link TOMBSTONE_TTL_MS}, so that an owner that did not
   * hear of it cannot write it again.
   */
  endSession(peerId: string): Promise<{ room: string; node: string } | undefined>;
  /** Its owner ends it and gives its places back, unless something later was written: then false, and nothing is changed. */
  closeSession(peerId: string, mark: WriteMark, identity: IdentityKey): Promise<boolean>;
  /** Is it attached, and where? */
  findSession(peerId: string): Promise<FoundSession | undefined>;
  /** Stores messages for a detached session. `deadNode`: park also when it seems attached there. */
  park(peerId: string, frames: readonly string[], deadNode?: string): Promise<ParkResult>;

  /** What {@link openSession} takes, for a session that is written already, by its owner: what a resume took for it is read. */
  claim(identity: IdentityKey, peerId: string, rule: ClaimRule): Promise<ClaimResult>;
  /** Gives both back, as far as `peerId` has them. */
  release(identity: IdentityKey, peerId: string): Promise<void>;
}

/** Bounds of a mailbox: enough for the start of calls with a few peers. */
export const MAILBOX = { maxFrames: 256, maxBytes: 256 * 1024 } as const;
/** A session's record outlives everything by this; only rooms whose nodes all died leave any. */
export const RECORD_TTL_MS = 24 * 3600 * 1000;
/** The record of a room that no node reads. */
export const ROOM_TTL_MS = 10 * 60 * 1000;
/** How long answers are kept for who did not hear them, ms: longer than a node waits, and than its client takes to ask another. */
export const ANSWER_TTL_MS = 30_000;
export const TOMBSTONE_TTL_MS = 10 * 60 * 1000;
