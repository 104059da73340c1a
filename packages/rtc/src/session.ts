/** The signaling session: an identity that outlives its sockets. */
import { afterClose, CLOSE_CODES, type CloseName, SUBPROTOCOL } from '@tandem/protocol/codes';
import { type BackoffOptions, fullJitter, parseRetryAfter } from './backoff.ts';
import { type Clock, systemClock } from './clock.ts';
import { Delivery, type DeliveryFailure, type DeliveryOptions, type DeliveryResult } from './delivery.ts';
import { Emitter } from './emitter.ts';
import { Link, type LinkEnd, type WebSocketConstructor } from './link.ts';
import { Pacer } from './pacer.ts';
import { type RoomChange, RoomView } from './room-view.ts';
import { tokenExpiry } from './token.ts';
import type { DirectedBody, DirectedType, Frame, PeerInfo, PeerMetadata, ServerLimits } from './wire.ts';

/** Why a token is asked for. `refresh`: the one given before was refused or runs out, so a cached copy will not do. */
export interface TokenRequest {
  readonly refresh: boolean;
}

export interface SessionOptions {
  /** Where signaling listens, e.g. `wss://example.org/ws/signal`; http(s) and paths relative to the page work too. */
  readonly url: string;
  /** Gives an access token. Throw `GiveUp` when there will never be one; any other error is retried with backoff. */
  readonly getToken: (request: TokenRequest) => Promise<string>;
  /** Default: `globalThis.WebSocket` (browsers, Node ≥ 22). That of `ws` works as well. */
  readonly WebSocket?: WebSocketConstructor;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Source of jitter, 0 to 1. Default `Math.random`. */
  readonly random?: () => number;
  readonly backoff?: BackoffOptions;
  /** An attempt that is not answered within so many ms is given up. Default 10,000. */
  readonly connectTimeout?: number;
  /**
   * Asked when a handshake failed, because a browser hides why: ms that the server wants to be left alone, or undefined.
   * Default: a GET of the socket's address, reading `Retry-After` of a 503 or 429. `false` switches it off.
   */
  readonly probe?: ((url: string) => Promise<number | undefined>) | false;
  /**
   * Share of sessions whose offers, answers and candidates carry a sampled `traceparent` (W3C trace context), so that servers
   * with a collector record each hop, 0 to 1. The id is random and says nothing of the person. Default 0.
   */
  readonly traceSampling?: number;
  /** Times and bounds of end-to-end delivery; see delivery.ts. */
  readonly delivery?: Pick<DeliveryOptions, 'resendAfter' | 'maxResend' | 'timeout' | 'maxPending' | 'resend'>;
}

/**
 * - `idle`: not connected yet, - `connecting`: first connection, - `open`, - `reconnecting`: the session goes on without a
 * socket, - `closed`: over for good; `reason` of the event says why.
 */
export type SessionState = 'idle' | 'connecting' | 'open' | 'reconnecting' | 'closed';

/** Why a session is over: a close code's name, or `token_refused` when the supplier gave up. */
export type EndReason = CloseName | 'token_refused';

export interface SessionEvents {
  state: { state: SessionState; reason?: EndReason | 'network' | 'deaf' | 'drain'; message?: string; retryIn?: number };
  /** In the room (first time or again). `again`: after a lost session; my peer id is a new one. */
  joined: { roomId: string; peers: PeerInfo[]; again: boolean };
  /** The room is lost though the session goes on, e.g. it was full when I came back. */
  'room-lost': { roomId: string; code: string; message: string };
  /** The server forgot this session; peers saw me leave, and a new session has begun. */
  'session-lost': { oldPeerId: string };
  'peer-joined': { peer: PeerInfo; before: boolean };
  'peer-left': { peer: PeerInfo; reason: string };
  'peer-updated': { peer: PeerInfo };
  'peer-away': { peer: PeerInfo };
  'peer-back': { peer: PeerInfo };
  /** Offer, answer or candidate of a peer, in order, once. */
  signal: { [T in Exclude<DirectedType, 'message'>]: { type: T; peerId: string } & DirectedBody[T] }[Exclude<
    DirectedType,
    'message'
  >];
  /** App message of a peer, in order, once. */
  message: { peerId: string; data: unknown };
  /** A message of mine was given up. */
  undelivered: { peerId: string; type: DirectedType; reason: DeliveryFailure };
  kicked: { reason: string };
  'mute-requested': { peerId: string; kind: 'audio' | 'video' };
  /** The server refused something that no promise waits for. */
  error: { code: string; message: string; field?: string; replyTo?: string };
}

