/** A node's replica of a room that one of its sessions is in. */
import type { PeerInfo, PeerMetadata } from '@tandem/protocol';
import { type Entrant, isMediaPeer, type MemberRecord } from '../backplane/types.ts';
import type { Identity } from './identity.ts';
import { markOf, type Session } from './session.ts';

/** What peers and moderators need to know of a member. */
export interface MemberInfo {
  /** {@link guestKey}; absent: a proven user. */
  readonly guest?: string;
  readonly userId: string;
  readonly loginSession: string;
  /** That the token proves. */
  readonly name?: string;
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
  /** Set when the session lives on this node: the hot path goes straight there. */
  session: Session | undefined;
}

export class Room {
  readonly id: string;
  version = 0;
  readonly members = new Map<string, Member>();
  /** Sessions of this node that are in, attached or detached. */
  readonly locals = new Set<Session>();
  /** When a member of it may be gone, a timer reads the room again. */
  reapTimer: unknown;
  reapAt = Infinity;
  /** The store lost data: until then, who is missing there is not gone, only not yet written again. */
  suspectUntil = 0;
  /** When the store was last asked about it in a way that also keeps it there. */
  readAt = 0;
  /** A read is under way; `again`: read once more after it, the `whole` room to know when the next member may be gone. */
  reading: { again: boolean; whole: boolean } | undefined;
  constructor(id: string) {
    this.id = id;
  }

  peers(without: string): PeerInfo[] {
    const peers: PeerInfo[] = [];
    for (const m of this.members.values()) if (m.peerId !== without && !isMediaPeer(m.peerId)) peers.push(peerInfo(m));
    return peers;
  }

  /** Members that are people. */
  get people(): number {
    let count = 0;
    for (const peerId of this.members.keys()) if (!isMediaPeer(peerId)) count++;
    return count;
  }

  /** The media node that serves it: the one of the highest epoch, which its agent says in its metadata. */
  media(): { media?: { peerId: string; epoch: number } } {
    let found: { peerId: string; epoch: number } | undefined;
    for (const { peerId, info } of this.members.values()) {
      const epoch = isMediaPeer(peerId) ? (info.metadata as { media?: unknown } | undefined)?.media : undefined;
      if (Number.isSafeInteger(epoch) && (epoch as number) > (found?.epoch ?? 0))
        found = { peerId, epoch: epoch as number };
    }
    return found ? { media: found } : {};
  }

  /** Other nodes that hold a member. */
  otherNodes(self: string): Set<string> {
    const nodes = new Set<string>();
    for (const m of this.members.values()) if (m.node !== self) nodes.add(m.node);
    return nodes;
  }
}

export function peerInfo(m: Member): PeerInfo {
  return {
    peerId: m.peerId,
    userId: m.info.userId,
    ...(m.info.name === undefined ? {} : { name: m.info.name }),
    ...(m.info.metadata === undefined ? {} : { metadata: m.info.metadata }),
    ...(m.away ? { away: true } : {}),
  };
}

/** Display name that the token proves. */
const provenName = ({ guest, name }: Identity) => (guest ? undefined : name);

/** A name that the token proves is the only one that its bearer has. */
export function withProvenName(identity: Identity, metadata: PeerMetadata): PeerMetadata {
  const name = provenName(identity);
  return name === undefined ? metadata : { ...metadata, name };
}

export function memberRecord(session: Session, node: string, awayFor = 0): MemberRecord {
  const { identity, guest, metadata } = session;
  const name = provenName(identity);
  // What tells users apart comes first: see entrantOf.
  const info: MemberInfo = {
    ...(guest === undefined ? {} : { guest }),
    userId: identity.userId,
    loginSession: identity.loginSession,
    ...(name === undefined ? {} : { name }),
    ...(metadata === undefined ? {} : { metadata: withProvenName(identity, metadata) }),
  };
  return { peerId: session.peerId, node, ...markOf(session), awayFor, info: JSON.stringify(info) };
}

/** What a join tells the store of this session's user. `seat` is how every {@link memberRecord} of that user begins. */
export function entrantOf({ identity: { userId, grants }, guest }: Session): Entrant {
  const roomSize = grants.maxRoomSize === undefined ? {} : { roomSize: grants.maxRoomSize };
  if (guest === undefined) return { userId, seat: `{"userId":${JSON.stringify(userId)},`, ...roomSize };
  return { seat: `{"guest":"${guest.slice(0, guest.indexOf('.') + 1)}`, ...roomSize };
}
