/** Which size of each camera Janus forwards to one receiver: told when it changes, and asked for again until Janus has switched. */
import type { Layer, SentLayer, Slot } from './engine.ts';

/** VideoRoom's numbers: of rids in the order h, m, l the first is substream 2. */
export const SUBSTREAM: Record<SentLayer, number> = { low: 0, mid: 1, high: 2 };
/**
 * VideoRoom switches at a keyframe of the size that is wanted, and asks the publisher for one. Within a second of an earlier request it only notes that
 * one is due, and looks at the note for publishers of other nodes alone (`need_pli` of janus_videoroom.c, 1.4.1): the receiver stays with the size
 * before, and has no picture at all once that one is switched off. So it is asked again when the second is over, ms.
 */
const AGAIN_MS = 1100;
/** Each wait is twice as long as the one before, up to this, ms. */
const LONGEST_MS = 8800;
/** Times that a larger size is asked for again: a publisher that has not the bandwidth for it begins it with a keyframe once it has. */
const TRIES_UP = 3;

/** Of one media section. */
interface Told {
  readonly feed: string;
  /** The feed has several sizes. */
  readonly hasLayers: boolean;
  layer: Layer;
  /** Substream that Janus forwards, as it says; undefined while it forwards none. */
  now?: number;
  timer?: NodeJS.Timeout;
}

/** What VideoRoom's `configure` reads of a stream. */
export interface StreamSettings {
  readonly mid: string;
  readonly send?: boolean;
  readonly substream?: number;
}

export class SubscribedLayers {
  readonly #configure: (streams: readonly StreamSettings[]) => Promise<void>;
  readonly #told = new Map<string, Told>();

  /** @param configure asks Janus; never rejects */
  constructor(configure: (streams: readonly StreamSettings[]) => Promise<void>) {
    this.#configure = configure;
  }

  /** Janus has subscribed a feed. @returns whether it is new there */
  subscribed(mid: string, feed: string, hasLayers: boolean, layer: Layer): boolean {
    const before = this.#told.get(mid);
    if (before?.feed === feed) return false;
    clearTimeout(before?.timer);
    this.#told.set(mid, { feed, hasLayers, layer });
    return true;
  }

  /** Packets reach the receiver from now on. */
  flows(mid: string): void {
    const told = this.#told.get(mid);
    if (told) this.#await(mid, told);
  }

  /** Tells Janus what differs from what it was told. */
  async set(wanted: readonly { readonly mid: string; readonly slot: Slot; readonly layer: Layer }[]): Promise<void> {
    const streams = wanted.flatMap(({ mid, slot, layer }): StreamSettings[] => {
      const told = this.#told.get(mid);
      if (!told || told.layer === layer) return [];
      const wasOff = told.layer === 'off';
      told.layer = layer;
      this.#await(mid, told);
      if (layer === 'off') return [{ mid, send: false }];
      // To what is sent already it would ask for a keyframe more.
      return [{ mid, ...(wasOff ? { send: true } : {}), ...(slot === 'video' ? { substream: SUBSTREAM[layer] } : {}) }];
    });
    if (streams.length > 0) await this.#configure(streams);
  }

  /** Janus forwards this size from now on: the one that it was asked for, or a smaller one that came first or instead. */
  came(mid: string, substream: number): void {
    const told = this.#told.get(mid);
    if (!told) return;
    told.now = substream;
    this.#await(mid, told);
  }

  /** Nothing is subscribed there any more. */
  forget(mid: string): void {
    clearTimeout(this.#told.get(mid)?.timer);
    this.#told.delete(mid);
  }

  close(): void {
    for (const mid of this.#told.keys()) this.forget(mid);
  }

  #await(mid: string, told: Told, tries = 0): void {
    clearTimeout(told.timer);
    const { layer, hasLayers, now = -1 } = told;
    if (layer === 'off' || !hasLayers || SUBSTREAM[layer] === now) return;
    if (SUBSTREAM[layer] > now && tries === TRIES_UP) return;
    told.timer = setTimeout(
      () => {
        this.#await(mid, told, tries + 1);
        void this.#configure([{ mid, substream: SUBSTREAM[layer] }]);
      },
      Math.min(LONGEST_MS, AGAIN_MS * 2 ** tries),
    );
  }
}
