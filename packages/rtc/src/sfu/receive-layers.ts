/**
 * Which size of each camera I ask a media node for: the page says how tall each picture is shown, and what the connection cannot carry
 * is taken off. The node does not estimate a receiver's bandwidth, so the receiver decides.
 */
import type { Clock } from '../clock.ts';
import type { PairQuality } from '../quality.ts';
import type { Layer, Wishes } from './down-leg.ts';
import { KBITS, LOSS, LOWER, SizeSteps } from './size-steps.ts';

/** Seconds of an interval of quality.ts that a picture stood still: more is trouble. */
const FROZEN = 0.1;

/**
 * All pictures together, kbit/s. With 25 sounds of which a few speak a person receives 2.5 Mbit/s at most, or what the smallest size of
 * all that it looks at takes: what leaves a media node is what it costs (docs/capacity.md).
 */
const PICTURES_KBITS = 2200;

/** The smallest size that fills a picture of that many lines: 180, 360 or all (up-leg.ts sends them). */
export function layerOf(lines: number): Layer {
  if (lines <= 0) return 'off';
  if (lines <= 180) return 'low';
  return lines <= 360 ? 'mid' : 'high';
}

export interface ReceiveLayersHost {
  readonly clock: Clock;
  /** All pictures together, kbit/s. Default 2200. */
  readonly kbits?: number;
  /** What to ask for has changed. */
  wish(wishes: Wishes): void;
}

export class ReceiveLayers {
  readonly #host: ReceiveLayersHost;
  readonly #kbits: number;
  /** Who spoke, the latest first. */
  #spoke: readonly string[] = [];
  /** Within the budget, and reduced by trouble. */
  #layers: ReadonlyMap<string, Layer> = new Map();
  /** Lines at which each picture is shown; who is not here is shown as large as it comes. */
  readonly #lines = new Map<string, number>();
  /** Steps down because of trouble, one entry a step. */
  #steps: readonly string[] = [];
  /** By person: was its last reading trouble? */
  readonly #readings = new Map<string, boolean>();
  readonly #timing = new SizeSteps();
  #asked = '';
  #isAsking = false;

  constructor(host: ReceiveLayersHost) {
    this.#host = host;
    this.#kbits = host.kbits ?? PICTURES_KBITS;
  }

  /** How tall this person's camera is shown, in lines; 0: not at all. */
  show(peerId: string, lines: number): void {
    this.#lines.set(peerId, lines);
    this.#ask();
  }

  /** Of pictures that are shown equally tall, those of who spoke last are the sharper ones. */
  spoke(peerId: string): void {
    if (this.#spoke[0] === peerId) return;
    this.#spoke = [peerId, ...this.#spoke.filter((one) => one !== peerId)];
    this.#ask();
  }

  forget(peerId: string): void {
    this.#lines.delete(peerId);
    this.#readings.delete(peerId);
    this.#spoke = this.#spoke.filter((one) => one !== peerId);
    this.#steps = this.#steps.filter((one) => one !== peerId);
    this.#ask();
  }

  /** A reading of what comes of one person. */
  read(peerId: string, quality: Pick<PairQuality, 'in'>): void {
    // A page that never said how tall its pictures are shows all as large as they come.
    if (!this.#lines.has(peerId)) {
      this.#lines.set(peerId, Number.POSITIVE_INFINITY);
      this.#share();
    }
    const { audio, video } = quality.in;
    const isTrouble = Math.max(audio.loss ?? 0, video.loss ?? 0) > LOSS || (video.frozen ?? 0) > FROZEN;
    this.#readings.set(peerId, isTrouble);
    const troubled = [...this.#readings.keys()].filter((id) => this.#readings.get(id));
    // All come on one connection, whose trouble most of them have. What a few have is of their own uploads: smaller pictures of others
    // would not help, and are not held back by it.
    const isMine = troubled.length > this.#readings.size / 2;
    const victim = this.#largest(isMine ? [...this.#lines.keys()] : troubled);
    const now = this.#host.clock.now();
    if (isMine || victim) this.#suffer(now, victim);
    else this.#enjoy(now);
  }

  /** Layer of this person's camera now. */
  layer(peerId: string): Layer {
    let layer = this.#layers.get(peerId) ?? 'high';
    for (const step of this.#steps) if (step === peerId) layer = LOWER[layer];
    return layer;
  }

  /** The budget: everybody who is seen in the smallest size, then larger ones, the tallest pictures first, all alike one size at a time. */
  #share(): void {
    const layers = new Map([...this.#lines].map(([id, lines]) => [id, lines > 0 ? 'low' : 'off'] as [string, Layer]));
    let left = this.#kbits - [...layers.values()].reduce((sum, layer) => sum + KBITS[layer], 0);
    const place = (id: string) => this.#spoke.indexOf(id) + 1 || this.#spoke.length + 1;
    for (const lines of [...new Set(this.#lines.values())].sort((a, b) => b - a)) {
      const alike = [...this.#lines.keys()]
        .filter((id) => this.#lines.get(id) === lines)
        .sort((a, b) => place(a) - place(b));
      for (const layer of ['mid', 'high'] as const)
        for (const id of alike) {
          const more = KBITS[layer] - KBITS[layers.get(id) ?? 'off'];
          if (KBITS[layerOf(lines)] < KBITS[layer] || more > left) continue;
          layers.set(id, layer);
          left -= more;
        }
    }
    this.#layers = layers;
  }

  #suffer(now: number, victim: string | undefined): void {
    if (!this.#timing.suffer(now) || victim === undefined) return;
    this.#steps = [...this.#steps, victim];
    this.#ask();
  }

  #enjoy(now: number): void {
    const last = this.#steps.findLastIndex((id) => !this.#readings.get(id));
    if (!this.#timing.enjoy(now, last >= 0)) return;
    this.#steps = this.#steps.toSpliced(last, 1);
    this.#ask();
  }

  /** The largest of these pictures that can become smaller; the one that is shown largest of all comes last. */
  #largest(whose: readonly string[]): string | undefined {
    const lines = (id: string) => this.#lines.get(id) ?? 0;
    const reducible = whose.filter((id) => KBITS[this.layer(id)] > KBITS.low);
    const [first, second] = [...this.#lines.values()].sort((a, b) => b - a);
    const rank = (id: string) => (lines(id) === first && first !== second ? 0 : KBITS[this.layer(id)]);
    return reducible.sort((a, b) => rank(b) - rank(a) || lines(b) - lines(a))[0];
  }

  /** One wish for all that changes in one turn, such as the tiles of a page. */
  #ask(): void {
    this.#share();
    if (this.#isAsking) return;
    this.#isAsking = true;
    queueMicrotask(() => {
      this.#isAsking = false;
      const layers = [...this.#lines.keys()].map((peerId) => ({
        peerId,
        slot: 'video' as const,
        layer: this.layer(peerId),
      }));
      const wishes: Wishes = { others: 'high', layers };
      const asked = JSON.stringify(wishes);
      if (asked === this.#asked) return;
      this.#asked = asked;
      this.#host.wish(wishes);
    });
  }
}
