/** A WebSocket as the core's transport. */
import { CLOSE_CODES } from '@tandem/protocol';
import type { Connection } from '../core/connection.ts';
import { Refusal } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import type { SignalingNode } from '../core/node.ts';
import type { Transport } from '../core/transport.ts';
import { type FlushScheduler, FrameWriter, type WireHandlers, type WireSocket } from '../wire/index.ts';

/** A peer that does not answer a close frame is cut off after so many ms. */
const CLOSE_TIMEOUT_MS = 3000;

/** Hands the socket to the node. `onGone` is called once, when it is closed. */
export function attachSocket(
  node: SignalingNode,
  wire: WireSocket,
  identity: Identity,
  scheduler: FlushScheduler,
  maxBufferedBytes: number,
  onGone: () => void,
): void {
  new WireTransport(node, wire, identity, scheduler, maxBufferedBytes, onGone);
}

/** Methods, not closures: ten closures a connection were a tenth of its memory. */
class WireTransport extends FrameWriter implements Transport, WireHandlers {
  readonly #wire: WireSocket;
  readonly #connection: Connection;
  readonly #onGone: () => void;

  constructor(
    node: SignalingNode,
    wire: WireSocket,
    identity: Identity,
    scheduler: FlushScheduler,
    maxBufferedBytes: number,
    onGone: () => void,
  ) {
    super(wire, wire.socket, scheduler, maxBufferedBytes);
    this.#wire = wire;
    this.#onGone = onGone;
    this.#connection = node.accept(this, identity);
    this.flush();
    wire.listen(this);
  }

  destroy(): void {
    this.#wire.terminate();
  }

  override close(code: number, reason: string): void {
    super.close(code, reason);
    setTimeout(() => this.#wire.terminate(), CLOSE_TIMEOUT_MS).unref();
  }

  override onOverflow(): void {
    this.#connection.close('slowConsumer');
  }

  onText(payload: Buffer): void {
    this.#connection.onFrame(payload);
  }

  onBinary(): void {
    this.#connection.refuse(new Refusal('bad_json', 'Send text frames.'));
  }

  onAlive(): void {
    this.#connection.alive();
  }

  onClose(code: number): void {
    // 1005: a close frame without a code is a goodbye as well.
    this.#connection.onClosed(code === 1005 ? CLOSE_CODES.normal.code : code);
    this.#onGone();
  }
}
