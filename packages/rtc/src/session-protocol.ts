/** The client's side of the signaling protocol: what a session says on each socket, and what it does with each frame of the server. */
import { DEFAULT_HEARTBEAT } from '@tandem/protocol/codes';
import { type Clock, systemClock } from './clock.ts';
import { Connector } from './connector.ts';
import { Delivery } from './delivery.ts';
import { readEntry, readGrants, readMute } from './frame-events.ts';
import type { Link } from './link.ts';
import { Membership } from './membership.ts';
import { Pacer } from './pacer.ts';
import { randomHex } from './random-id.ts';
import { Requests } from './requests.ts';
import type { RoomChange } from './room-view.ts';
import type { ServerFrame } from './server-frame.ts';
import {
  type EndReason,
  type SessionEvents,
  type SessionOptions,
  type SessionState,
  SignalingError,
} from './session-types.ts';
import type { Frame, Heartbeat, ServerLimits } from './wire.ts';

type Emit = <K extends keyof SessionEvents>(event: K, payload: SessionEvents[K]) => void;

export class SessionProtocol {
  readonly connector: Connector;
  readonly room: Membership;
  readonly delivery: Delivery;
  readonly requests: Requests;
  readonly traceparent: string | undefined;
  state: SessionState = 'idle';
  peerId: string | undefined;
  /** Name of the signaling node. */
  node: string | undefined;
  limits: ServerLimits | undefined;
  readonly #emit: Emit;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #pacer: Pacer;
  /** Of a server that greets first: with a session to resume, its greeting is not for us, unless the resume fails. */
  #greeting: ServerFrame | undefined;
  #sessionToken: string | undefined;
  #heartbeat: Heartbeat = DEFAULT_HEARTBEAT;
  #waiters: { readonly resolve: () => void; readonly reject: (error: SignalingError) => void }[] = [];

