/**
 * One WebSocket of a client: frames in, frames out, limits. Knows sessions, not rooms.
 *
 * `onFrame` is the one way in, `send` (outbound.ts) the one way out.
 */
import { isUtf8 } from 'node:buffer';
import { CLOSE_CODES, type CloseName } from '@tandem/protocol';
import { createHeader, type FrameHeader, HAS_TRACEPARENT } from '../../wire/frame-header.ts';
import { scanFrame } from '../../wire/frame-scanner.ts';
import { type Suffixes, suffixesOf } from '../../wire/spliced-frame.ts';
import type { Clock } from '../clock.ts';
import { RefusalError } from '../errors.ts';
import type { Counters, NodeEvents } from '../events.ts';
import type { Identity } from '../identity.ts';
import type { Router } from '../messaging/router.ts';
import type { ClientSocket, Session } from '../model.ts';
import type { CoreSettings } from '../settings.ts';
import type { Dialect, Transport } from '../transport.ts';
import { AbuseMeter, type FrameKind } from './abuse-meter.ts';
import { type FrameSource, forwardFrame } from './fast-path.ts';
import { Outbound } from './outbound.ts';
import { closeNameOf, refusalMessage, type Subject } from './refusal-message.ts';
import type { SendBudget } from './send-budget.ts';
import { WaitingFrames } from './waiting-frames.ts';

/** How long after `resumed` a 1000 of a client that sent nothing since may mean that it was not read, ms. Later it is a goodbye. */
const GIVE_UP_MS = 10_000;
/** RFC 6455 section 7.4.1: data within a message was not consistent with its type, such as text that is not UTF-8. */
const INVALID_PAYLOAD = 1007;

/** Of the frame in hand; frames are handled one after the other, so one is enough. */
const header = createHeader();

export interface IncomingMessage {
  type: string;
  peerId?: string;
  id?: number;
  ref?: number;
  [field: string]: unknown;
}

/** What the connections of a node share. */
export interface ConnectionHost {
  readonly clock: Clock;
  readonly settings: CoreSettings;
  readonly events: NodeEvents;
  readonly counters: Counters;
  readonly router: Router;
  readonly connections: Set<Connection>;
  createSession(identity: Identity, socket: ClientSocket): Session;
  /** Carries out a frame that the fast path did not take. @returns what later frames must wait for. @throws RefusalError */
  handle(call: {
    connection: Connection;
    message: IncomingMessage;
    bytes: Buffer;
    header: FrameHeader;
  }): Promise<void> | undefined;
  /** The socket of an attached session is gone. */
  onGone(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly identity: Identity;
  readonly dialect: Dialect;
  readonly own: SendBudget;
  /** Shared by the connections of a user; its bytes are those that leave for receivers. */
  readonly user: SendBudget;
}

export class Connection extends Outbound<ConnectionHost> implements FrameSource {
  readonly maxFrameBytes: number;
  readonly dialect: Dialect;
  /** The session of this socket; replaced by a resume. */
  session: Session;
  /** Only the welcome was sent: a resume is still allowed. */
  fresh = true;
  /** The client closed it with a goodbye. */
  left = false;
  /** Time of the last frame from the client. */
  lastSeen: number;
  lastPeer = '';
  readonly #own: SendBudget;
  readonly #user: SendBudget;
  #resumedAt = -Infinity;
  #abuse: AbuseMeter | undefined;
  #busy = false;
  #suffixesOf = '';
  #suffixes: Suffixes | undefined;
  #waiting: WaitingFrames | undefined;

  constructor(host: ConnectionHost, transport: Transport, { identity, dialect, own, user }: ConnectionOptions) {
    super(host, transport);
    this.dialect = dialect;
    this.#own = own;
    this.#user = user;
    this.maxFrameBytes = Math.min(identity.grants.maxFrameBytes ?? Infinity, host.settings.maxFrameBytes);
    this.lastSeen = host.clock.now();
    this.session = host.createSession(identity, this);
  }

  /** Who holds it, with what its room grants beside the token. */
  get identity(): Identity {
    return this.session.identity;
  }

