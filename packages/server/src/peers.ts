/** Who is in a room. */
import { type Api, type CallOptions, pathPart } from './api.ts';
import type { Ban, Peer } from './api-types.ts';
import { pathOf } from './rooms.ts';

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
  async get(roomId: string, peerId: string, options?: CallOptions): Promise<Peer> {
    const { body } = await this.#api.call(
      { method: 'GET', path: peerPath(roomId, peerId), isRepeatable: true },
      options,
    );
    return body as Peer;
  }

  /**
   * Remove a peer, and keep it out if asked.
   * @throws TandemError `room_unknown`, `peer_unknown`
   */
  async remove(roomId: string, peerId: string, options: RemovePeerOptions = {}): Promise<void> {
    const { reason, ban, banSeconds, signal } = options;
    const query = { reason, ban, banSeconds };
    await this.#api.call({ method: 'DELETE', path: peerPath(roomId, peerId), query, isRepeatable: true }, { signal });
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
    const path = peerPath(roomId, peerId);
    await this.#api.call({ method: 'PATCH', path, body: { grants }, isRepeatable: true }, options);
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
