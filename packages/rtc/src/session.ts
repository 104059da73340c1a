/** The signaling session: an identity that outlives its sockets. What the app holds; session-protocol.ts has what it does. */
import type { DeliveryResult } from './delivery-types.ts';
import { Emitter } from './emitter.ts';
import type { ServerFrame } from './server-frame.ts';
import { SessionProtocol } from './session-protocol.ts';
import {
  type RoomLook,
  type SessionEvents,
  type SessionOptions,
  type SessionState,
  SignalingError,
} from './session-types.ts';
import type { DirectedBody, DirectedType, PeerInfo, PeerMetadata, RoomEntry, RoomMedia, ServerLimits } from './wire.ts';

/**
 * A session with signaling: connects, resumes on any node, and delivers each message to a peer once and in order. Works in browsers and in
 * Node (give `WebSocket`). {@link Call} builds on it; use it alone to send messages without media.
 *
 * @public
 * @example
 * const session = new SignalingSession({ url: 'wss://calls.example.org/ws/signal', getToken });
 * session.on('message', ({ peerId, data }) => console.log(peerId, data));
 * await session.connect();
 * await session.join('standup');
 */
export class SignalingSession extends Emitter<SessionEvents> {
  readonly #protocol: SessionProtocol;

  constructor(options: SessionOptions) {
    super();
    this.#protocol = new SessionProtocol(options, (event, payload) => this.emit(event, payload));
  }

  /** When this session is sampled: put it as header `traceparent` on requests to auth, so that they show in the same trace. */
  get traceparent(): string | undefined {
    return this.#protocol.traceparent;
  }
  get state(): SessionState {
    return this.#protocol.state;
  }
  /** Mine, once connected. It changes only when the session is lost. */
  get peerId(): string | undefined {
    return this.#protocol.peerId;
  }
  /** The room I am in. */
  get roomId(): string | undefined {
    return this.#protocol.room.roomId;
  }
  /** Everybody else in the room. */
  get peers(): ReadonlyMap<string, PeerInfo> {
    return this.#protocol.room.peers;
  }
  /** Name of the signaling node, for diagnostics. */
  get node(): string | undefined {
    return this.#protocol.node;
  }
  /** Round trip to the signaling node, ms, when it was measured. */
  get rtt(): number | undefined {
    return this.#protocol.connector.link?.rtt;
  }
  /** Which media node serves the room I am in; undefined: it is a mesh. */
  get media(): RoomMedia | undefined {
    return this.#protocol.room.media;
  }
  get limits(): ServerLimits | undefined {
    return this.#protocol.limits;
  }
  /** Messages that are not yet confirmed. */
  get pending(): number {
    return this.#protocol.delivery.pending;
  }

  /**
   * Connect, and stay connected until `close()`. Resolves when the session stands; retries on the way.
   * @throws SignalingError when the session ended instead
   */
  connect(): Promise<void> {
    return this.#protocol.connect();
  }

