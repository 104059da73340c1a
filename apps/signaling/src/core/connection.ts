/**
 * One WebSocket of a client: frames in, frames out, limits. Knows sessions, not rooms.
 *
 * `onFrame` is the one way in, `send` the one way out.
 */
import { isUtf8 } from 'node:buffer';
import { CLOSE_CODES, type CloseName, type ServerMessage } from '@tandem/protocol';
import { createHeader, HAS_TRACEPARENT, scanFrame } from '../wire/frame-scanner.ts';
import { type Frame, type Suffixes, suffixesOf, textOf } from '../wire/spliced-frame.ts';
import type { SendBudget } from './bucket.ts';
import { Refusal } from './errors.ts';
import { handle } from './handlers.ts';
import type { Identity } from './identity.ts';
import type { SignalingNode } from './node.ts';
import { relayFrame } from './relay-frame.ts';
import type { Session } from './session.ts';
import type { Dialect, Transport } from './transport.ts';

/** How long after `resumed` a 1000 of a client that sent nothing since may mean that it was not read, ms. Later it is a goodbye. */
const GIVE_UP_MS = 10_000;

/** Frames that may wait behind a join or resume of the same connection, and their bytes. */
const MAX_WAITING = 512;
const MAX_WAITING_BYTES = 256 * 1024;
/** RFC 6455 section 7.4.1: data within a message was not consistent with its type, such as text that is not UTF-8. */
const INVALID_PAYLOAD = 1007;

/** Frames that may wait for the answer to a resume, and their length: as much as a reader may leave unread by default. */
const MAX_HELD = 1024;
const MAX_HELD_LENGTH = 1 << 20;

/** Of the frame in hand; frames are handled one after the other, so one is enough. */
const header = createHeader();

export class Connection {
  readonly node: SignalingNode;
  readonly identity: Identity;
  readonly maxFrameBytes: number;
  readonly dialect: Dialect;
  /** What this socket speaks for; replaced by a resume. */
  session: Session;
  /** Nothing but the welcome has happened: a resume is still allowed. */
  fresh = true;
  closed = false;
  /** The client closed it with a goodbye. */
  left = false;
  /** Last sign of life. */
  lastSeen: number;
  /** Whom the last relayed frame was for: as a rule the next one is as well, and its name need not be made from bytes again. */
  lastPeer = '';
  readonly #transport: Transport;
  readonly #own: SendBudget;
  /** Shared by the connections of a user; its bytes are those that leave for receivers. */
  readonly #user: SendBudget;
  #resumedAt = -Infinity;
  #faults = 0;
  #faultsSince = 0;
  #dropped = 0;
  #droppedBytes = 0;
  #droppedSince = 0;
  #droppingUntil = 0;
  #busy = false;
  #suffixesOf = '';
  #suffixes: Suffixes | undefined;
  #waiting: Uint8Array[] | undefined;
  #waitingBytes = 0;
  /** While a resume is under way: frames for its session that come behind the answer. */
  #held: string[] | undefined;
  #heldLength = 0;

  constructor(
    node: SignalingNode,
    transport: Transport,
    { identity, dialect, own, user }: { identity: Identity; dialect: Dialect; own: SendBudget; user: SendBudget },
  ) {
    this.node = node;
    this.dialect = dialect;
    this.#transport = transport;
    this.identity = identity;
    this.#own = own;
    this.#user = user;
    this.maxFrameBytes = Math.min(identity.grants.maxFrameBytes ?? Infinity, node.settings.maxFrameBytes);
    this.lastSeen = node.clock.now();
    this.session = node.sessions.create(identity, this);
  }

