/** Who is in a room. */
import { type Api, type CallOptions, pathPart } from './api.ts';
import type { Ban, Peer } from './api-types.ts';
import { pathOf } from './rooms.ts';

/** A peer, and the tag of what was decided of it. */
export interface TaggedPeer extends Peer {
  readonly etag: string;
}

/** How a peer is removed. */
export interface RemovePeerOptions extends CallOptions {
  /** Reaches the peer. */
  readonly reason?: string | undefined;
  /**
   * Who is kept out of the room: `none`, this login session (`login`), or every login of the user (`user`; of a guest the login).
   * @default 'none'
   */
  readonly ban?: Ban | undefined;
  /** Seconds, 1 to 86,400. Default 3600. */
  readonly banSeconds?: number | undefined;
}

/** What a peer may do in a room, beside its token. Absent: stays as it is. Null: as its token says. */
export interface PeerGrants {
  /** May send media. */
  readonly publish?: boolean | null | undefined;
  /** May send app messages. */
  readonly data?: boolean | null | undefined;
  /** Is a moderator. */
  readonly kick?: boolean | null | undefined;
  /** As a moderator, lets those speak whose token does not. */
  readonly invite?: boolean | null | undefined;
}

/** What is changed of a peer in a room. */
export interface PeerChange extends CallOptions {
  /** What it may do there, beside its token. */
  readonly grants?: PeerGrants | undefined;
  /**
   * Said of it to its room, field by field on top of what its client says of itself: `{ role: 'interpreter' }`. A null takes that field away again, null
   * for all takes everything away. The room sees the names of these fields in `fromBackend` of the metadata: of others a client says what it likes. 512 bytes as JSON at most, and no field that the protocol knows (`name`, `audio`, `video`, `screen`, …).
   */
  readonly metadata?: { readonly [name: string]: unknown } | null | undefined;
  /** `etag` that was read: the change is refused (`etag_mismatch`) if something else was decided of it by now. */
  readonly ifMatch?: string | undefined;
}

/** Where a peer is sent. */
export interface MovePeerOptions extends CallOptions {
  /** Room id. */
  readonly to: string;
  /** A token of that user for that room, of `tokens.create`. Default: it enters with its own. */
  readonly token?: string | undefined;
}

/** Scopes `peers:read` and `peers:write`. */
export class Peers {
  readonly #api: Api;
  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /** @throws TandemError `room_unknown` */
  async list(roomId: string, options?: CallOptions): Promise<readonly Peer[]> {
    const { body } = await this.#api.call(
      { method: 'GET', path: `${pathOf(roomId)}/peers`, isRepeatable: true },
      options,
    );
    return (body as { readonly peers: readonly Peer[] }).peers;
  }

  /** @throws TandemError `room_unknown`, `peer_unknown` */
  async get(roomId: string, peerId: string, options?: CallOptions): Promise<TaggedPeer> {
    const { body, etag = '' } = await this.#api.call(
      { method: 'GET', path: peerPath(roomId, peerId), isRepeatable: true },
      options,
    );
    return { ...(body as Peer), etag };
  }

  /**
   * Remove a peer, and keep it out if asked. With a `ban`, `peer_unknown` may also mean that the answer of an earlier try was lost.
   * @throws TandemError `room_unknown`, `peer_unknown`
   */
  async remove(roomId: string, peerId: string, options: RemovePeerOptions = {}): Promise<void> {
    const { reason, ban, banSeconds, signal } = options;
    const query = { reason, ban, banSeconds };
    // That it is gone does not say that it is banned: it may have left.
    const isRepeatable = !ban || ban === 'none' || 'unsure';
    await this.#api.call({ method: 'DELETE', path: peerPath(roomId, peerId), query, isRepeatable }, { signal });
  }

  /**
   * Ask a peer to mute its microphone or camera. Its program does so, and the person may turn it on again.
   * @throws TandemError `room_unknown`, `peer_unknown`
   */
  async mute(roomId: string, peerId: string, kind: 'audio' | 'video', options?: CallOptions): Promise<void> {
    const path = `${peerPath(roomId, peerId)}/mute`;
    await this.#api.call({ method: 'POST', path, body: { kind }, isRepeatable: true }, options);
  }

  /**
   * Change what a peer may do in this room: for a day, also when its login comes again, and until the room is ended. Media that two browsers
   * send each other already is not cut.
   * @throws TandemError `room_unknown`, `peer_unknown`
   */
  async setGrants(roomId: string, peerId: string, grants: PeerGrants, options?: CallOptions): Promise<void> {
    await this.update(roomId, peerId, { grants, ...options });
  }

  /**
   * Change what a peer may do in this room, and what is said of it there: for a day, also when its login comes again, and until the room is ended.
   * @throws TandemError `peer_unknown`, `etag_mismatch`, `invalid_field`
   */
  async update(roomId: string, peerId: string, change: PeerChange): Promise<void> {
    const { grants, metadata, ifMatch, signal } = change;
    const headers = { 'content-type': 'application/merge-patch+json', 'if-match': ifMatch };
    const isRepeatable = ifMatch === undefined;
    await this.#api.call(
      { method: 'PATCH', path: peerPath(roomId, peerId), body: { grants, metadata }, headers, isRepeatable },
      { signal },
    );
  }

  /**
   * Send a peer to another room: it leaves this one, and the server message `move` says to its client where to go.
   * @throws TandemError `room_unknown`, `peer_unknown`, `peer_away`, `room_full`, `room_over`
   */
  async move(roomId: string, peerId: string, { to, token, signal }: MovePeerOptions): Promise<void> {
    const body = { roomId: to, token };
    await this.#api.call(
      { method: 'POST', path: `${peerPath(roomId, peerId)}/move`, body, isRepeatable: false },
      { signal },
    );
  }
}

const peerPath = (roomId: string, peerId: string) => `${pathOf(roomId)}/peers/${pathPart('peerId', peerId)}`;