/** The server refused a request, with a code of ERROR_CODES (or `closed`, `timeout`). */
export class SignalingError extends Error {
  readonly code: string;
  readonly retryAfter: number | undefined;
  constructor(code: string, message: string, retryAfter?: number) {
    super(message);
    this.name = 'SignalingError';
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Thrown by a token supplier: there will be no token, so the session ends as `token_refused`. */
export class GiveUp extends Error {
  override name = 'GiveUp';
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: SignalingError) => void;
}

/** What this SDK says of itself, so that others know that it answers with receipts. */
const CAPABILITIES = { delivery: 1 };
const MAX_JOIN_RETRIES = 8;
const nameOf = (code: number): CloseName => {
  for (const [name, row] of Object.entries(CLOSE_CODES)) if (row.code === code) return name as CloseName;
  return 'abnormal';
};

const hex = (bytes: number) =>
  Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) => b.toString(16).padStart(2, '0')).join('');

export class SignalingSession extends Emitter<SessionEvents> {
  readonly #o: SessionOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #WebSocket: WebSocketConstructor;
  readonly #url: string;
  readonly #view = new RoomView();
  readonly #delivery: Delivery;
  readonly #pacer: Pacer<Frame>;
  readonly #traceparent: string | undefined;
  #state: SessionState = 'idle';
  #link: Link | undefined;
  #pendingLink: Link | undefined;
  #greeting: Frame | undefined;
  #attempting = false;
  #attempt = 0;
  #dialedAt = -Infinity;
  #retryTimer: unknown;
  #moveTimer: unknown;
  #connectTimer: unknown;
  #renewTimer: unknown;
  #sessionToken: string | undefined;
  #peerId: string | undefined;
  #node: string | undefined;
  #limits: ServerLimits | undefined;
  #heartbeat = { interval: 20_000, timeout: 45_000 };
  #refreshToken = false;
  #want: { roomId: string; retries: number } | undefined;
  #inRoom: string | undefined;
  #again = false;
  #metadata: PeerMetadata = {};
  #metadataSent = '';
  #joinWaiters: Waiter[] = [];
  #connectWaiters: Waiter[] = [];
  readonly #unlisten: (() => void)[] = [];

