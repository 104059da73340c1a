/** The signaling session: an identity that outlives its sockets. */
import { DEFAULT_HEARTBEAT } from '@tandem/protocol/codes';
import { type Clock, systemClock } from './clock.ts';
import { Connector } from './connector.ts';
import { Delivery } from './delivery.ts';
import type { DeliveryResult } from './delivery-types.ts';
import { Emitter } from './emitter.ts';
import type { Link } from './link.ts';
import { Membership } from './membership.ts';
import { Pacer } from './pacer.ts';
import { randomHex } from './random-id.ts';
import { Requests } from './requests.ts';
import { type RoomChange, readPeers } from './room-view.ts';
import type { ServerFrame } from './server-frame.ts';
import {
  type EndReason,
  type RoomLook,
  type SessionEvents,
  type SessionOptions,
  type SessionState,
  SignalingError,
} from './session-types.ts';
import type {
  DirectedBody,
  DirectedType,
  Frame,
  Heartbeat,
  PeerInfo,
  PeerMetadata,
  RoomEntry,
  RoomMedia,
  ServerLimits,
} from './wire.ts';

/** Everything is open unless the server says otherwise. */
const readEntry = ({ entry, share, chat, look, waiting }: ServerFrame): SessionEvents['entry'] => ({
  entry: entry as RoomEntry,
  share: share !== false,
  chat: chat !== false,
  look: look !== false,
  waiting: readPeers(waiting),
});

const readGrants = ({ publish, data, kick, invite, metadata }: ServerFrame): SessionEvents['grants'] => ({
  publish: publish === true,
  data: data === true,
  kick: kick === true,
  invite: invite === true,
  metadata: typeof metadata === 'object' ? { ...metadata } : {},
});