  /** One text frame from the client, as received. It is written out at the end of the turn: do not change it after. */
  onFrame(data: Uint8Array): void {
    if (this.closed) return;
    this.node.counters.received++;
    if (!this.#charge(data.length, 'message')) return;
    if (!this.#busy) {
      this.#process(data);
      return;
    }
    this.#waiting ??= [];
    // A store that answers late is not the client's fault: what does not fit is dropped.
    if (this.#waiting.length >= MAX_WAITING || this.#waitingBytes + data.length > MAX_WAITING_BYTES) {
      this.#drop(this.node.settings.retryAfter, data.length, 'message');
      return;
    }
    this.#waitingBytes += data.length;
    this.#waiting.push(Uint8Array.from(data));
  }

  /** A binary frame: the protocol has none. */
  onBinary(bytes: number): void {
    if (!this.closed && this.#charge(bytes, 'other')) this.refuse(new Refusal('bad_json', 'Send text frames.'));
  }

  /**
   * A ping or a pong: a sign of life that costs what a message of its size costs.
   * @returns false when it was over the limit and must not be answered
   */
  onControl(bytes: number): boolean {
    return !this.closed && this.#charge(bytes, 'other');
  }

  /**
   * Pays for a frame of `bytes` that leaves more than once.
   * @throws Refusal `rate_limited`
   */
  payFanOut(bytes: number, receivers: number): void {
    if (receivers < 2) return;
    const wait = this.#user.takeBytes(this.node.clock.now(), bytes * (receivers - 1));
    if (wait > 0) throw tooMuch(wait);
  }

  #charge(bytes: number, kind: FrameKind): boolean {
    const now = this.node.clock.now();
    this.lastSeen = now;
    const wait = this.#own.take(now, bytes) || this.#user.take(now, bytes);
    if (wait === 0) return true;
    this.#drop(wait, bytes, kind);
    return false;
  }

  #process(data: Uint8Array): void {
    let context: Context = {};
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    let traced: (() => void) | undefined;
    let pending: Promise<void> | undefined;
    try {
      const tooLarge = bytes.length > this.maxFrameBytes;
      if (tooLarge || !scanFrame(bytes, header)) {
        // The scanner says that something is wrong; what, matters only now.
        if (!isUtf8(bytes)) {
          this.#invalidPayload();
          return;
        }
        throw tooLarge
          ? new Refusal('too_large', `A frame may have ${this.maxFrameBytes} bytes.`)
          : new Refusal('bad_json', `The frame is not a JSON object (see byte ${header.errorAt}).`);
      }
      if (header.present & HAS_TRACEPARENT) traced = this.node.events.traced?.('relay', bytes);
      if (relayFrame(this, bytes, header)) return;
      const message = JSON.parse(bytes.toString('utf8')) as IncomingMessage;
      context = message;
      if (typeof message.type !== 'string') throw new Refusal('bad_message', '/type: is required', { field: '/type' });
      pending = handle(this, message, bytes, header);
      if (pending !== undefined) this.#wait(traced ? pending.finally(traced) : pending, context);
    } catch (error) {
      this.#failed(error, context);
    } finally {
      if (pending === undefined) traced?.();
    }
  }

  /** What the server says behind a relayed frame of this session. */
  suffix(type: number): Buffer {
    // Made at the first relayed frame: most memory is that of connections that wait. A resume changes the session.
    if (this.#suffixesOf !== this.session.peerId) {
      this.#suffixesOf = this.session.peerId;
      this.#suffixes = suffixesOf(this.session.peerId);
    }
    return this.#suffixes?.[type] as Buffer;
  }

  #wait(pending: Promise<void>, context: Context): void {
    this.#busy = true;
    void pending
      .catch((error: unknown) => this.#failed(error, context))
      .then(() => {
        this.#busy = false;
        while (!this.#busy && !this.closed) {
          const next = this.#waiting?.shift();
          if (!next) return;
          this.#waitingBytes -= next.length;
          this.#process(next);
        }
      });
  }

