/** Those who watch a room without being in it, by WHEP: they see the encoder that streams into it, or the first who sends. */
import type { PeerInfo } from '@tandem/rtc';
import {
  EngineError,
  type EngineRoom,
  type Forwarding,
  type ForwardPorts,
  type Layer,
  type LegEvents,
  type ViewerLeg,
} from './engine.ts';
import { isEncrypted } from './is-encrypted.ts';

export interface RoomViewersHost {
  room(): Promise<EngineRoom>;
  /** Who may be shown, the first choice first. */
  publishers(): readonly string[];
  /** In the room. */
  people(): ReadonlyMap<string, PeerInfo>;
  /** The number of those who watch this one has changed, or what they receive. */
  changed(publisher: string): void;
}

/** Whom somebody watches, and in which size. */
interface Watched {
  readonly publisher: string;
  readonly layer: Layer;
}

export class RoomViewers {
  /** When this node took the room over, ms since the epoch. */
  readonly since = Date.now();
  readonly #host: RoomViewersHost;
  readonly #viewers = new Map<object, Watched>();
  #packager: { readonly publisher: string; readonly count: () => number } | undefined;

  constructor(host: RoomViewersHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#viewers.size + (this.#packager?.count() ?? 0);
  }

  /** Sizes of this publisher's camera that go out of the room. */
  layersOf(publisher: string): Layer[] {
    const watched = [...this.#viewers.values()].filter((one) => one.publisher === publisher);
    // A packager makes one size of the largest.
    return [
      ...watched.map(({ layer }) => layer),
      ...(this.#packager?.publisher === publisher ? ['high' as const] : []),
    ];
  }

  /** Somebody's frames are sealed: only the people in the room can show them. */
  get isEncrypted(): boolean {
    return isEncrypted(this.#host.people());
  }

  /** Whether there is somebody to show. */
  async isLive(): Promise<boolean> {
    return this.#shown(await this.#host.room()) !== undefined;
  }

  /**
   * Media of the shown one for a program of this machine, which keeps the room as a viewer does.
   * @param count how many watch what it makes @throws EngineError `gone` without a sender
   */
  async forward(to: ForwardPorts, count: () => number): Promise<Forwarding> {
    const room = await this.#host.room();
    const shown = this.#shown(room);
    if (shown === undefined) throw new EngineError('gone', 'there is no sender in the room');
    const forwarding = await room.forward(shown, to);
    const packager = { publisher: shown, count };
    this.#packager = packager;
    this.#host.changed(shown);
    void forwarding.ended.then(() => {
      if (this.#packager !== packager) return;
      this.#packager = undefined;
      this.#host.changed(shown);
    });
    return forwarding;
  }

  #shown(room: EngineRoom): string | undefined {
    return this.#host.publishers().find((peerId) => room.isLive(peerId));
  }

  /** @returns the leg, and the answer to the offer @throws EngineError `gone` without a sender */
  async watch(sdp: string, events: LegEvents): Promise<ViewerLeg & { readonly answer: string }> {
    const room = await this.#host.room();
    const shown = this.#shown(room);
    if (shown === undefined) throw new EngineError('gone', 'there is no sender in the room');
    const viewer = {};
    const left = () => {
      if (this.#viewers.delete(viewer)) this.#host.changed(shown);
    };
    this.#viewers.set(viewer, { publisher: shown, layer: 'high' });
    this.#host.changed(shown);
    try {
      const leg = await room.watch(shown, sdp, {
        ...events,
        onLayer: (layer) => {
          if (!this.#viewers.has(viewer)) return;
          this.#viewers.set(viewer, { publisher: shown, layer });
          this.#host.changed(shown);
        },
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
