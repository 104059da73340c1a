/** A WebSocket as the core's transport. */
import { CLOSE_CODES } from '@tandem/protocol';
import { Refusal } from '../core/errors.ts';
import type { Identity } from '../core/identity.ts';
import type { SignalingNode } from '../core/node.ts';
import type { Transport } from '../core/transport.ts';
import { FrameWriter, type Turn, type WireSocket } from '../relay/index.ts';

/** A peer that does not answer a close frame is cut off after so many ms. */
const CLOSE_TIMEOUT_MS = 3000;

/** Hands the socket to the node. `onGone` is called once, when it is closed. */
export function attachSocket(
  node: SignalingNode,
  wire: WireSocket,
  identity: Identity,
  turn: Turn,
  maxBufferedBytes: number,
  onGone: () => void,
): void {
  const writer = new FrameWriter(wire, wire.socket, turn, {
    maxBufferedBytes,
    onOverflow: () => connection.close('slowConsumer'),
  });
  const transport: Transport = {
    send: (frame) => writer.send(frame),
    ping: () => writer.ping(),
    destroy: () => wire.terminate(),
    close: (code, reason) => {
      writer.close(code, reason);
      setTimeout(() => wire.terminate(), CLOSE_TIMEOUT_MS).unref();
    },
  };
  const connection = node.accept(transport, identity);
  wire.listen({
    onText: (payload) => connection.onFrame(payload),
    onBinary: () => connection.refuse(new Refusal('bad_json', 'Send text frames.')),
    onAlive: () => connection.alive(),
    onClose: (code) => {
      // 1005: a close frame without a code is a goodbye as well.
      connection.onClosed(code === 1005 ? CLOSE_CODES.normal.code : code);
      onGone();
    },
  });
}
