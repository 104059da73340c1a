/** Which sizes of each camera anybody receives, summed up from the wishes; each publisher hears what to encode. */
import type { Layer, SentLayer } from './engine.ts';

/** A size without a receiver is switched off after this time, ms: tiles change their size often. One that is wanted is on at once. */
const OFF_AFTER_MS = 2000;
const ALL: readonly SentLayer[] = ['high', 'mid', 'low'];

export interface WantedLayersOptions {
  /** Tell a publisher what to send, and whether to begin with a keyframe of each size. */
  readonly tell: (publisher: string, send: readonly SentLayer[], keyFrame?: true) => void;
  /** Default 2000. */
  readonly offAfterMs?: number;
}

interface Publisher {
  /** What it was told last; before that it sends all. */
  told: readonly SentLayer[];
  wanted: readonly SentLayer[];
  timer?: NodeJS.Timeout;
}

export class WantedLayers {
  readonly #options: WantedLayersOptions;
  readonly #publishers = new Map<string, Publisher>();

  constructor(options: WantedLayersOptions) {
    this.#options = options;
  }

  /** @param wishes layer that each receiver wants of this publisher's camera */
  update(publisher: string, wishes: Iterable<Layer>): void {
    const set = new Set(wishes);
    set.delete('off');
    // The smallest is sent whenever anything is: receivers in trouble fall back on it without waiting for an encoder.
    if (set.size > 0) set.add('low');
    const wanted = ALL.filter((layer) => set.has(layer));
    const known: Publisher = this.#publishers.get(publisher) ?? { told: ALL, wanted: ALL };
    this.#publishers.set(publisher, known);
    known.wanted = wanted;
    const grows = wanted.some((layer) => !known.told.includes(layer));
    if (grows) this.#tell(publisher, known);
    else if (wanted.join() === known.told.join()) this.#rest(known);
    else known.timer ??= setTimeout(() => this.#tell(publisher, known), this.#options.offAfterMs ?? OFF_AFTER_MS);
  }

  /** A receiver waits for a whole picture of it. */
  needKeyframe(publisher: string): void {
    this.#options.tell(publisher, this.#publishers.get(publisher)?.told ?? ALL, true);
  }

  forget(publisher: string): void {
    const known = this.#publishers.get(publisher);
    if (known) this.#rest(known);
    this.#publishers.delete(publisher);
  }

  close(): void {
    for (const known of this.#publishers.values()) this.#rest(known);
    this.#publishers.clear();
  }

  #rest(known: Publisher): void {
    clearTimeout(known.timer);
    delete known.timer;
  }

  #tell(publisher: string, known: Publisher): void {
    this.#rest(known);
    known.told = known.wanted;
    this.#options.tell(publisher, known.wanted);
  }
}