  /**
   * Enter a room (connects when needed). Comes back into it by itself after a lost session.
   * @throws SignalingError with the server's code, e.g. `room_full`, `room_locked`, `room_over`, `room_unknown`, `forbidden`; `room_waiting`: a
   * moderator decides, so join again at the event `admission`, and after `retryAfter` ms as long as you want to wait
   */
  join(roomId: string, metadata?: PeerMetadata): Promise<void> {
    if (this.#protocol.state === 'closed')
      return Promise.reject(new SignalingError('closed', 'The session is closed.'));
    const done = this.#protocol.room.join(roomId, metadata);
    if (this.#protocol.state === 'idle') this.connect().catch(() => {});
    return done;
  }

  /**
   * Who is in a room that I may join, without joining; those inside are not told. Connect first.
   * @throws SignalingError as {@link join} would for this room, but for `room_full`; `disconnected`, `timeout`, `unavailable`
   */
  async look(roomId: string): Promise<RoomLook> {
    const { count = 0, names } = await this.#protocol.requests.send<ServerFrame>({ type: 'look', roomId });
    return { count, names: Array.isArray(names) ? names.map(String) : undefined };
  }

  /** Leave the room; the session stays. No `peer-left` is reported, as the others have not left. */
  leave(): void {
    // Receipts go out before the leave: after it they can reach no sender.
    this.#protocol.delivery.sendReceipts();
    this.#protocol.room.leave();
  }

  /** Replace what I say of myself to the room. Kept and repeated over reconnects. */
  update(metadata: PeerMetadata): void {
    this.#protocol.room.update(metadata);
  }

  /**
   * Send to one peer: in order, once, repeated until it is acknowledged. Never rejects; the result says what became of it.
   * A negotiation that waits for its own answer need not wait for this promise.
   */
  sendTo<T extends DirectedType>(peerId: string, type: T, body: DirectedBody[T]): Promise<DeliveryResult> {
    if (this.#protocol.state === 'closed') return Promise.resolve({ ok: false, reason: 'closed' });
    return this.#protocol.delivery.send(peerId, type, type === 'message' ? body : this.#protocol.traced(body));
  }

  /**
   * App message to everybody else in the room.
   * @param options reliable: one acknowledged message per peer (default). Otherwise one frame, best effort.
   */
  async broadcast(data: unknown, { reliable = true } = {}): Promise<Map<string, DeliveryResult>> {
    const peerIds = [...this.peers.keys()];
    if (!reliable) {
      const ok = this.sendOnce(data);
      const result: DeliveryResult = ok ? { ok, confirmed: false } : { ok, reason: 'timeout' };
      return new Map(peerIds.map((id) => [id, result]));
    }
    return new Map(
      await Promise.all(peerIds.map(async (id) => [id, await this.sendTo(id, 'message', { data })] as const)),
    );
  }

  /** App message in one frame, best effort: to one peer (default: everybody else in the room). False: there is no connection, or too much waits. */
  sendOnce(data: unknown, peerId?: string): boolean {
    return this.#protocol.send({ type: 'message', ...(peerId === undefined ? {} : { peerId }), data });
  }

  /**
   * Remove a peer; needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError e.g. `forbidden`, `unknown_peer`, `unavailable`; `timeout`, `disconnected`: it may have been done
   */
  kick(peerId: string, reason?: string): Promise<void> {
    return this.#protocol.requests.send({ type: 'kick', peerId, reason });
  }
  /**
   * Ask a peer to mute; needs the `kick` grant. Resolves when the server has passed it on.
   * @throws SignalingError as {@link kick}
   */
  requestMute(peerId: string, kind: 'audio' | 'video'): Promise<void> {
    return this.#protocol.requests.send({ type: 'mute', peerId, kind });
  }
  /**
   * Change what somebody may do in this room, beside what their token says: `publish` (send picture and sound, or only watch) needs the `kick` grant,
   * `kick` (moderate) needs it by my own token; anybody gives up their own. They hear the event `grants`; who joined as audience sends nothing
   * before it joins again. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  grant(peerId: string, { publish, kick }: { publish?: boolean; kick?: boolean }): Promise<void> {
    return this.#protocol.requests.send({ type: 'grant', peerId, publish, kick });
  }
  /**
   * End the room for everybody, me too; needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  closeRoom(reason?: string): Promise<void> {
    return this.#protocol.requests.send({ type: 'close-room', reason });
  }

  /**
   * Say who may enter the room from now on: everybody, those whom a moderator admits, or no more people. Moderators always may, and who is in stays
   * in. Needs the `kick` grant. The event `entry` tells how it is. Resolves when the server has done it.
   * @param may whether people without the grant may share a screen, write in the chat and read names by {@link look}; what is absent stays
   * @throws SignalingError as {@link kick}
   */
  setEntry(entry: RoomEntry, may?: { share?: boolean; chat?: boolean; look?: boolean }): Promise<void> {
    return this.#protocol.requests.send({ type: 'set-entry', entry, ...may });
  }
  /**
   * Let somebody in who waits (event `entry`); needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  admit(peerId: string): Promise<void> {
    return this.#protocol.requests.send({ type: 'admit', peerId });
  }
  /**
   * Send away somebody who waits, who may not ask again for a minute; needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  refuse(peerId: string): Promise<void> {
    return this.#protocol.requests.send({ type: 'refuse', peerId });
  }

  /**
   * An access token that is good now, for requests to auth beside this session. Asks `getToken` only when there is none yet or it runs out;
   * before `connect()` the one that it fetches is used for the socket as well.
   * @throws what `getToken` throws
   */
  accessToken(): Promise<string> {
    return this.#protocol.connector.tokens.current();
  }

  /** Is the socket still alive? Ask now instead of at the next heartbeat (after sleep, a network change). */
  probe(): void {
    this.#protocol.connector.probe();
  }

  /** Leave and end the session. No `peer-left` is reported, as the others have not left. */
  close(): void {
    this.#protocol.end('normal', 'The client closed.');
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
