/** A WebSocket as the core's transport. */
import type { Duplex } from 'node:stream';
import { CLOSE_CODES } from '@tandem/protocol';
import type { Connection } from '../core/connection/connection.ts';
import type { Identity } from '../core/identity.ts';
import type { SignalingNode } from '../core/node.ts';
import type { Dialect, Transport } from '../core/transport.ts';
import { type FlushScheduler, FrameWriter, type ServerSocket, type SocketHandlers } from '../wire/index.ts';

export interface SocketTransportOptions {
  readonly node: SignalingNode;
  readonly identity: Identity;
  readonly dialect: Dialect;
  /** The TCP socket under `ws`. */
  readonly socket: Duplex;
  readonly scheduler: FlushScheduler;
  readonly maxBufferedBytes: number;
  /** Called once, when the TCP connection is gone. */
  onGone(): void;
}

/** Methods, not closures: ten closures a connection were a tenth of its memory. */
export class SocketTransport extends FrameWriter implements Transport, SocketHandlers {
  readonly #ws: ServerSocket;
  readonly #connection: Connection;
  readonly #onGone: () => void;

  /** Hands the socket to the node, which says `welcome`. */
  constructor(
    ws: ServerSocket,
    { node, identity, dialect, socket, scheduler, maxBufferedBytes, onGone }: SocketTransportOptions,
  ) {
    super(ws, socket, scheduler, maxBufferedBytes);
    this.#ws = ws;
    this.#onGone = onGone;
    this.#connection = node.accept(this, identity, dialect);
    ws.listen(this);
    this.flush();
  }

  destroy(): void {
    this.#ws.terminate();
  }

  override onOverflow(): void {
    this.#connection.close('slowConsumer');
  }

  onText(payload: Buffer): void {
    this.#connection.onFrame(payload);
  }

  onBinary(payload: Buffer): void {
    this.#connection.onBinary(payload.length);
  }

  onPing(payload: Buffer): void {
    if (this.#connection.onControl(payload.length)) this.pong(payload);
  }

  onPong(payload: Buffer): void {
    this.#connection.onControl(payload.length);
  }

  onClosing(): void {
    this.flush();
  }

  onClose(code: number): void {
    // 1005: a close frame without a code is a goodbye as well.
    this.#connection.onClosed(code === 1005 ? CLOSE_CODES.normal.code : code);
  }

  onGone(): void {
    this.#onGone();
  }
}
