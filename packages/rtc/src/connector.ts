/** Keeps a session on a socket: dials, retries, moves to another one without a gap, and knows when it is over for good. */
import { afterClose, CLOSE_CODES, type CloseName, SUBPROTOCOL } from '@tandem/protocol/codes';
import { fullJitter } from './backoff.ts';
import { type Clock, within } from './clock.ts';
import { Link, type LinkEnd, type WebSocketConstructor } from './link.ts';
import { onNetworkBack } from './network-back.ts';
import type { ServerFrame } from './server-frame.ts';
import { type EndReason, GiveUpError, type SessionOptions } from './session-types.ts';
import { probeRetryAfter, socketUrl } from './signaling-address.ts';
import { StoreOutage } from './store-outage.ts';
import { TokenSource } from './token-source.ts';
import type { Heartbeat } from './wire.ts';

/** What a connector needs of its session. */
export interface ConnectorHost {
  readonly clock: Clock;
  readonly random: () => number;
  /** A socket is open: ask for the session. It becomes the connection by `adopt`. */
  opened(link: Link): void;
  frame(link: Link, frame: ServerFrame): void;
  /** The socket that held the session is gone. */
  lost(): void;
  /** Is there a room to keep? */
  inRoom(): boolean;
  /** There is no connection for now; in `retryIn` ms (when known) comes the next attempt. */
  waiting(reason?: 'network' | 'deaf', retryIn?: number): void;
  /** There will be no connection any more. */
  over(reason: EndReason, message: string): void;
}

const nameOf = (code: number): CloseName => {
  for (const [name, row] of Object.entries(CLOSE_CODES)) if (row.code === code) return name as CloseName;
  return 'abnormal';
};

export class Connector {
  readonly #o: SessionOptions;
  readonly #host: ConnectorHost;
  readonly #WebSocket: WebSocketConstructor;
  readonly #url: string;
  readonly #limit: number;
  readonly tokens: TokenSource;
  #link: Link | undefined;
  #pending: Link | undefined;
  #closed = false;
  #attempting = false;
  #attempt = 0;
  #moveAttempt = 0;
  readonly #outage = new StoreOutage();
  /** When a node was left whose store had not answered a join: that may yet be carried out. */
  #leftAt = -Infinity;
  #dialedAt = -Infinity;
  #retryTimer: unknown;
  #moveTimer: unknown;
  #connectTimer: unknown;
  #renewTimer: unknown;
  #unlisten: (() => void) | undefined;

