/** When the legs of a room that this node serves no more may go. */
import type { RoomSession } from './agent-session.ts';

export interface ClosingOptions {
  readonly session: Pick<RoomSession, 'media' | 'on'>;
  /** Of this node in the room. */
  readonly epoch: number;
  /** What serves the room instead: its people's pairs, or another node, which was called and enters when it can. */
  readonly to: 'mesh' | 'node';
  /** Clients have this long to connect to each other, or to a node that is in the room, ms. */
  readonly ms: number;
  readonly end: () => void;
}

export class Closing implements Disposable {
  readonly #options: ClosingOptions;
  readonly #off: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ClosingOptions) {
    this.#options = options;
    this.#off = options.session.on('media', () => this.#wait());
    this.#wait();
  }

  /** The node that was called is not in the room. */
  get isWaiting(): boolean {
    const { session, epoch, to } = this.#options;
    return to === 'node' && (session.media?.epoch ?? 0) <= epoch;
  }

  /** Until the next node is in the room there is nothing else to connect to, so the time does not run. */
  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.isWaiting) this.#timer = setTimeout(this.#options.end, this.#options.ms);
  }

  [Symbol.dispose](): void {
    this.#off();
    clearTimeout(this.#timer);
  }
}
