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
  /** Who may be shown, in the order of their coming. */
  publishers(): Iterable<string>;
  /** In the room. */
  people(): ReadonlyMap<string, PeerInfo>;
  /** The number of those who watch this one has changed, or what they receive. */
  changed(publisher: string): void;
}

/** Whom somebody watches, and in which size. */
interface Viewer {
  readonly publisher: string;
  layer: Layer;
  /** Absent: its leg is not open yet. */
  end?: (why: string) => void;
}

const NOT_OPEN = 'the room is not open to everybody';

export class RoomViewers {
  /** When this node took the room over, ms since the epoch. */
  readonly since = Date.now();
  readonly #host: RoomViewersHost;
  readonly #viewers = new Set<Viewer>();
  #packager: { readonly publisher: string; readonly count: () => number; readonly forwarding: Forwarding } | undefined;
  #isOpen = true;

  constructor(host: RoomViewersHost) {
    this.#host = host;
  }

  get count(): number {
    return this.#viewers.size + (this.#packager?.count() ?? 0);
  }

  /** Sizes of this publisher's camera that go out of the room. */
  layersOf(publisher: string): Layer[] {
    const watched = [...this.#viewers].filter((one) => one.publisher === publisher);
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
    // Meanwhile the room may have been closed.
    if (!this.#mayShow(shown)) {
      await forwarding.close();
      throw new EngineError('gone', NOT_OPEN);
    }
    const packager = { publisher: shown, count, forwarding };
    this.#packager = packager;
    this.#host.changed(shown);
    void forwarding.ended.then(() => {
      if (this.#packager !== packager) return;
      this.#packager = undefined;
      this.#host.changed(shown);
    });
    return forwarding;
  }

  /** Whether everybody may enter the room now. Else encoders alone are shown: what people send is for those who are let in. */
  roomOpened(isOpen: boolean): void {
    this.#isOpen = isOpen;
    for (const { publisher, end } of [...this.#viewers]) if (!this.#mayShow(publisher)) end?.(NOT_OPEN);
    const { publisher, forwarding } = this.#packager ?? {};
    if (publisher !== undefined && !this.#mayShow(publisher)) void forwarding?.close();
  }

  #mayShow(peerId: string): boolean {
    return this.#isOpen || this.#isStream(peerId);
  }

  #isStream(peerId: string): boolean {
    return this.#host.people().get(peerId)?.metadata?.stream === true;
  }

  /** An encoder before people. */
  #shown(room: EngineRoom): string | undefined {
    const live = [...this.#host.publishers()].filter((peerId) => this.#mayShow(peerId) && room.isLive(peerId));
    return live.find((peerId) => this.#isStream(peerId)) ?? live[0];
  }

  /** @returns the leg, and the answer to the offer @throws EngineError `gone` without a sender */
  async watch(sdp: string, events: LegEvents): Promise<ViewerLeg & { readonly answer: string }> {
    const room = await this.#host.room();
    const shown = this.#shown(room);
    if (shown === undefined) throw new EngineError('gone', 'there is no sender in the room');
    const viewer: Viewer = { publisher: shown, layer: 'high' };
    const left = () => {
      if (this.#viewers.delete(viewer)) this.#host.changed(shown);
    };
    this.#viewers.add(viewer);
    this.#host.changed(shown);
    try {
      const leg = await room.watch(shown, sdp, {
        ...events,
        onLayer: (layer) => {
          if (!this.#viewers.has(viewer)) return;
          viewer.layer = layer;
          this.#host.changed(shown);
        },
        onLost: (reason) => {
          left();
          events.onLost(reason);
        },
      });
      const close = async () => {
        left();
        await leg.close();
      };
      // It may have changed meanwhile.
      if (!this.#mayShow(shown)) {
        await close();
        throw new EngineError('gone', NOT_OPEN);
      }
      viewer.end = (why) => {
        void close();
        events.onLost(why);
      };
      return { answer: leg.answer, candidate: (candidate) => leg.candidate(candidate), close };
    } catch (error) {
      left();
      throw error;
    }
  }
}