  constructor(options: SessionOptions, emit: Emit) {
    this.#emit = emit;
    const clock = options.clock ?? systemClock;
    const random = options.random ?? Math.random;
    this.#clock = clock;
    this.#random = random;
    this.connector = new Connector(options, {
      clock,
      random,
      opened: (link) => {
        this.#greeting = undefined;
        // A resume must be the first frame. Otherwise ask for anything: it works whether the server greets or waits.
        if (this.#sessionToken) link.send(this.traced({ type: 'resume', sessionToken: this.#sessionToken }));
        else link.send({ type: 'ping', t: clock.now() });
      },
      frame: (link, frame) => {
        if (this.state !== 'closed') this.#frame(link, frame);
      },
      lost: () => {
        this.#pacer.clear();
        this.requests.end('disconnected');
        this.delivery.setConnected(false);
      },
      inRoom: () => this.room.roomId !== undefined,
      waiting: (reason, retryIn) =>
        this.#setState(this.peerId ? 'reconnecting' : 'connecting', {
          ...(reason === undefined ? {} : { reason }),
          ...(retryIn === undefined ? {} : { retryIn }),
        }),
      over: (reason, message) => this.end(reason, message),
    });
    const sampling = options.traceSampling ?? 0;
    this.traceparent = sampling > 0 && random() < sampling ? `00-${randomHex(16)}-${randomHex(8)}-01` : undefined;
    this.#pacer = new Pacer(clock, (frame) => this.connector.link?.send(frame) ?? false);
    this.requests = new Requests(clock, (frame) => this.send(frame));
    this.delivery = new Delivery({
      clock,
      random,
      ...options.delivery,
      send: (frame) => this.send(frame),
      deliver: (peerId, frame) => this.#delivered(peerId, frame),
      failed: (peerId, type, reason) => emit('undelivered', { peerId, type, reason }),
      peer: (peerId) => this.room.peers.get(peerId),
    });
    this.room = new Membership({
      clock,
      random,
      backoff: options.backoff,
      send: (frame) => this.send(frame.type === 'join' ? this.traced(frame) : frame),
      connected: () => this.state === 'open',
      joined: (roomId, peers, again) => emit('joined', { roomId, peers, again }),
      changed: (changes) => this.#changed(changes),
      left: (roomId, forGood) => {
        this.delivery.leftRoom();
        if (forGood) emit('left', { roomId });
      },
      media: (media) => emit('media', { media }),
      lost: (roomId, code, message) => emit('room-lost', { roomId, code, message }),
    });
  }

  /** Connects, and stays connected until `end`. */
  connect(): Promise<void> {
    if (this.state === 'open') return Promise.resolve();
    if (this.state === 'closed') return Promise.reject(new SignalingError('closed', 'The session is closed.'));
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (this.state === 'idle') {
      this.#setState('connecting');
      this.connector.start();
    }
    return done;
  }

  /** Now or soon, below the rate that the server accepts. False when there is no connection, or too much waits. */
  send(frame: Frame): boolean {
    return this.connector.link?.open === true && this.#pacer.push(frame);
  }

  /** The same frame, in the trace of this session when that is sampled. */
  traced<T extends object>(frame: T): T {
    return this.traceparent === undefined ? frame : { ...frame, traceparent: this.traceparent };
  }

  end(reason: EndReason, message: string): void {
    if (this.state === 'closed') return;
    if (reason === 'normal') this.delivery.sendReceipts();
    this.#pacer.clear();
    this.delivery.reset('closed');
    this.requests.end('closed');
    this.connector.close();
    // The state first: it says why, and a call that ends by it does not take the room's `left` for its own leave.
    this.#setState('closed', { reason, message });
    this.room.end(reason, { forget: true });
    const error = new SignalingError(reason, message);
    this.room.refuse(error);
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }

  /** The pending link stands: it is the link now. */
  #established(link: Link, frame: ServerFrame, resumed: boolean): void {
    this.connector.adopt(link, frame.tokenExpiresInMs);
    this.#pacer.clear();
    const { sessionToken, peerId, node, limits, heartbeat } = frame;
    this.#sessionToken = sessionToken ?? this.#sessionToken;
    this.peerId = peerId ?? this.peerId;
    this.node = node ?? this.node;
    if (limits) {
      this.limits = limits;
      if (limits.messagesPerSecond > 0) this.#pacer.setRate(limits.messagesPerSecond);
    }
    if (heartbeat && heartbeat.interval > 0 && heartbeat.timeout > 0) this.#heartbeat = heartbeat;
    this.connector.watch(this.#heartbeat);
    this.#setState('open');
    if (resumed) this.room.resumed(frame);
    else this.room.enter();
    this.delivery.setConnected(true);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  #frame(link: Link, frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        if (!this.connector.isPending(link)) return;
        if (this.#sessionToken) this.#greeting = frame;
        else this.#established(link, frame, false);
        return;
      case 'resumed':
        if (this.connector.isPending(link)) this.#established(link, frame, true);
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
        if (this.room.roomId !== undefined || link !== this.connector.link) this.delivery.receive(frame);
        return;
      case 'done':
        this.requests.done(frame);
        return;
      case 'server_message':
        this.#emit('server-message', { topic: frame.topic as string, data: frame.data });
        return;
      case 'kicked':
        this.#emit('kicked', { reason: frame.reason ?? '' });
        return;
      default:
    }
    // State of the room counts only from the socket that holds the session.
    if (link !== this.connector.link) return;
    switch (frame.type) {
      case 'joined':
        this.peerId = frame.peerId ?? this.peerId;
        this.room.receive(frame, this.peerId);
        return;
      case 'draining':
        this.connector.move(this.#random() * Math.max(0, frame.reconnectWithin ?? 0) * 0.8);
        return;
      case 'mute_requested':
        this.#emit('mute-requested', readMute(frame));
        return;
      case 'entry':
        this.#emit('entry', readEntry(frame));
        return;
      case 'grants':
        this.#emit('grants', readGrants(frame));
        return;
      case 'admission':
        this.#emit('admission', { admitted: frame.admitted === true });
        return;
      default:
        this.room.receive(frame, this.peerId);
    }
  }

  #delivered(peerId: string, frame: Frame): void {
    if (frame.type === 'message') this.#emit('message', { peerId, data: frame.data });
    else this.#emit('signal', frame as unknown as SessionEvents['signal']);
  }

  #error(link: Link, frame: ServerFrame): void {
    const { code = 'unknown', field, replyTo, retryAfter, peerId, id } = frame;
    const message = frame.message ?? code;
    if (this.connector.isPending(link) && code === 'session_unknown') {
      // A socket that serves a session in a room knows better: its node writes again what the store lost. The move has failed. Outside of
      // rooms nothing is stored.
      if (this.connector.link?.open && this.room.roomId !== undefined) this.connector.refused(link, retryAfter ?? 1000);
      else this.#sessionLost(link);
      return;
    }
    if (this.connector.isPending(link) && code === 'unavailable') {
      this.connector.refused(link, retryAfter ?? 1000);
      return;
    }
    this.requests.refused(frame.ref, new SignalingError(code, message, retryAfter));
    if (code === 'unavailable') this.connector.elsewhere();
    if (replyTo === 'join') {
      this.room.refused(code, message, retryAfter);
      return;
    }
    if (code === 'rate_limited') {
      this.#pacer.pause(retryAfter ?? 1000);
      if (replyTo === undefined) this.room.dropped(retryAfter ?? 1000);
    }
    if (peerId !== undefined && id !== undefined) {
      if (code === 'forbidden' || code === 'too_large' || code === 'bad_message') this.delivery.refused(peerId, id);
      // The rest is repeated: by the timer, or when the peer is back.
      return;
    }
    this.#emit('error', { code, message, field, replyTo });
  }

  /** The server does not know the session any more: begin a new one on the same socket, and come back into the room. */
  #sessionLost(link: Link): void {
    const oldPeerId = this.peerId ?? '';
    this.#sessionToken = undefined;
    this.peerId = undefined;
    const wasIn = this.room.sessionLost();
    this.connector.drop();
    this.delivery.reset('session-lost');
    this.room.end('session-lost', { forget: false });
    if (wasIn) this.#emit('session-lost', { oldPeerId });
    if (this.#greeting) this.#established(link, this.#greeting, false);
    else link.send({ type: 'ping', t: this.#clock.now() });
  }

  #changed(changes: RoomChange[]): void {
    for (const { kind, ...event } of changes) {
      const { peerId } = event.peer;
      if (kind === 'left') this.delivery.peerLeft(peerId);
      else if (kind === 'away') this.delivery.peerAway(peerId);
      else if (kind === 'back') this.delivery.peerBack(peerId);
      this.#emit(`peer-${kind}`, event as never);
      if (kind === 'joined') this.delivery.peerJoined(peerId);
    }
  }

  #setState(state: SessionState, extra: Omit<SessionEvents['state'], 'state'> = {}): void {
    if (state === this.state && extra.retryIn === undefined) return;
    this.state = state;
    this.#emit('state', { state, ...extra });
  }
}