  constructor(options: SessionOptions, host: ConnectorHost) {
    this.#o = options;
    this.#host = host;
    this.#limit = options.connectTimeout ?? 10_000;
    this.tokens = new TokenSource(options, host.clock, this.#limit);
    const WebSocket = options.WebSocket ?? (globalThis.WebSocket as unknown as WebSocketConstructor | undefined);
    if (!WebSocket) throw new TypeError('WebSocket: this runtime has none; pass one, e.g. that of the package `ws`.');
    this.#WebSocket = WebSocket;
    this.#url = socketUrl(options.url);
  }

  /** The socket that holds the session. */
  get link(): Link | undefined {
    return this.#link;
  }
  /** A socket that does not hold the session yet. */
  isPending(link: Link): boolean {
    return link === this.#pending;
  }

  start(): void {
    this.#unlisten = onNetworkBack(() => this.probe());
    this.#dial();
  }

  /** A pending socket holds the session now. @param tokenLeft how long its token is good, ms, if the server says so */
  adopt(link: Link, tokenLeft?: number): void {
    const { clock } = this.#host;
    const old = this.#link === link ? undefined : this.#link;
    clock.clearTimeout(this.#connectTimer);
    this.#pending = undefined;
    this.#attempting = false;
    this.#attempt = 0;
    this.#moveAttempt = 0;
    this.#link = link;
    clock.clearTimeout(this.#moveTimer);
    this.#moveTimer = undefined;
    this.#planRenewal(tokenLeft);
    // The old socket may still carry frames that arrived before the move: it closes by itself, fenced by the server.
    if (old) clock.setTimeout(() => old.letGo('moved'), 1000);
  }

  watch(heartbeat: Heartbeat): void {
    this.#link?.watch(heartbeat);
  }

  /** The session that the present socket held is lost. */
  drop(): void {
    this.#link?.letGo('lost');
    this.#link = undefined;
  }

  /** The server will not take this pending socket for now. A socket that serves meanwhile goes on, and the move is tried again. */
  refused(link: Link, retryAfter: number): void {
    link.letGo('refused');
    this.#ended(link, {
      code: CLOSE_CODES.tryLater.code,
      reason: `retry-after ${Math.ceil(retryAfter / 1000)}`,
      opened: true,
    });
  }

  /** Continue on another socket while this one still serves: first the new one, then the old one closes. */
  move(within: number): void {
    if (this.#moveTimer !== undefined || this.#attempting) return;
    this.#moveTimer = this.#host.clock.setTimeout(() => {
      this.#moveTimer = undefined;
      if (this.#link?.open) this.#dial();
    }, within);
  }

  /** This node refuses because its store is away; that of another may not be. Moves when that lasts. */
  elsewhere(): void {
    const { clock, random } = this.#host;
    const now = clock.now();
    if (!this.#outage.refused(now)) return;
    if (this.#host.inRoom()) {
      this.move(random() * 1000);
      return;
    }
    // Nothing to keep, and two sessions of one identity must not join at the same time: first this socket goes, then the next one comes.
    this.#leftAt = now;
    this.#link?.abandon(CLOSE_CODES.abnormal.code, 'unavailable');
  }

  /** Is the socket alive? Without one: do not sit out the rest of a long wait, there is reason to believe in a network. */
  probe(): void {
    const { clock, random } = this.#host;
    if (this.#link) {
      this.#link.probe(3000);
      return;
    }
    if (this.#retryTimer === undefined || this.#attempting) return;
    this.#attempt = Math.min(this.#attempt, 1);
    clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = clock.setTimeout(() => this.#dial(), random() * 300);
  }

  close(): void {
    this.#closed = true;
    for (const timer of [this.#retryTimer, this.#moveTimer, this.#renewTimer, this.#connectTimer])
      this.#host.clock.clearTimeout(timer);
    this.#unlisten?.();
    this.#link?.leave();
    this.#pending?.leave();
    this.#link = undefined;
    this.#pending = undefined;
  }

  // --- dialling -------------------------------------------------------------------------------------------------

  /** Open a socket beside the present one (if any) and continue the session there. */
  #dial(): void {
    if (this.#attempting || this.#closed) return;
    this.#attempting = true;
    this.#dialedAt = this.#host.clock.now();
    this.#host.clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#open().catch((error: unknown) => {
      this.#attempting = false;
      if (error instanceof GiveUpError) this.#host.over('token_refused', error.message);
      else if (this.#link?.open) this.#moveAgain();
      else this.#retry(0);
    });
  }

  async #open(): Promise<void> {
    const token = await this.tokens.forSocket();
    if (this.#closed) return;
    const link: Link = new Link(this.#WebSocket, this.#url, [SUBPROTOCOL, `bearer.${token}`], this.#host.clock, {
      open: () => {
        // The server has it: from here on it is the answer that is waited for.
        this.#awaitAnswer(link);
        this.#host.opened(link);
      },
      frame: (frame) => this.#host.frame(link, frame),
      end: (end) => this.#ended(link, end),
    });
    this.#pending = link;
    this.#awaitAnswer(link);
  }

  #awaitAnswer(link: Link): void {
    const { clock } = this.#host;
    clock.clearTimeout(this.#connectTimer);
    this.#connectTimer = clock.setTimeout(() => {
      if (this.#pending === link) link.abandon(CLOSE_CODES.abnormal.code, 'no answer');
    }, this.#limit);
  }

  #ended(link: Link, end: LinkEnd): void {
    if (this.#closed) return;
    const { clock, random } = this.#host;
    if (link === this.#pending) {
      this.#pending = undefined;
      this.#attempting = false;
      if (this.#link?.open && afterClose(end.code) !== 'give-up') {
        this.#moveAgain();
        return;
      }
    } else if (link === this.#link) {
      this.#link = undefined;
      this.#host.lost();
      // A move is on its way: its new socket decides. That it fences this one may be heard before its own answer.
      if (this.#attempting && (afterClose(end.code) !== 'give-up' || end.code === CLOSE_CODES.fenced.code)) {
        this.#host.waiting('network');
        return;
      }
    } else return;
    let after = end.opened ? afterClose(end.code) : 'backoff';
    // Fenced by a socket of my own that died before it was mine: no other client has the session.
    if (end.code === CLOSE_CODES.fenced.code && clock.now() - this.#dialedAt < 60_000) after = 'backoff';
    // A late join of my own earlier session is no other device; once.
    if (end.code === CLOSE_CODES.replaced.code && clock.now() - this.#leftAt < 60_000) {
      after = 'backoff';
      this.#leftAt = -Infinity;
    }
    if (after === 'give-up') {
      this.#host.over(nameOf(end.code), end.reason || CLOSE_CODES[nameOf(end.code)].reason);
      return;
    }
    if (end.code === CLOSE_CODES.tokenExpired.code) this.tokens.expire();
    if (after === 'reconnect' && this.#attempt === 0) {
      this.#attempt = 1;
      // At once, but not all of a node's clients in the same millisecond; when that does not help, as after any other end.
      this.#wait(random() * 200, end.reason === 'deaf' ? 'deaf' : 'network');
      return;
    }
    const asked = /retry.?after\D{0,3}(\d+)/i.exec(end.reason)?.[1];
    if (asked !== undefined) this.#retry(Number(asked) * 1000);
    else if (end.opened) this.#retry(0);
    else void this.#retryAfterProbe();
  }

  /** A move failed: the present socket still serves. Try again soon, then less and less often. */
  #moveAgain(): void {
    this.move(1000 + fullJitter(this.#moveAttempt++, this.#host.random, { max: 30_000, ...this.#o.backoff }));
  }

  async #retryAfterProbe(): Promise<void> {
    const { probe = (url) => probeRetryAfter(url, this.#host.clock) } = this.#o;
    let after: number | undefined;
    if (probe) {
      this.#host.waiting();
      this.#attempting = true;
      try {
        after = await within(this.#host.clock, this.#limit, probe(this.#url));
      } catch {
        // It says nothing of when to come back.
      }
      this.#attempting = false;
    }
    this.#retry(after ?? 0);
  }

  #retry(retryAfter: number): void {
    this.#wait(fullJitter(this.#attempt++, this.#host.random, this.#o.backoff, retryAfter), 'network');
  }

  #wait(ms: number, reason: 'network' | 'deaf'): void {
    if (this.#closed) return;
    const { clock } = this.#host;
    this.#host.waiting(reason, Math.round(ms));
    clock.clearTimeout(this.#retryTimer);
    this.#retryTimer = clock.setTimeout(() => this.#dial(), ms);
  }

  /**
   * Move to a socket with a fresh token before the server closes this one for its old token, and a media node stops its media. The server says how
   * long that is: the time of day of a device may be wrong. One that does not say it closes the socket, and media goes on.
   */
  #planRenewal(left = 0): void {
    const { clock, random } = this.#host;
    clock.clearTimeout(this.#renewTimer);
    if (left <= 0 || left > 2 ** 31) return;
    const lead = Math.min(60_000, left / 4) * (0.5 + random() / 2);
    this.#renewTimer = clock.setTimeout(() => {
      this.tokens.expire();
      if (this.#link) this.move(0);
    }, left - lead);
  }
}
