/** Those who watch a room without being in it, by WHEP: they see the encoder that streams into it, or the first who sends. */
import { EngineError, type EngineRoom, type ViewerEvents, type ViewerLeg } from './engine.ts';

export interface RoomViewersHost {
  room(): Promise<EngineRoom>;
  /** Who may be shown, the first choice first. */
  publishers(): readonly string[];
  /** Their number has changed. */
  changed(): void;
}

export class RoomViewers {
  readonly #host: RoomViewersHost;
  readonly #viewers = new Set<object>();

  constructor(host: RoomViewersHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#viewers.size;
  }

  /** @returns the leg, and the answer to the offer @throws EngineError `gone` without a sender */
  async watch(sdp: string, events: ViewerEvents): Promise<ViewerLeg & { readonly answer: string }> {
    const room = await this.#host.room();
    const shown = this.#host.publishers().find((peerId) => room.isLive(peerId));
    if (shown === undefined) throw new EngineError('gone', 'there is no sender in the room');
    const viewer = {};
    const left = () => {
      if (this.#viewers.delete(viewer)) this.#host.changed();
    };
    this.#viewers.add(viewer);
    this.#host.changed();
    try {
      const leg = await room.watch(shown, sdp, {
        ...events,
        onLost: (reason) => {
          left();
          events.onLost(reason);
        },
      });
      return {
        answer: leg.answer,
        candidate: (candidate) => leg.candidate(candidate),
        close: async () => {
          left();
          await leg.close();
        },
      };
    } catch (error) {
      left();
      throw error;
    }
  }
}
