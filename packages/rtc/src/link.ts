/** One WebSocket from opening to its one ending: JSON in and out, and a watch for sockets that are open but deaf. */
import { CLOSE_CODES } from '@tandem/protocol/codes';
import type { Clock } from './clock.ts';
import { readServerFrame, type ServerFrame } from './server-frame.ts';
import type { Frame, Heartbeat } from './wire.ts';

/** What of a WebSocket is used; the browser's, Node's and that of `ws` fit. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}
/** A WebSocket class: the one of the browser or of Node, or that of the package `ws`. @public */
export type WebSocketConstructor = new (url: string, protocols: string[]) => WebSocketLike;

export interface LinkEnd {
  readonly code: number;
  readonly reason: string;
  /** Did the handshake succeed? When not, the code says nothing about why. */
  readonly opened: boolean;
}

export interface LinkHandlers {
  open(): void;
  frame(frame: ServerFrame): void;
  end(end: LinkEnd): void;
}

const OPEN = 1;

export class Link {
  readonly #socket: WebSocketLike;
  readonly #clock: Clock;
  #handlers: LinkHandlers | undefined;
  #opened = false;
  #heard: number;
  #timer: unknown;
  #deadline: unknown;
  #pinged = 0;
  /** Round trip of the last ping, ms. */
  rtt: number | undefined;

  constructor(WebSocket: WebSocketConstructor, url: string, protocols: string[], clock: Clock, handlers: LinkHandlers) {
    this.#clock = clock;
    this.#handlers = handlers;
    this.#heard = clock.now();
    const socket = new WebSocket(url, protocols);
    this.#socket = socket;
    socket.onopen = () => {
      this.#opened = true;
      this.#heard = clock.now();
      this.#handlers?.open();
    };
    socket.onmessage = (event: { data?: unknown }) => {
      this.#heard = clock.now();
      const frame = readServerFrame(event.data);
      if (!frame) return;
      if (frame.type === 'pong') {
        this.rtt = clock.now() - this.#pinged;
        this.#stop('deadline');
      }
      this.#handlers?.frame(frame);
    };
    socket.onclose = (event: { code?: number; reason?: string }) =>
      this.#end({ code: event.code ?? 1006, reason: event.reason ?? '', opened: this.#opened });
    // `close` always follows `error`, and says more.
    socket.onerror = () => {};
  }

  get open(): boolean {
    return this.#handlers !== undefined && this.#socket.readyState === OPEN;
  }

  /** False when the socket is not open. */
  send(frame: Frame): boolean {
    if (!this.open) return false;
    try {
      this.#socket.send(JSON.stringify(frame));
      return true;
    } catch {
      return false;
    }
  }

  /** Browsers do not show the server's pings: ask by our own when it is silent, and end a socket that stays silent. */
  watch({ interval, timeout }: Heartbeat): void {
    this.#stop('timer');
    const tick = () => {
      const silent = this.#clock.now() - this.#heard;
      if (silent >= timeout) {
        this.abandon(CLOSE_CODES.heartbeat.code, 'deaf');
        return;
      }
      if (silent >= interval) this.#ping();
      this.#timer = this.#clock.setTimeout(tick, Math.max(250, Math.min(interval / 2, timeout - silent)));
    };
    this.#timer = this.#clock.setTimeout(tick, interval);
  }

  /** Is it still there? Ends the socket unless something answers within `ms`. */
  probe(ms: number): void {
    if (!this.open || this.#deadline !== undefined) return;
    const asked = this.#clock.now();
    this.#ping();
    this.#deadline = this.#clock.setTimeout(() => {
      this.#deadline = undefined;
      if (this.#heard <= asked) this.abandon(CLOSE_CODES.heartbeat.code, 'deaf');
    }, ms);
  }

  /** The person leaves: the server ends the session. Nothing more is reported. */
  leave(): void {
    // On a socket whose resume is not answered yet 1000 alone may also be an old SDK's way to give it up.
    this.send({ type: 'leave' });
    this.#close(CLOSE_CODES.normal.code, 'closed');
  }

  /** The session goes on with another socket, or without one for now. Nothing more is reported. */
  letGo(reason: string): void {
    this.#close(CLOSE_CODES.abandoned.code, reason);
  }

  #close(code: number, reason: string): void {
    this.#handlers = undefined;
    this.#stop('timer');
    this.#stop('deadline');
    try {
      this.#socket.close(code, reason);
    } catch {
      // Still connecting in some implementations: then there is nothing to close.
    }
  }

  /**
   * End it here and now: a dead path would hold the close handshake for minutes. `code` is what is reported here; on the wire 1006 cannot be
   * sent (RFC 6455 section 7.4.1).
   */
  abandon(code: number, reason: string): void {
    const handlers = this.#handlers;
    this.#close(code === CLOSE_CODES.abnormal.code ? CLOSE_CODES.abandoned.code : code, reason);
    handlers?.end({ code, reason, opened: this.#opened });
  }

  #ping(): void {
    this.#pinged = this.#clock.now();
    this.send({ type: 'ping', t: this.#pinged });
  }

  #end(end: LinkEnd): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    this.#stop('timer');
    this.#stop('deadline');
    handlers?.end(end);
  }

  #stop(which: 'timer' | 'deadline'): void {
    this.#clock.clearTimeout(which === 'timer' ? this.#timer : this.#deadline);
    if (which === 'timer') this.#timer = undefined;
    else this.#deadline = undefined;
  }
}