const readMute = ({ peerId, kind }: ServerFrame): SessionEvents['mute-requested'] => ({
  peerId: peerId as string,
  kind: kind === 'video' ? 'video' : 'audio',
});

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
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #connector: Connector;
  readonly #room: Membership;
  readonly #delivery: Delivery;
  readonly #pacer: Pacer<Frame>;
  readonly #requests: Requests;
  readonly #traceparent: string | undefined;
  #state: SessionState = 'idle';
  /** Of a server that greets first: with a session to resume, its greeting is not for us, unless the resume fails. */
  #greeting: ServerFrame | undefined;
  #sessionToken: string | undefined;
  #peerId: string | undefined;
  #node: string | undefined;
  #limits: ServerLimits | undefined;
  #heartbeat: Heartbeat = DEFAULT_HEARTBEAT;
  #waiters: { readonly resolve: () => void; readonly reject: (error: SignalingError) => void }[] = [];

  constructor(options: SessionOptions) {
    super();
    const clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    this.#clock = clock;
    this.#random = random;
    this.#connector = new Connector(options, {
      clock,
      random,
      opened: (link) => {
        this.#greeting = undefined;
        // A resume must be the first frame. Otherwise ask for anything: it works whether the server greets or waits.
        if (this.#sessionToken) link.send(this.#traced({ type: 'resume', sessionToken: this.#sessionToken }));
        else link.send({ type: 'ping', t: clock.now() });
      },
      frame: (link, frame) => {
        if (this.#state !== 'closed') this.#frame(link, frame);
      },
      lost: () => {
        this.#pacer.clear();
        this.#requests.end('disconnected');
        this.#delivery.setConnected(false);
      },
      inRoom: () => this.roomId !== undefined,
      waiting: (reason, retryIn) =>
        this.#setState(this.#peerId ? 'reconnecting' : 'connecting', {
          ...(reason === undefined ? {} : { reason }),
          ...(retryIn === undefined ? {} : { retryIn }),
        }),
      over: (reason, message) => this.#end(reason, message),
    });
    const sampling = options.traceSampling ?? 0;
    this.#traceparent = sampling > 0 && random() < sampling ? `00-${randomHex(16)}-${randomHex(8)}-01` : undefined;
    this.#pacer = new Pacer(clock, (frame) => this.#connector.link?.send(frame) ?? false);
    this.#requests = new Requests(clock, (frame) => this.#paced(frame));
    this.#delivery = new Delivery({
      clock,
      random,
      ...options.delivery,
      send: (frame) => this.#paced(frame),
      deliver: (peerId, frame) => this.#delivered(peerId, frame),
      failed: (peerId, type, reason) => this.emit('undelivered', { peerId, type, reason }),
      acknowledges: (peerId) => this.#acknowledges(peerId),
    });
    this.#room = new Membership({
      clock,
      random,
      backoff: options.backoff,
      send: (frame) => this.#paced(frame.type === 'join' ? this.#traced(frame) : frame),
      connected: () => this.#state === 'open',
      joined: (roomId, peers, again) => this.emit('joined', { roomId, peers, again }),
      changed: (changes) => this.#changed(changes),
      left: (roomId, forGood) => {
        this.#delivery.leftRoom();
        if (forGood) this.emit('left', { roomId });
      },
      media: (media) => this.emit('media', { media }),
      lost: (roomId, code, message) => this.emit('room-lost', { roomId, code, message }),
    });
  }

  /** When this session is sampled: put it as header `traceparent` on requests to auth, so that they show in the same trace. */
  get traceparent(): string | undefined {
    return this.#traceparent;
  }
  get state(): SessionState {
    return this.#state;
  }
  /** Mine, once connected. It changes only when the session is lost. */
  get peerId(): string | undefined {
    return this.#peerId;
  }
  /** The room I am in. */
  get roomId(): string | undefined {
    return this.#room.roomId;
  }
  /** Everybody else in the room. */
  get peers(): ReadonlyMap<string, PeerInfo> {
    return this.#room.peers;
  }
  /** Name of the signaling node, for diagnostics. */
  get node(): string | undefined {
    return this.#node;
  }
  /** Round trip to the signaling node, ms, when it was measured. */
  get rtt(): number | undefined {
    return this.#connector.link?.rtt;
  }
  /** Which media node serves the room I am in; undefined: it is a mesh. */
  get media(): RoomMedia | undefined {
    return this.#room.media;
  }
  get limits(): ServerLimits | undefined {
    return this.#limits;
  }
  /** Messages that are not yet confirmed. */
  get pending(): number {
    return this.#delivery.pending;
  }

  /**
   * Connect, and stay connected until `close()`. Resolves when the session stands; retries on the way.
   * @throws SignalingError when the session ended instead
   */
  connect(): Promise<void> {
    if (this.#state === 'open') return Promise.resolve();
    if (this.#state === 'closed') return Promise.reject(new SignalingError('closed', 'The session is closed.'));
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (this.#state === 'idle') {
      this.#setState('connecting');
      this.#connector.start();
    }
    return done;
  }

  /**
   * Enter a room (connects when needed). Comes back into it by itself after a lost session.
   * @throws SignalingError with the server's code, e.g. `room_full`, `room_locked`, `room_over`, `room_unknown`, `forbidden`; `room_waiting`: a
   * moderator decides, so join again at the event `admission`, and after `retryAfter` ms as long as you want to wait
   */
  join(roomId: string, metadata?: PeerMetadata): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(new SignalingError('closed', 'The session is closed.'));
    const done = this.#room.join(roomId, metadata);
    if (this.#state === 'idle') this.connect().catch(() => {});
    return done;
  }

  /**
   * Who is in a room that I may join, without joining; those inside are not told. Connect first.
   * @throws SignalingError as {@link join} would for this room, but for `room_full`; `disconnected`, `timeout`, `unavailable`
   */
  async look(roomId: string): Promise<RoomLook> {
    const { count = 0, names } = await this.#requests.send<ServerFrame>({ type: 'look', roomId });
    return { count, names: Array.isArray(names) ? names.map(String) : undefined };
  }

  /** Leave the room; the session stays. No `peer-left` is reported, as the others have not left. */
  leave(): void {
    // Receipts go out before the leave: after it they can reach no sender.
    this.#delivery.sendReceipts();
    this.#room.leave();
  }

  /** Replace what I say of myself to the room. Kept and repeated over reconnects. */
  update(metadata: PeerMetadata): void {
    this.#room.update(metadata);
  }

  /**
   * Send to one peer: in order, once, repeated until it is acknowledged. Never rejects; the result says what became of it.
   * A negotiation that waits for its own answer need not wait for this promise.
   */
  sendTo<T extends DirectedType>(peerId: string, type: T, body: DirectedBody[T]): Promise<DeliveryResult> {
    if (this.#state === 'closed') return Promise.resolve({ ok: false, reason: 'closed' });
    return this.#delivery.send(peerId, type, type === 'message' ? body : this.#traced(body));
  }

  /**
   * App message to everybody else in the room.
   * @param options reliable: one acknowledged message per peer (default). Otherwise one frame, best effort.
   */
  async broadcast(data: unknown, { reliable = true } = {}): Promise<Map<string, DeliveryResult>> {
    const peerIds = [...this.peers.keys()];
    if (!reliable) {
      const ok = this.#paced({ type: 'message', data });
      const result: DeliveryResult = ok ? { ok, confirmed: false } : { ok, reason: 'timeout' };
      return new Map(peerIds.map((id) => [id, result]));
    }
    return new Map(
      await Promise.all(peerIds.map(async (id) => [id, await this.sendTo(id, 'message', { data })] as const)),
    );
  }

  /**
   * Remove a peer; needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError e.g. `forbidden`, `unknown_peer`, `unavailable`; `timeout`, `disconnected`: it may have been done
   */
  kick(peerId: string, reason?: string): Promise<void> {
    return this.#requests.send({ type: 'kick', peerId, reason });
  }
  /**
   * Ask a peer to mute; needs the `kick` grant. Resolves when the server has passed it on.
   * @throws SignalingError as {@link kick}
   */
  requestMute(peerId: string, kind: 'audio' | 'video'): Promise<void> {
    return this.#requests.send({ type: 'mute', peerId, kind });
  }
  /**
   * Change what somebody may do in this room, beside what their token says: `publish` (send picture and sound, or only watch) needs the `kick` grant,
   * `kick` (moderate) needs it by my own token; anybody gives up their own. They hear the event `grants`; who joined as audience sends nothing
   * before it joins again. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  grant(peerId: string, { publish, kick }: { publish?: boolean; kick?: boolean }): Promise<void> {
    return this.#requests.send({ type: 'grant', peerId, publish, kick });
  }
  /**
   * End the room for everybody, me too; needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  closeRoom(reason?: string): Promise<void> {
    return this.#requests.send({ type: 'close-room', reason });
  }

  /**
   * Say who may enter the room from now on: everybody, those whom a moderator admits, or no more people. Moderators always may, and who is in stays
   * in. Needs the `kick` grant. The event `entry` tells how it is. Resolves when the server has done it.
   * @param may whether people without the grant may share a screen, write in the chat and read names by {@link look}; what is absent stays
   * @throws SignalingError as {@link kick}
   */
  setEntry(entry: RoomEntry, may?: { share?: boolean; chat?: boolean; look?: boolean }): Promise<void> {
    return this.#requests.send({ type: 'set-entry', entry, ...may });
  }
  /**
   * Let somebody in who waits (event `entry`); needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  admit(peerId: string): Promise<void> {
    return this.#requests.send({ type: 'admit', peerId });
  }
  /**
   * Send away somebody who waits, who may not ask again for a minute; needs the `kick` grant. Resolves when the server has done it.
   * @throws SignalingError as {@link kick}
   */
  refuse(peerId: string): Promise<void> {
    return this.#requests.send({ type: 'refuse', peerId });
  }

  /**
   * An access token that is good now, for requests to auth beside this session. Asks `getToken` only when there is none yet or it runs out;
   * before `connect()` the one that it fetches is used for the socket as well.
   * @throws what `getToken` throws
   */
  accessToken(): Promise<string> {
    return this.#connector.tokens.current();
  }

  /** Is the socket still alive? Ask now instead of at the next heartbeat (after sleep, a network change). */
  probe(): void {
    this.#connector.probe();
  }

  /** Leave and end the session. No `peer-left` is reported, as the others have not left. */
  close(): void {
    this.#end('normal', 'The client closed.');
  }

  // --- the connection --------------------------------------------------------------------------------------------

  /** The pending link stands: it is the link now. */
  #established(link: Link, frame: ServerFrame, resumed: boolean): void {
    this.#connector.adopt(link, frame.tokenExpiresInMs);
    this.#pacer.clear();
    const { sessionToken, peerId, node, limits, heartbeat } = frame;
    this.#sessionToken = sessionToken ?? this.#sessionToken;
    this.#peerId = peerId ?? this.#peerId;
    this.#node = node ?? this.#node;
    if (limits) {
      this.#limits = limits;
      if (limits.messagesPerSecond > 0) this.#pacer.setRate(limits.messagesPerSecond);
    }
    if (heartbeat && heartbeat.interval > 0 && heartbeat.timeout > 0) this.#heartbeat = heartbeat;
    this.#connector.watch(this.#heartbeat);
    this.#setState('open');
    if (resumed) this.#room.resumed(frame);
    else this.#room.enter();
    this.#delivery.setConnected(true);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  // --- frames ---------------------------------------------------------------------------------------------------

  #frame(link: Link, frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        if (!this.#connector.isPending(link)) return;
        if (this.#sessionToken) this.#greeting = frame;
        else this.#established(link, frame, false);
        return;
      case 'resumed':
        if (this.#connector.isPending(link)) this.#established(link, frame, true);
        return;
      case 'error':
        this.#error(link, frame);
        return;
      case 'offer':
      case 'answer':
      case 'ice-candidate':
      case 'media-want':
      case 'media-state':
      case 'message':
      case 'receipt':
        // What crossed my own leave: its sender hears of that, and a receipt would be refused.
        if (this.roomId !== undefined || link !== this.#connector.link) this.#delivery.receive(frame);
        return;
      case 'done':
        this.#requests.done(frame);
        return;
      case 'server_message':
        this.emit('server-message', { topic: frame.topic as string, data: frame.data });
        return;
      case 'kicked':
        this.emit('kicked', { reason: frame.reason ?? '' });
        return;
      default:
    }
    // State of the room counts only from the socket that holds the session.
    if (link !== this.#connector.link) return;
    switch (frame.type) {
      case 'joined':
        this.#peerId = frame.peerId ?? this.#peerId;
        this.#room.receive(frame, this.#peerId);
        return;
      case 'draining':
        this.#connector.move(this.#random() * Math.max(0, frame.reconnectWithin ?? 0) * 0.8);
        return;
      case 'mute_requested':
        this.emit('mute-requested', readMute(frame));
        return;
      case 'entry':
        this.emit('entry', readEntry(frame));
        return;
      case 'grants':
        this.emit('grants', readGrants(frame));
        return;
      case 'admission':
        this.emit('admission', { admitted: frame.admitted === true });
        return;
      default:
        this.#room.receive(frame, this.#peerId);
    }
  }

  #traced<T extends object>(frame: T): T {
    return this.#traceparent === undefined ? frame : { ...frame, traceparent: this.#traceparent };
  }

  #delivered(peerId: string, frame: Frame): void {
    if (frame.type === 'message') this.emit('message', { peerId, data: frame.data });
    else this.emit('signal', frame as unknown as SessionEvents['signal']);
  }

  #error(link: Link, frame: ServerFrame): void {
    const { code = 'unknown', field, replyTo, retryAfter, peerId, id } = frame;
    const message = frame.message ?? code;
    if (this.#connector.isPending(link) && code === 'session_unknown') {
      // A socket that serves a session in a room knows better: its node writes again what the store lost. The move has failed. Outside of
      // rooms nothing is stored.
      if (this.#connector.link?.open && this.roomId !== undefined) this.#connector.refused(link, retryAfter ?? 1000);
      else this.#sessionLost(link);
      return;
    }
    if (this.#connector.isPending(link) && code === 'unavailable') {
      this.#connector.refused(link, retryAfter ?? 1000);
      return;
    }
    this.#requests.refused(frame.ref, new SignalingError(code, message, retryAfter));
    if (replyTo === 'join') {
      if (code === 'unavailable') this.#connector.elsewhere();
      this.#room.refused(code, message, retryAfter);
      return;
    }
    if (code === 'unavailable') this.#connector.elsewhere();
    if (code === 'rate_limited') {
      this.#pacer.pause(retryAfter ?? 1000);
      if (replyTo === undefined) this.#room.dropped(retryAfter ?? 1000);
    }
    if (peerId !== undefined && id !== undefined) {
      if (code === 'forbidden' || code === 'too_large' || code === 'bad_message') this.#delivery.refused(peerId, id);
      // The rest is repeated: by the timer, or when the peer is back.
      return;
    }
    this.emit('error', { code, message, field, replyTo });
  }

  /** The server does not know the session any more: begin a new one on the same socket, and come back into the room. */
  #sessionLost(link: Link): void {
    const oldPeerId = this.#peerId ?? '';
    this.#sessionToken = undefined;
    this.#peerId = undefined;
    const wasIn = this.#room.sessionLost();
    this.#connector.drop();
    this.#delivery.reset('session-lost');
    this.#room.end('session-lost', { forget: false });
    if (wasIn) this.emit('session-lost', { oldPeerId });
    if (this.#greeting) this.#established(link, this.#greeting, false);
    else link.send({ type: 'ping', t: this.#clock.now() });
  }

  // --- the room -------------------------------------------------------------------------------------------------

  #changed(changes: RoomChange[]): void {
    for (const { kind, ...event } of changes) {
      const { peerId } = event.peer;
      if (kind === 'left') this.#delivery.peerLeft(peerId);
      else if (kind === 'away') this.#delivery.peerAway(peerId);
      else if (kind === 'back') this.#delivery.peerBack(peerId);
      this.emit(`peer-${kind}`, event as never);
    }
  }

  #acknowledges(peerId: string): boolean {
    const peer = this.peers.get(peerId);
    // A peer that is not in view yet is taken for one of ours: its metadata has not arrived.
    return !peer || peer.metadata?.delivery === 1;
  }

  // --- endings --------------------------------------------------------------------------------------------------

  #paced(frame: Frame): boolean {
    if (!this.#connector.link?.open) return false;
    this.#pacer.push(frame);
    return true;
  }

  #setState(state: SessionState, extra: Omit<SessionEvents['state'], 'state'> = {}): void {
    if (state === this.#state && extra.retryIn === undefined) return;
    this.#state = state;
    this.emit('state', { state, ...extra });
  }

  #end(reason: EndReason, message: string): void {
    if (this.#state === 'closed') return;
    if (reason === 'normal') this.#delivery.sendReceipts();
    this.#pacer.clear();
    this.#delivery.reset('closed');
    this.#requests.end('closed');
    this.#connector.close();
    // The state first: it says why, and a call that ends by it does not take the room's `left` for its own leave.
    this.#setState('closed', { reason, message });
    this.#room.end(reason, { forget: true });
    const error = new SignalingError(reason, message);
    this.#room.refuse(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
