/** The data of a node: sessions, rooms, members, and the sockets they point at. Behaviour lives in the folders beside this file. */
import type { CloseName, Grants, PeerInfo, PeerMetadata, ServerMessage } from '@tandem/protocol';
import type { EntryRequest } from '../backplane/entry-requests.ts';
import type { RoomGrants } from '../backplane/room-grants.ts';
import type { RestrictedPart, RoomEntry } from '../backplane/room-settings.ts';
import { isMediaPeer, type WriteMark } from '../backplane/types.ts';
import type { Frame } from '../wire/spliced-frame.ts';
import type { Identity } from './identity.ts';

/** One client's socket, as sessions and rooms see it. Connection implements it. */
export interface ClientSocket {
  /** A finished frame for the session. */
  send(frame: Frame): void;
  /** A frame about the room. Omitted while a resume is under way: the answer will show the room as it is then. */
  tell(text: string): void;
  /** An answer of the server to this socket. */
  sendMessage(message: ServerMessage): void;
  /** Closes from this side; the session is detached, unless it was ended before. */
  close(name: CloseName): void;
  /** Closes without touching the session, which goes on with another socket or has ended. */
  abandon(name: CloseName): void;
}

export type SessionState =
  | { readonly kind: 'attached'; readonly connection: ClientSocket }
  /** Its socket is gone; the timer `grace` ends it. */
  | { readonly kind: 'detached'; readonly grace: unknown }
  | { readonly kind: 'ended' };

/** An identity in the service that outlives its sockets. */
export interface Session {
  readonly peerId: string;
  readonly secret: string;
  /** With the grants of its room: see {@link granted}. */
  identity: Identity;
  /** Grants of its token alone. */
  tokenGrants: Grants;
  /** What it may do in its room beside its token. */
  granted: RoomGrants;
  /** {@link guestKey} at its beginning; absent for a proven user. */
  readonly guest: string | undefined;
  /** Counts owners; a stale owner has a lower one and must not write. */
  epoch: number;
  state: SessionState;
  metadata: PeerMetadata | undefined;
  /** Set once the membership is written. */
  room: Room | undefined;
  /** The room that it asks to be let into. */
  asksAt: string | undefined;
  /** When it joined the room that it is in, or joins, in ms since the epoch by the clock of that node. Absent: a node of an older version took the join. */
  joinedAt: number | undefined;
  /** Frames for it are on their way to the mailbox: later ones must queue behind. */
  parking: boolean;
  /** Counts the changes of what it says of itself, over all its owners: in a room, metadata, away or here. */
  order: number;
  /** As far as this node knows its membership was written up to here; below `order` it is to be written again. */
  savedOrder: number;
  /** Its own record may say otherwise whether it is attached: to be written again. */
  unsynced: boolean;
}

/** What peers and moderators need to know of a member. */
export interface MemberInfo {
  /** {@link guestKey}; absent: a proven user. */
  readonly guest?: string;
  readonly userId: string;
  readonly loginSession: string;
  /** When its token runs out, ms since the epoch. */
  readonly until?: number;
  /** As of {@link Session}. */
  readonly joinedAt?: number;
  /** That the token proves. */
  readonly name?: string;
  /** It watches only: see isAudience of rooms/member-record.ts. */
  readonly audience?: true;
  /** Its token does not grant `publish`. */
  readonly listener?: true;
  /** As {@link byToken} of backplane/room-grants.ts. */
  readonly byToken?: string;
  /** Names in `metadata` that a backend says. */
  readonly given?: readonly string[];
  readonly metadata?: PeerMetadata;
}

export interface Member {
  readonly peerId: string;
  node: string;
  epoch: number;
  /** See WriteMark. */
  order: number;
  away: boolean;
  infoJson: string;
  info: MemberInfo;
  /** The dead node that its session was detached from: that is written once. */
  detachedFrom: string;
  /** Set when the session lives on this node: the fast path goes straight there. */
  session: Session | undefined;
}