  #failed(error: unknown, context: Context): void {
    if (error instanceof Refusal) {
      this.refuse(error, context);
      return;
    }
    this.node.events.log?.('error', 'connection.failed', { err: error, type: context.type });
    this.close('internal');
  }

  /**
   * Over the limit: not carried out. Of several at once one is answered. A correct client's messages of as long as a path may stall
   * unnoticed (`heartbeatTimeout`) come all at once when it goes on; more than those are a flood, and so is much else than messages.
   */
  #drop(wait: number, bytes: number, kind: FrameKind): void {
    const { clock, settings, counters } = this.node;
    const now = clock.now();
    if (now < this.#droppingUntil) counters.refused++;
    else {
      this.#droppingUntil = now + wait;
      this.refuse(tooMuch(wait));
    }
    if (kind === 'other') {
      this.#fault(now);
      return;
    }
    if (now - this.#droppedSince > settings.heartbeatTimeout) {
      this.#droppedSince = now;
      this.#dropped = 0;
      this.#droppedBytes = 0;
    }
    this.#dropped++;
    this.#droppedBytes += bytes;
    const seconds = settings.heartbeatTimeout / 1000;
    if (this.#dropped > settings.messagesPerSecond * seconds || this.#droppedBytes > settings.bytesPerSecond * seconds)
      this.close('abuse');
  }

  #fault(now: number): void {
    if (now - this.#faultsSince > 10_000) {
      this.#faultsSince = now;
      this.#faults = 0;
    }
    if (++this.#faults > this.node.settings.maxFaults) this.close('abuse');
  }

  /** Tells the client why its message was not carried out; closes after too many that were its fault. */
  refuse(refusal: Refusal, about: Context = {}): void {
    this.node.counters.refused++;
    this.sendMessage({
      type: 'error',
      code: refusal.code,
      message: refusal.message,
      ...(refusal.field === undefined ? {} : { field: refusal.field }),
      ...(typeof about.type === 'string' ? { replyTo: about.type.slice(0, 64) } : {}),
      ...(typeof about.peerId === 'string' ? { peerId: about.peerId.slice(0, 64) } : {}),
      ...(typeof about.id === 'number' ? { id: about.id } : {}),
      ...(typeof about.ref === 'number' ? { ref: about.ref } : {}),
      ...(refusal.retryAfter === undefined ? {} : { retryAfter: refusal.retryAfter }),
    });
    if (refusal.closeWith !== undefined) {
      const name = (Object.keys(CLOSE_CODES) as CloseName[]).find((n) => CLOSE_CODES[n].code === refusal.closeWith);
      this.close(name ?? 'internal');
      return;
    }
    if (refusal.fault) this.#fault(this.node.clock.now());
  }

  /** A finished frame for the session. The hot way out. */
  send(frame: Frame): void {
    if (this.closed) return;
    if (this.#held === undefined) {
      this.#transport.send(frame);
      return;
    }
    // Its bytes may be those of the sender's socket, which reads on.
    const text = textOf(frame);
    this.#heldLength += text.length;
    if (this.#held.push(text) > MAX_HELD || this.#heldLength > MAX_HELD_LENGTH) this.close('slowConsumer');
  }

  /** A frame about the room. While a resume is under way it is left out: the answer will show the room as it is then. */
  tell(text: string): void {
    if (!this.closed && this.#held === undefined) this.#transport.send(text);
  }

  /** An answer of the server to this socket. */
  sendMessage(message: ServerMessage): void {
    if (!this.closed) this.#transport.send(JSON.stringify(message));
  }

  /** From now on frames for the session wait for {@link release}. */
  hold(): void {
    this.#held ??= [];
  }

  /** Ends {@link hold}: `parked` leaves, and behind it what came in meanwhile. @returns what did not leave, as the socket is gone */
  release(parked: readonly string[] = []): readonly string[] {
    const frames = [...parked, ...(this.#held ?? [])];
    this.#held = undefined;
    this.#heldLength = 0;
    if (this.closed) return frames;
    for (const text of frames) this.#transport.send(text);
    return [];
  }

  ping(): void {
    this.#transport.ping();
  }

  /** A pong or any other sign of life. */
  alive(): void {
    this.lastSeen = this.node.clock.now();
  }

  /** Closes from this side; the session is detached, unless it was ended before. */
  close(name: CloseName): void {
    if (this.closed) return;
    const { code, reason } = CLOSE_CODES[name];
    this.node.events.closed?.(name);
    this.#transport.close(code, reason);
    this.onClosed(code);
  }

  /** RFC 6455 section 8.1: text that is not UTF-8 fails the connection. */
  #invalidPayload(): void {
    this.node.events.closed?.('abuse');
    this.#transport.close(INVALID_PAYLOAD, 'text is not UTF-8');
    this.onClosed(INVALID_PAYLOAD);
  }

  /** As in a crash: the socket is cut, the session is not touched. */
  kill(): void {
    this.closed = true;
    this.#transport.destroy?.();
  }

  /** The session goes on with another socket: close this one without touching the session. */
  abandon(name: CloseName): void {
    if (this.closed) return;
    this.closed = true;
    this.node.connections.delete(this);
    this.node.events.closed?.(name);
    const { code, reason } = CLOSE_CODES[name];
    this.#transport.close(code, reason);
  }

  /** A resume is under way until `answered`. */
  async whileResuming<T>(answered: Promise<T>): Promise<T> {
    this.#resumedAt = Infinity;
    try {
      return await answered;
    } finally {
      this.#resumedAt = this.node.clock.now();
      // Whatever is heard from now on, even in this millisecond, is later.
      this.lastSeen = this.#resumedAt - 1;
    }
  }

  /** The socket is gone. 1000 is a goodbye; everything else may come back. */
  onClosed(code: number): void {
    if (this.closed) return;
    this.closed = true;
    this.left =
      code === CLOSE_CODES.abuse.code ||
      (code === CLOSE_CODES.normal.code && (!this.#hasNotReadResumed() || this.#leaveWaits()));
    this.#waiting = undefined;
    this.node.connections.delete(this);
    const { session } = this;
    if (session.state.kind !== 'attached' || session.state.connection !== this) return;
    this.node.track(this.node.sessions.release(session, this));
  }

  /**
   * SDKs older than code 4011 close a socket with 1000 when its resume is not answered in time; that close and `resumed` may cross. A
   * client that has read `resumed` sends something at once.
   */
  #hasNotReadResumed(): boolean {
    return this.lastSeen < this.#resumedAt && this.node.clock.now() - this.#resumedAt < GIVE_UP_MS;
  }

  /** Behind a resume that is under way. */
  #leaveWaits(): boolean {
    return this.#waiting?.some((frame) => /"type"\s*:\s*"leave"/.test(Buffer.from(frame).toString())) ?? false;
  }
}

function tooMuch(wait: number): Refusal {
  return new Refusal('rate_limited', `Too many messages or bytes; retry after ${wait} ms.`, { retryAfter: wait });
}

/** `other`: control and binary frames. */
type FrameKind = 'message' | 'other';

/** What of a message its refusal names. */
type Context = { readonly type?: string; readonly peerId?: string; readonly id?: number; readonly ref?: number };

export interface IncomingMessage {
  type: string;
  peerId?: string;
  id?: number;
  ref?: number;
  [field: string]: unknown;
}
