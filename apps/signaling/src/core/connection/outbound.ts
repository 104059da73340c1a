/** The way out of a connection: frames to its client, held back while a resume is under way, and the close. */
import { CLOSE_CODES, type CloseName, type ServerMessage } from '@tandem/protocol';
import { type Frame, textOf } from '../../wire/spliced-frame.ts';
import type { NodeEvents } from '../events.ts';
import type { ClientSocket } from '../model.ts';
import type { Transport } from '../transport.ts';
import { HeldFrames } from './held-frames.ts';

export abstract class Outbound<Host extends { readonly events: NodeEvents }> implements ClientSocket {
  readonly host: Host;
  closed = false;
  readonly #transport: Transport;
  /** While a resume is under way. */
  #held: HeldFrames | undefined;

  constructor(host: Host, transport: Transport) {
    this.host = host;
    this.#transport = transport;
  }

  /** The socket is gone. */
  abstract onClosed(code: number): void;

  /** The hot way out. */
  send(frame: Frame): void {
    if (this.closed) return;
    if (this.#held === undefined) this.#transport.send(frame);
    // Its bytes may be those of the sender's socket, which reads on.
    else if (!this.#held.push(textOf(frame))) this.close('slowConsumer');
  }

  tell(text: string): void {
    if (!this.closed && this.#held === undefined) this.#transport.send(text);
  }

  sendMessage(message: ServerMessage): void {
    if (!this.closed) this.#transport.send(JSON.stringify(message));
  }

  /** From now on frames for the session wait for {@link release}. */
  hold(): void {
    this.#held ??= new HeldFrames();
  }

  /** Ends {@link hold}: `parked` leaves, and behind it what came in meanwhile. @returns what did not leave, as the socket is gone */
  release(parked: readonly string[] = []): readonly string[] {
    const frames = [...parked, ...(this.#held?.frames ?? [])];
    this.#held = undefined;
    if (this.closed) return frames;
    for (const text of frames) this.#transport.send(text);
    return [];
  }

  ping(): void {
    this.#transport.ping();
  }

  close(name: CloseName): void {
    const { code, reason } = CLOSE_CODES[name];
    this.closeWith(name, code, reason);
  }

  /** With a code of RFC 6455 that stands for `name` in the metrics. */
  protected closeWith(name: CloseName, code: number, reason: string): void {
    if (this.closed) return;
    this.host.events.closed?.(name);
    this.#transport.close(code, reason);
    this.onClosed(code);
  }

  abandon(name: CloseName): void {
    if (this.closed) return;
    this.closed = true;
    this.host.events.closed?.(name);
    const { code, reason } = CLOSE_CODES[name];
    this.#transport.close(code, reason);
  }

  /** As in a crash: the socket is cut, the session is not touched. */
  kill(): void {
    this.closed = true;
    this.#transport.destroy?.();
  }
}
