/** The room as this client sees it: state from snapshots, corrected by events, never the other way round. */
import { readMetadata } from './peer-input.ts';
import type { Frame, PeerInfo } from './wire.ts';

/** What changed, in the order to report it. */
export type RoomChange =
  | {
      readonly kind: 'joined';
      readonly peer: PeerInfo /** Was it here before me? The one that joins calls those who were. */;
      readonly before: boolean;
    }
  | { readonly kind: 'left'; readonly peer: PeerInfo; readonly reason: string }
  | { readonly kind: 'updated'; readonly peer: PeerInfo }
  | { readonly kind: 'away'; readonly peer: PeerInfo }
  | { readonly kind: 'back'; readonly peer: PeerInfo };

function isPeer(value: unknown): value is PeerInfo {
  return typeof value === 'object' && value !== null && typeof (value as PeerInfo).peerId === 'string';
}

function clean(frame: object): PeerInfo {
  const { peerId, userId, audience, metadata, away } = frame as PeerInfo;
  return {
    peerId,
    ...(typeof userId === 'string' ? { userId } : {}),
    ...(audience === true || metadata?.audience === true ? { audience: true } : {}),
    ...(metadata === undefined ? {} : { metadata: readMetadata(metadata) }),
    ...(away ? { away: true } : {}),
  };
}

/** Reads a list of peers that the server sent. */
export const readPeers = (peers: unknown): PeerInfo[] => (Array.isArray(peers) ? peers : []).filter(isPeer).map(clean);

export class RoomView {
  readonly #peers = new Map<string, PeerInfo>();
  /** Version of the room in the last list; undefined from servers that do not say. */
  #listed: number | undefined;

  get peers(): ReadonlyMap<string, PeerInfo> {
    return this.#peers;
  }

  /** Replace the view by a list of the server (S-26); the differences are the changes. */
  list(frame: Frame): RoomChange[] {
    this.#listed = typeof frame.version === 'number' ? frame.version : undefined;
    // A socket whose subprotocol a proxy swallowed gets ids in `peers`, as a client of the seed does.
    return this.#replace(frame.members ?? frame.peers, 'left');
  }

  #replace(peers: unknown, reason: string): RoomChange[] {
    const next = new Map(readPeers(peers).map((peer) => [peer.peerId, peer]));
    const changes: RoomChange[] = [];
    for (const peer of [...this.#peers.values()])
      if (!next.has(peer.peerId)) changes.push(...this.#remove(peer.peerId, reason));
    for (const peer of next.values()) changes.push(...this.#put(peer, true));
    return changes;
  }

  /** Forget everybody (left the room, or the session is over). */
  clear(reason: string): RoomChange[] {
    this.#listed = undefined;
    return this.#replace([], reason);
  }

  /** Apply one event of the server. Events about unknown peers are ignored: a snapshot tells. */
  event(frame: Frame): RoomChange[] {
    if (!isPeer(frame)) return [];
    // Older than the last list, and in it: two ways through the server crossed.
    if (this.#listed !== undefined && typeof frame.version === 'number' && frame.version < this.#listed) return [];
    const { peerId } = frame;
    const known = this.#peers.get(peerId);
    switch (frame.type) {
      case 'peer_joined':
        return this.#put(clean(frame), false);
      case 'peer_left':
        return this.#remove(peerId, typeof frame.reason === 'string' ? frame.reason : 'left');
      case 'peer_updated':
        return known ? this.#put({ ...known, metadata: readMetadata(frame.metadata) }, false) : [];
      case 'peer_away':
        return known ? this.#put({ ...known, away: true }, false) : [];
      case 'peer_back': {
        if (!known) return [];
        // Reported even when it did not look away: its socket changed, so what was on the way may be lost.
        const changes = this.#put(clean({ ...known, away: false }), false);
        return changes.length ? changes : [{ kind: 'back', peer: known }];
      }
      default:
        return [];
    }
  }

  #remove(peerId: string, reason: string): RoomChange[] {
    const peer = this.#peers.get(peerId);
    if (!peer) return [];
    this.#peers.delete(peerId);
    return [{ kind: 'left', peer, reason }];
  }

  #put(peer: PeerInfo, before: boolean): RoomChange[] {
    const old = this.#peers.get(peer.peerId);
    this.#peers.set(peer.peerId, peer);
    if (!old) return [{ kind: 'joined', peer, before }];
    const changes: RoomChange[] = [];
    if (old.audience !== peer.audience || JSON.stringify(old.metadata) !== JSON.stringify(peer.metadata))
      changes.push({ kind: 'updated', peer });
    if (!!old.away !== !!peer.away) changes.push({ kind: peer.away ? 'away' : 'back', peer });
    return changes;
  }
}