  constructor(options: SessionOptions) {
    super();
    this.#o = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    const WebSocket = options.WebSocket ?? (globalThis.WebSocket as unknown as WebSocketConstructor | undefined);
    if (!WebSocket) throw new TypeError('WebSocket: this runtime has none; pass one, e.g. that of the package `ws`.');
    this.#WebSocket = WebSocket;
    this.#url = socketUrl(options.url);
    const sampling = options.traceSampling ?? 0;
    this.#traceparent = sampling > 0 && this.#random() < sampling ? `00-${hex(16)}-${hex(8)}-01` : undefined;
    this.#pacer = new Pacer(this.#clock, (frame) => this.#link?.send(frame) ?? false);
    this.#delivery = new Delivery({
      clock: this.#clock,
      random: this.#random,
      ...options.delivery,
      send: (frame) => this.#paced(frame),
      deliver: (_peerId, frame) => this.#delivered(frame),
      failed: (peerId, type, reason) => this.emit('undelivered', { peerId, type, reason }),
      acknowledges: (peerId) => this.#acknowledges(peerId),
    });
  }

  /** Trace id of this session when it is sampled, to name it to support. */
  get traceId(): string | undefined {
    return this.#traceparent?.slice(3, 35);
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
    return this.#inRoom;
  }
  /** Everybody else in the room. */
  get peers(): ReadonlyMap<string, PeerInfo> {
    return this.#view.peers;
  }
  /** Name of the signaling node, for diagnostics. */
  get node(): string | undefined {
    return this.#node;
  }
  /** Round trip to the signaling node, ms, when it was measured. */
  get rtt(): number | undefined {
    return this.#link?.rtt;
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
    const done = new Promise<void>((resolve, reject) => this.#connectWaiters.push({ resolve, reject }));
    if (this.#state === 'idle') {
      this.#listen();
      this.#setState('connecting');
      this.#dial();
    }
    return done;
  }

  /**
   * Enter a room (connects when needed). Comes back into it by itself after a lost session.
   * @throws SignalingError with the server's code, e.g. `room_full`, `forbidden`
   */
  join(roomId: string, metadata?: PeerMetadata): Promise<void> {
    if (this.#state === 'closed') return Promise.reject(new SignalingError('closed', 'The session is closed.'));
    if (metadata) this.#metadata = metadata;
    this.#want = { roomId, retries: 0 };
    const done = new Promise<void>((resolve, reject) => this.#joinWaiters.push({ resolve, reject }));
    if (this.#state === 'idle') this.connect().catch(() => {});
    else if (this.#state === 'open') this.#sendJoin();
    return done;
  }

  /** Leave the room; the session stays. */
  leave(): void {
    const roomId = this.#inRoom ?? this.#want?.roomId;
    this.#want = undefined;
    this.#refuseJoin(new SignalingError('closed', 'Left before the room answered.'));
    if (roomId && this.#state === 'open') this.#paced({ type: 'leave', roomId });
    this.#outOfRoom('left');
  }

  /** Replace what I say of myself to the room. Kept and repeated over reconnects. */
  update(metadata: PeerMetadata): void {
    this.#metadata = metadata;
    this.#sendMetadata();
  }

  /**
   * Send to one peer: in order, once, repeated until it is acknowledged. Never rejects; the result says what became of it.
   * A negotiation that waits for its own answer need not wait for this promise.
   */
  sendTo<T extends DirectedType>(peerId: string, type: T, body: DirectedBody[T]): Promise<DeliveryResult> {
    if (this.#state === 'closed') return Promise.resolve({ ok: false, reason: 'closed' });
    const traced = this.#traceparent && type !== 'message' ? { ...body, traceparent: this.#traceparent } : body;
    return this.#delivery.send(peerId, type, traced);
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

  /** Remove a peer; needs the `kick` grant. A refusal comes as `error`. */
  kick(peerId: string, reason?: string): void {
    this.#paced({ type: 'kick', peerId, ...(reason ? { reason } : {}) });
  }
  /** Ask a peer to mute; needs the `kick` grant. */
  requestMute(peerId: string, kind: 'audio' | 'video'): void {
    this.#paced({ type: 'mute', peerId, kind });
  }
  /** End the room for everybody; needs the `kick` grant. */
  closeRoom(reason?: string): void {
    this.#paced({ type: 'close-room', ...(reason ? { reason } : {}) });
  }

  /** Is the socket still alive? Ask now instead of at the next heartbeat (after sleep, a network change). */
  probe(): void {
    if (this.#state === 'open') this.#link?.probe(3000);
    else if (this.#state === 'reconnecting' || this.#state === 'connecting') this.#hurry();
  }

  /** Leave and end the session. */
  close(): void {
    this.#end('normal', 'The client closed.');
  }

  // --- connecting -----------------------------------------------------------------------------------------------

  /** Open a socket beside the present one (if any) and continue the session there. */
  #dial(): void {
    if (this.#attempting || this.#state === 'closed') return;
    this.#attempting = true;
    this.#dialedAt = this.#clock.now();
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#openLink().catch((error: unknown) => {
      this.#attempting = false;
      if (error instanceof GiveUp) this.#end('token_refused', error.message);
      else this.#retry('network', 0);
    });
  }

  async #openLink(): Promise<void> {
    const refresh = this.#refreshToken;
    const token = await this.#o.getToken({ refresh });
    if (this.#state === 'closed') return;
    this.#refreshToken = false;
    const link: Link = new Link(this.#WebSocket, this.#url, [SUBPROTOCOL, `bearer.${token}`], this.#clock, {
      open: () => {
        // A resume must be the first frame. Otherwise ask for anything: it works whether the server greets or waits.
        if (this.#sessionToken) link.send({ type: 'resume', sessionToken: this.#sessionToken });
        else link.send({ type: 'ping', t: this.#clock.now() });
      },
      frame: (frame) => this.#frame(link, frame),
      end: (end) => {
        this.#linkEnded(link, end);
      },
    });
    this.#pendingLink = link;
    this.#greeting = undefined;
    this.#clock.clearTimeout(this.#connectTimer);
    this.#connectTimer = this.#clock.setTimeout(() => {
      if (this.#pendingLink === link) link.abandon(1006, 'no answer');
    }, this.#o.connectTimeout ?? 10_000);
    this.#scheduleRenewal(token);
  }

  /** The pending link stands: it is the link now. */
  #established(link: Link, frame: Frame, resumed: boolean): void {
    const old = this.#link === link ? undefined : this.#link;
    this.#clock.clearTimeout(this.#connectTimer);
    this.#pendingLink = undefined;
    this.#attempting = false;
    this.#attempt = 0;
    this.#link = link;
    this.#clock.clearTimeout(this.#moveTimer);
    this.#moveTimer = undefined;
    this.#pacer.clear();
    // The old socket may still carry frames that arrived before the move: it closes by itself, fenced by the server.
    // (Not 1000: to the server that is a goodbye of the whole session.)
    if (old) this.#clock.setTimeout(() => old.close(CLOSE_CODES.fenced.code, 'moved'), 1000);
    if (typeof frame.sessionToken === 'string') this.#sessionToken = frame.sessionToken;
    if (typeof frame.peerId === 'string') this.#peerId = frame.peerId;
    if (typeof frame.node === 'string') this.#node = frame.node;
    const { limits, heartbeat } = frame as { limits?: ServerLimits; heartbeat?: { interval: number; timeout: number } };
    if (limits) {
      this.#limits = limits;
      if (limits.messagesPerSecond > 0) this.#pacer.setRate(limits.messagesPerSecond);
    }
    if (heartbeat && heartbeat.interval > 0 && heartbeat.timeout > 0) this.#heartbeat = heartbeat;
    link.watch(this.#heartbeat);
    this.#setState('open');
    if (resumed) this.#resumedRoom(frame);
    else if (this.#want) this.#sendJoin();
    this.#delivery.setConnected(true);
    for (const waiter of this.#connectWaiters.splice(0)) waiter.resolve();
  }

  #linkEnded(link: Link, end: LinkEnd): void {
    if (this.#state === 'closed') return;
    if (link === this.#pendingLink) {
      this.#pendingLink = undefined;
      this.#attempting = false;
      if (this.#link?.open && afterClose(end.code) !== 'give-up') {
        // A move failed: the present socket still serves, try again soon.
        this.#move(1000 + this.#random() * 2000);
        return;
      }
    } else if (link === this.#link) {
      this.#link = undefined;
      this.#pacer.clear();
      this.#delivery.setConnected(false);
      // A move is on its way: its new socket decides. That it fences this one may be heard before its own answer.
      if (this.#attempting && (afterClose(end.code) !== 'give-up' || end.code === CLOSE_CODES.fenced.code)) {
        this.#setState('reconnecting', { reason: 'network' });
        return;
      }
    } else return;
    let after = end.opened ? afterClose(end.code) : 'backoff';
    // Fenced by a socket of my own that died before it was mine: nobody else has the session.
    if (end.code === CLOSE_CODES.fenced.code && this.#clock.now() - this.#dialedAt < 60_000) after = 'backoff';
    if (after === 'give-up') {
      this.#end(nameOf(end.code), end.reason || CLOSE_CODES[nameOf(end.code)].reason);
      return;
    }
    if (end.code === CLOSE_CODES.tokenExpired.code) this.#refreshToken = true;
    if (after === 'reconnect' && this.#attempt === 0) {
      // At once, but not all of a node's clients in the same millisecond.
      this.#wait(this.#random() * 200, end.reason === 'deaf' ? 'deaf' : 'network');
      return;
    }
    const asked = /retry.?after\D{0,3}(\d+)/i.exec(end.reason)?.[1];
    if (asked !== undefined) this.#retry('network', Number(asked) * 1000);
    else if (end.opened) this.#retry('network', 0);
    else this.#retryAfterProbe();
  }

  #retryAfterProbe(): void {
    const { probe } = this.#o;
    if (probe === false) {
      this.#retry('network', 0);
      return;
    }
    this.#setState(this.#peerId ? 'reconnecting' : 'connecting');
    this.#attempting = true;
    const ask = probe ?? ((url: string) => probeRetryAfter(url, this.#clock));
    const goOn = (ms?: number) => {
      this.#attempting = false;
      if (this.#state !== 'closed') this.#retry('network', ms ?? 0);
    };
    ask(this.#url).then(goOn, () => goOn());
  }

  #retry(reason: 'network', retryAfter: number): void {
    this.#wait(fullJitter(this.#attempt++, this.#random, this.#o.backoff, retryAfter), reason);
  }

  #wait(ms: number, reason: 'network' | 'deaf'): void {
    if (this.#state === 'closed') return;
    this.#setState(this.#peerId ? 'reconnecting' : 'connecting', { reason, retryIn: Math.round(ms) });
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = this.#clock.setTimeout(() => this.#dial(), ms);
  }

  /** There is reason to believe that the network is back: do not sit out the rest of a long wait. */
  #hurry(): void {
    if (this.#retryTimer === undefined || this.#attempting) return;
    this.#attempt = Math.min(this.#attempt, 1);
    this.#clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = this.#clock.setTimeout(() => this.#dial(), this.#random() * 300);
  }

  /** Continue on another socket while this one still serves: first the new one, then the old one closes. */
  #move(within: number): void {
    if (this.#moveTimer !== undefined || this.#attempting) return;
    this.#moveTimer = this.#clock.setTimeout(() => {
      this.#moveTimer = undefined;
      if (this.#link?.open) this.#dial();
    }, within);
  }

  /** Move to a socket with a fresh token before the server closes this one for its old token. */
  #scheduleRenewal(token: string): void {
    const expiry = tokenExpiry(token);
    this.#clock.clearTimeout(this.#renewTimer);
    if (expiry === undefined) return;
    const left = expiry - Date.now();
    const lead = Math.min(60_000, left / 4) * (0.5 + this.#random() / 2);
    if (left <= 0 || left > 2 ** 31) return;
    this.#renewTimer = this.#clock.setTimeout(() => {
      this.#refreshToken = true;
      if (this.#state === 'open') this.#move(0);
    }, left - lead);
  }

  #listen(): void {
    const target = globalThis as unknown as Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>;
    const page = (globalThis as { document?: EventTarget & { visibilityState?: string } }).document;
    const add = (on: typeof target, type: string, run: () => void) => {
      on.addEventListener?.(type, run);
      this.#unlisten.push(() => on.removeEventListener?.(type, run));
    };
    add(target, 'online', () => this.probe());
    if (page) add(page, 'visibilitychange', () => page.visibilityState === 'visible' && this.probe());
  }

  // --- frames ---------------------------------------------------------------------------------------------------

  #frame(link: Link, frame: Frame): void {
    if (this.#state === 'closed') return;
    switch (frame.type) {
      case 'welcome':
        if (link !== this.#pendingLink) return;
        // A server that greets first: with a session to resume, its greeting is not for us, unless the resume fails.
        if (this.#sessionToken) this.#greeting = frame;
        else this.#established(link, frame, false);
        return;
      case 'resumed':
        if (link === this.#pendingLink) this.#established(link, frame, true);
        return;
      case 'error':
        this.#error(link, frame);
        return;
      case 'offer':
      case 'answer':
      case 'ice-candidate':
      case 'message':
      case 'receipt':
        this.#delivery.receive(frame);
        return;
      case 'kicked':
        this.emit('kicked', { reason: String(frame.reason ?? '') });
        return;
      default:
    }
    // State of the room counts only from the socket that holds the session.
    if (link !== this.#link) return;
    switch (frame.type) {
      case 'joined':
        this.#joined(frame);
        return;
      case 'left':
        if (this.#inRoom === frame.roomId && this.#want?.roomId !== this.#inRoom) this.#outOfRoom('left');
        return;
      case 'room':
        if (frame.roomId === this.#inRoom) this.#changed(this.#view.snapshot(frame.peers));
        return;
      case 'draining':
        this.#move(this.#random() * Math.max(0, Number(frame.reconnectWithin) || 0) * 0.8);
        return;
      case 'mute_requested':
        this.emit('mute-requested', {
          peerId: String(frame.peerId),
          kind: frame.kind === 'video' ? 'video' : 'audio',
        });
        return;
      default:
        if (this.#inRoom && frame.peerId !== this.#peerId) this.#changed(this.#view.event(frame));
    }
  }

  #delivered(frame: Frame): void {
    const peerId = String(frame.peerId);
    if (frame.type === 'message') this.emit('message', { peerId, data: frame.data });
    else this.emit('signal', frame as unknown as SessionEvents['signal']);
  }

  #error(link: Link, frame: Frame): void {
    const code = String(frame.code);
    const message = String(frame.message ?? code);
    const replyTo = typeof frame.replyTo === 'string' ? frame.replyTo : undefined;
    const retryAfter = typeof frame.retryAfter === 'number' ? frame.retryAfter : undefined;
    if (link === this.#pendingLink && code === 'session_unknown') {
      this.#sessionLost(link);
      return;
    }
    if (link === this.#pendingLink && code === 'unavailable') {
      link.close();
      this.#linkEnded(link, {
        code: 1013,
        reason: `retry-after ${Math.ceil((retryAfter ?? 1000) / 1000)}`,
        opened: true,
      });
      return;
    }
    if (replyTo === 'join') {
      this.#joinRefused(code, message, retryAfter);
      return;
    }
    if (code === 'rate_limited') this.#pacer.pause(retryAfter ?? 1000);
    const { peerId, id } = frame as { peerId?: unknown; id?: unknown };
    if (typeof peerId === 'string' && typeof id === 'number') {
      if (code === 'forbidden' || code === 'too_large' || code === 'bad_message') this.#delivery.refused(peerId, id);
      // The rest is repeated: by the timer, or when the peer is back.
      return;
    }
    const field = typeof frame.field === 'string' ? { field: frame.field } : {};
    this.emit('error', { code, message, ...field, ...(replyTo ? { replyTo } : {}) });
  }

  /** The server does not know the session any more: begin a new one on the same socket, and come back into the room. */
  #sessionLost(link: Link): void {
    const oldPeerId = this.#peerId ?? '';
    this.#sessionToken = undefined;
    this.#peerId = undefined;
    this.#again = this.#inRoom !== undefined;
    // What still serves the old session (a move that found it gone) is of no use any more.
    this.#link?.close(1000, 'lost');
    this.#link = undefined;
    this.#delivery.reset('session-lost');
    this.#outOfRoom('session-lost');
    if (this.#again) this.emit('session-lost', { oldPeerId });
    if (this.#greeting) this.#established(link, this.#greeting, false);
    else link.send({ type: 'ping', t: this.#clock.now() });
  }

  // --- the room -------------------------------------------------------------------------------------------------

  #sendJoin(): void {
    if (!this.#want) return;
    const metadata = this.#fullMetadata();
    this.#metadataSent = JSON.stringify(metadata);
    this.#paced({ type: 'join', roomId: this.#want.roomId, metadata });
  }

  #fullMetadata(): PeerMetadata {
    return { ...this.#metadata, ...CAPABILITIES };
  }

  #sendMetadata(): void {
    if (!this.#inRoom || this.#state !== 'open') return;
    const metadata = this.#fullMetadata();
    const text = JSON.stringify(metadata);
    if (text !== this.#metadataSent && this.#paced({ type: 'update', metadata })) this.#metadataSent = text;
  }

  #joined(frame: Frame): void {
    const roomId = String(frame.roomId);
    if (roomId !== this.#want?.roomId) {
      // Left while the answer was on its way.
      this.#paced({ type: 'leave', roomId });
      return;
    }
    if (typeof frame.peerId === 'string') this.#peerId = frame.peerId;
    this.#want.retries = 0;
    this.#inRoom = roomId;
    const changes = this.#view.snapshot(frame.peers);
    const again = this.#again;
    this.#again = false;
    this.emit('joined', { roomId, peers: [...this.#view.peers.values()], again });
    this.#changed(changes);
    this.#sendMetadata();
    for (const waiter of this.#joinWaiters.splice(0)) waiter.resolve();
  }

  #resumedRoom(frame: Frame): void {
    const roomId = typeof frame.roomId === 'string' ? frame.roomId : undefined;
    // What was sent over the dead socket may be lost: say it again.
    this.#metadataSent = '';
    if (roomId && roomId === this.#want?.roomId) {
      const first = this.#inRoom === undefined;
      this.#inRoom = roomId;
      const changes = this.#view.snapshot(frame.peers);
      if (first) this.emit('joined', { roomId, peers: [...this.#view.peers.values()], again: false });
      this.#changed(changes);
      this.#sendMetadata();
      for (const waiter of this.#joinWaiters.splice(0)) waiter.resolve();
      return;
    }
    this.#outOfRoom('left');
    if (roomId) this.#paced({ type: 'leave', roomId });
    if (this.#want) this.#sendJoin();
  }

  #joinRefused(code: string, message: string, retryAfter: number | undefined): void {
    const want = this.#want;
    if (!want) return;
    if (code === 'already_joined' && this.#inRoom === want.roomId) return;
    if ((code === 'unavailable' || code === 'rate_limited') && want.retries++ < MAX_JOIN_RETRIES) {
      const wait = fullJitter(want.retries, this.#random, this.#o.backoff, retryAfter ?? 0);
      this.#clock.setTimeout(() => {
        if (this.#want === want && this.#state === 'open' && !this.#inRoom) this.#sendJoin();
      }, wait);
      return;
    }
    this.#want = undefined;
    const waiting = this.#joinWaiters.length > 0;
    this.#refuseJoin(new SignalingError(code, message, retryAfter));
    if (!waiting) this.emit('room-lost', { roomId: want.roomId, code, message });
  }

  #refuseJoin(error: SignalingError): void {
    for (const waiter of this.#joinWaiters.splice(0)) waiter.reject(error);
  }

  #outOfRoom(reason: string): void {
    if (!this.#inRoom) return;
    this.#inRoom = undefined;
    this.#delivery.leftRoom();
    this.#changed(this.#view.clear(reason));
  }

  #changed(changes: RoomChange[]): void {
    for (const change of changes) {
      const { peer } = change;
      switch (change.kind) {
        case 'joined':
          this.emit('peer-joined', { peer, before: change.before });
          break;
        case 'left':
          this.#delivery.peerLeft(peer.peerId);
          this.emit('peer-left', { peer, reason: change.reason });
          break;
        case 'updated':
          this.emit('peer-updated', { peer });
          break;
        case 'away':
          this.#delivery.peerAway(peer.peerId);
          this.emit('peer-away', { peer });
          break;
        case 'back':
          this.#delivery.peerBack(peer.peerId);
          this.emit('peer-back', { peer });
      }
    }
  }

  #acknowledges(peerId: string): boolean {
    const peer = this.peers.get(peerId);
    // A peer that is not in view yet is taken for one of ours: its metadata has not arrived.
    return !peer || peer.metadata?.delivery === 1;
  }

  // --- endings --------------------------------------------------------------------------------------------------

  #paced(frame: Frame): boolean {
    if (!this.#link?.open) return false;
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
    for (const timer of [this.#retryTimer, this.#moveTimer, this.#renewTimer, this.#connectTimer])
      this.#clock.clearTimeout(timer);
    for (const off of this.#unlisten.splice(0)) off();
    // `close` alone would leave the session waiting for its grace period: say that it is over.
    if (this.#inRoom && reason === 'normal') this.#link?.send({ type: 'leave', roomId: this.#inRoom });
    this.#pacer.clear();
    this.#delivery.reset('closed');
    this.#link?.close(1000, 'closed');
    this.#pendingLink?.close(1000, 'closed');
    this.#link = undefined;
    this.#pendingLink = undefined;
    this.#want = undefined;
    this.#outOfRoom(reason);
    this.#setState('closed', { reason, message });
    const error = new SignalingError(reason, message);
    this.#refuseJoin(error);
    for (const waiter of this.#connectWaiters.splice(0)) waiter.reject(error);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function socketUrl(url: string): string {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  let parsed: URL;
  try {
    parsed = new URL(url, base);
  } catch {
    throw new TypeError(`url: ${JSON.stringify(url)} is not a URL; use e.g. wss://example.org/ws/signal`);
  }
  if (parsed.protocol === 'https:') parsed.protocol = 'wss:';
  if (parsed.protocol === 'http:') parsed.protocol = 'ws:';
  if (!/^wss?:$/.test(parsed.protocol)) throw new TypeError(`url: ${parsed.protocol} is not ws, wss, http or https`);
  parsed.hash = '';
  return parsed.href;
}

async function probeRetryAfter(url: string, clock: Clock): Promise<number | undefined> {
  const response = await fetch(url.replace(/^ws/, 'http'), { cache: 'no-store', signal: AbortSignal.timeout(3000) });
  await response.body?.cancel();
  if (response.status !== 503 && response.status !== 429) return undefined;
  return parseRetryAfter(response.headers.get('retry-after'), clock.now()) ?? 1000;
}