  /** One text frame from the client, as received. It is written out at the end of the turn: do not change it after. */
  onFrame(data: Uint8Array): void {
    if (this.closed) return;
    this.host.counters.received++;
    if (!this.#charge(data.length, 'message')) return;
    if (!this.#busy) {
      this.#process(data);
      return;
    }
    this.#waiting ??= new WaitingFrames();
    // A store that answers late is not the client's fault: what does not fit is dropped.
    if (!this.#waiting.push(data)) this.#drop(this.host.settings.retryAfter, data.length, 'message');
  }

  /** A binary frame: the protocol has none. */
  onBinary(bytes: number): void {
    if (!this.closed && this.#charge(bytes, 'other')) this.refuse(new RefusalError('bad_json', 'Send text frames.'));
  }

  /**
   * A ping or a pong: a sign of life that costs what a message of its size costs.
   * @returns false when it was over the limit and must not be answered
   */
  onControl(bytes: number): boolean {
    return !this.closed && this.#charge(bytes, 'other');
  }

  /** Pays for what leaves beside the frame itself. @throws RefusalError `rate_limited` */
  pay(bytes: number): void {
    const wait = this.#user.takeBytes(this.host.clock.now(), bytes);
    if (wait > 0) throw tooMuch(wait);
  }

  /**
   * Pays for what a frame makes the node and the store send beside itself, and drops the frame when that is too much.
   * @returns whether it may be carried out
   */
  affords(bytes: number): boolean {
    const wait = this.#user.takeBytes(this.host.clock.now(), bytes);
    if (wait > 0) this.#drop(wait, 0, 'message');
    return wait === 0;
  }

  /** The budget of its user. */
  get user(): SendBudget {
    return this.#user;
  }

  #charge(bytes: number, kind: FrameKind): boolean {
    const now = this.host.clock.now();
    this.lastSeen = now;
    const wait = this.#own.take(now, bytes) || this.#user.take(now, bytes);
    if (wait === 0) return true;
    this.#drop(wait, bytes, kind);
    return false;
  }

  #process(data: Uint8Array): void {
    let context: Subject = {};
    const bytes = Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    let traced: (() => void) | undefined;
    let pending: Promise<void> | undefined;
    try {
      const tooLarge = bytes.length > this.maxFrameBytes;
      if (tooLarge || !scanFrame(bytes, header)) {
        // The scanner says that something is wrong; what, matters only now.
        if (!isUtf8(bytes)) {
          // RFC 6455 section 8.1: text that is not UTF-8 fails the connection.
          this.closeWith('abuse', INVALID_PAYLOAD, 'text is not UTF-8');
          return;
        }
        throw tooLarge
          ? new RefusalError('too_large', `A frame may have ${this.maxFrameBytes} bytes.`)
          : new RefusalError('bad_json', `The frame is not a JSON object (see byte ${header.errorAt}).`);
      }
      if (header.present & HAS_TRACEPARENT) traced = this.host.events.traced?.('relay', bytes);
      if (forwardFrame(this, bytes, header)) return;
      const message = JSON.parse(bytes.toString('utf8')) as IncomingMessage;
      context = message;
      if (typeof message.type !== 'string')
        throw new RefusalError('bad_message', '/type: is required', { field: '/type' });
      pending = this.host.handle({ connection: this, message, bytes, header });
      if (pending !== undefined) this.#wait(traced ? pending.finally(traced) : pending, context);
    } catch (error) {
      this.#failed(error, context);
    } finally {
      if (pending === undefined) traced?.();
    }
  }

  suffix(type: number): Buffer {
    // Made at the first forwarded frame: most memory is that of connections that wait. A resume changes the session.
    if (this.#suffixesOf !== this.session.peerId) {
      this.#suffixesOf = this.session.peerId;
      this.#suffixes = suffixesOf(this.session.peerId);
    }
    return this.#suffixes?.[type] as Buffer;
  }

  #wait(pending: Promise<void>, context: Subject): void {
    this.#busy = true;
    void pending
      .catch((error: unknown) => this.#failed(error, context))
      .then(() => {
        this.#busy = false;
        while (!this.#busy && !this.closed) {
          const next = this.#waiting?.shift();
          if (!next) return;
          this.#process(next);
        }
      });
  }

  #failed(error: unknown, context: Subject): void {
    if (error instanceof RefusalError) {
      this.refuse(error, context);
      return;
    }
    this.host.events.log?.('error', 'connection.failed', { err: error, type: context.type });
    this.close('internal');
  }

  /** Over the limit: not carried out. */
  #drop(wait: number, bytes: number, kind: FrameKind): void {
    const { clock, settings, counters } = this.host;
    const now = clock.now();
    this.#abuse ??= new AbuseMeter(settings);
    if (this.#abuse.mayAnswer(now, wait)) this.refuse(tooMuch(wait));
    else counters.refused++;
    if (this.#abuse.dropped(now, bytes, kind)) this.close('abuse');
  }

  /** Tells the client why its message was not carried out; closes after too many that were its fault. */
  refuse(refusal: RefusalError, about: Subject = {}): void {
    this.host.counters.refused++;
    this.sendMessage(refusalMessage(refusal, about));
    if (refusal.closeWith !== undefined) {
      this.close(closeNameOf(refusal.closeWith));
      return;
    }
    if (!refusal.fault) return;
    this.#abuse ??= new AbuseMeter(this.host.settings);
    if (this.#abuse.fault(this.host.clock.now())) this.close('abuse');
  }

  /** The client gave a sign of life that costs nothing. */
  alive(): void {
    this.lastSeen = this.host.clock.now();
  }

  override abandon(name: CloseName): void {
    this.host.connections.delete(this);
    super.abandon(name);
  }

  /** A resume is under way until `answered`. */
  async whileResuming<T>(answered: Promise<T>): Promise<T> {
    this.#resumedAt = Infinity;
    try {
      return await answered;
    } finally {
      this.#resumedAt = this.host.clock.now();
      // Whatever is received from now on, even in this millisecond, is later.
      this.lastSeen = this.#resumedAt - 1;
    }
  }

  /** The socket is gone. 1000 is a goodbye; everything else may come back. */
  override onClosed(code: number): void {
    if (this.closed) return;
    this.closed = true;
    this.left =
      code === CLOSE_CODES.abuse.code ||
      (code === CLOSE_CODES.normal.code && (!this.#hasNotReadResumed() || this.#waiting?.hasLeave === true));
    this.#waiting = undefined;
    this.host.connections.delete(this);
    const { state } = this.session;
    if (state.kind === 'attached' && state.connection === this) this.host.onGone(this);
  }

  /**
   * SDKs older than code 4011 close a socket with 1000 when its resume is not answered in time; that close and `resumed` may cross. A
   * client that has read `resumed` sends something at once.
   */
  #hasNotReadResumed(): boolean {
    return this.lastSeen < this.#resumedAt && this.host.clock.now() - this.#resumedAt < GIVE_UP_MS;
  }
}

function tooMuch(wait: number): RefusalError {
  return new RefusalError('rate_limited', `Too many messages or bytes; retry after ${wait} ms.`, { retryAfter: wait });
}
