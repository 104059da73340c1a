/**
 * The order of the tiles: pinned first, then screens' owners, who spoke lately, who has the camera on, the rest as they came. Places are
 * sticky: somebody on the first page stays where they are, and one who speaks from another page swaps with the one of the first page
 * who has been silent for longest.
 */
export interface OrderedPeer {
  readonly id: string;
  readonly video: boolean;
}

/** Somebody who came to the first page by speaking stays there for this long, ms. */
const STAY_MS = 10_000;

export class TileOrder {
  #order: string[] = [];
  readonly #spokeAt = new Map<string, number>();
  readonly #cameAt = new Map<string, number>();

  /**
   * @param wish.peers in the order of arrival. @param wish.speaker who speaks now, if anybody. @param wish.first how many have a place
   * on the first page. @param wish.held tiles stay where they are, e.g. while the pointer is over one; new peers get the last places. @param now ms
   */
  update(wish: {
    readonly peers: readonly OrderedPeer[];
    readonly pinned: string | undefined;
    readonly speaker: string | undefined;
    readonly first: number;
    readonly held: boolean;
    readonly now: number;
  }): readonly string[] {
    const { peers, speaker, now } = wish;
    const here = new Set(peers.map(({ id }) => id));
    for (const map of [this.#spokeAt, this.#cameAt]) for (const id of map.keys()) if (!here.has(id)) map.delete(id);
    if (speaker !== undefined && here.has(speaker)) this.#spokeAt.set(speaker, now);
    const kept = this.#order.filter((id) => here.has(id));
    const known = new Set(kept);
    const come = peers.filter(({ id }) => !known.has(id)).map(({ id }) => id);
    this.#order = [...kept, ...come];
    if (!wish.held) this.#move(wish);
    return this.#order;
  }

  #move({ peers, pinned, speaker, first, now }: Parameters<TileOrder['update']>[0]): void {
    if (pinned !== undefined && this.#order.includes(pinned))
      this.#order = [pinned, ...this.#order.filter((id) => id !== pinned)];
    if (this.#order.length <= first) return;
    const cameras = new Set(peers.filter(({ video }) => video).map(({ id }) => id));
    if (speaker !== undefined && this.#order.indexOf(speaker) >= first) this.#bring(speaker, first, pinned, now);
    // A place that a camera could have and a silent tile without a picture holds.
    const waiting = this.#order.slice(first).find((id) => cameras.has(id));
    const idle = this.#order
      .slice(0, first)
      .findLastIndex((id) => id !== pinned && !cameras.has(id) && !this.#settled(id, now));
    if (waiting !== undefined && idle >= 0) this.#swap(this.#order.indexOf(waiting), idle);
  }

  #bring(speaker: string, first: number, pinned: string | undefined, now: number): void {
    let place = -1;
    for (const [index, id] of this.#order.slice(0, first).entries()) {
      if (id === pinned || this.#settled(id, now)) continue;
      const best = place < 0 ? Number.POSITIVE_INFINITY : (this.#spokeAt.get(this.#order[place] ?? '') ?? -1);
      if ((this.#spokeAt.get(id) ?? -1) <= best) place = index;
    }
    if (place < 0) return;
    this.#swap(this.#order.indexOf(speaker), place);
    this.#cameAt.set(speaker, now);
  }

  /** Came a moment ago, or spoke a moment ago. */
  #settled(id: string, now: number): boolean {
    const since = Math.max(
      this.#cameAt.get(id) ?? Number.NEGATIVE_INFINITY,
      this.#spokeAt.get(id) ?? Number.NEGATIVE_INFINITY,
    );
    return now - since < STAY_MS;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#order[a], this.#order[b]];
    if (one === undefined || other === undefined) return;
    this.#order = this.#order.with(a, other).with(b, one);
  }
}