/** As `media` of the protocol. */
export interface RoomMedia {
  readonly peerId: string;
  readonly epoch: number;
  readonly recording?: number;
}

/** Of a member beside its info: peer id, node, numbers. */
const MEMBER_BYTES = 100;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;

// Shared by all rooms: an empty map of its own is 170 bytes for each.
export const NONE: readonly never[] = [];
const NOTHING_GRANTED: ReadonlyMap<string, RoomGrants> = new Map();

/** A node's replica of a room that one of its sessions is in. */
export class Room {
  readonly id: string;
  version = 0;
  readonly members = new Map<string, Member>();
  /** Sessions of this node that are in, attached or detached. */
  readonly locals = new Set<Session>();
  /** Sessions of this node that left, until the store has removed them: a state that still shows one of them is older than that. */
  departed: Map<string, WriteMark> | undefined;
  /** When a member of it may be gone, a timer reads the room again. */
  reapTimer: unknown;
  reapAt = Infinity;
  /** The store lost data: until then a member that is missing there is not gone, only not yet written again. */
  staleUntil = 0;
  /** When the store was last asked about it in a way that also keeps it there. */
  readAt: number;
  /** When the room ends by its settings; Infinity: never, as far as known. */
  endsAt = Infinity;
  /** Who comes in, as far as known. */
  entry: RoomEntry = 'open';
  /** Settings were read, so `entry` and `restricted` may have been different before. */
  hasSettings = false;
  /** What moderators alone may do, as far as known. */
  restricted: readonly RestrictedPart[] = NONE;
  /** What login sessions may do beside their tokens, as far as known. */
  granted: ReadonlyMap<string, RoomGrants> = NOTHING_GRANTED;
  /** Who asks to. */
  waiting: readonly EntryRequest[] = NONE;
  /** A read of the whole room was not answered: until one is, a member that is gone may be shown. */
  owesWholeRead = false;
  /** A read is under way; `again`: read once more after it, the `whole` room to know when the next member may be gone. */
  reading: { again: boolean; whole: boolean } | undefined;
  /** @param readAt a join keeps it like a read */
  constructor(id: string, readAt: number) {
    this.id = id;
    this.readAt = readAt;
  }

  peers(without: string): PeerInfo[] {
    const peers: PeerInfo[] = [];
    for (const m of this.members.values()) if (m.peerId !== without && !isMediaPeer(m.peerId)) peers.push(peerInfo(m));
    return peers;
  }

  /** Number of members that are people. */
  get people(): number {
    let count = 0;
    for (const peerId of this.members.keys()) if (!isMediaPeer(peerId)) count++;
    return count;
  }

  /** About what its members take in a list of them. */
  get bytes(): number {
    let bytes = 0;
    for (const { infoJson } of this.members.values()) bytes += Buffer.byteLength(infoJson) + MEMBER_BYTES;
    return bytes;
  }

  /** Somebody receives only, which needs a media node. */
  get hasAudience(): boolean {
    for (const { info } of this.members.values()) if (info.audience) return true;
    return false;
  }

  /** The media node that serves it: the one of the highest epoch, which its agent says in its metadata, with the time since when it records. */
  media(): { media?: RoomMedia } {
    let found: RoomMedia | undefined;
    for (const { peerId, info } of this.members.values()) {
      const { media: epoch, recording } = (isMediaPeer(peerId) && info.metadata) as Partial<Record<string, unknown>>;
      if (!isCount(epoch) || epoch <= (found?.epoch ?? 0)) continue;
      found = { peerId, epoch, ...(isCount(recording) ? { recording } : {}) };
    }
    return found ? { media: found } : {};
  }
}

export function peerInfo(m: Member): PeerInfo {
  return {
    peerId: m.peerId,
    userId: m.info.userId,
    ...(m.info.name === undefined ? {} : { name: m.info.name }),
    ...(m.info.audience ? { audience: true } : {}),
    ...(m.info.metadata === undefined ? {} : { metadata: m.info.metadata }),
    ...(m.away ? { away: true } : {}),
  };
}
