/**
 * VideoRoom refuses a subscription as a whole, whichever of its feeds it does not take. So after a refusal each feed is asked for by
 * itself: one that is refused alone does not affect the others, and is asked for again later.
 */

/** A feed that was refused is asked for again after this time, ms, then each time after twice as long. */
const AGAIN_MS = 500;
/** This often: two minutes without a change. */
const MOST_TIMES = 8;

export class RefusedFeeds {
  readonly #ask: () => void;
  readonly #refused = new Set<string>();
  /** Of the request that is under way. */
  #asked: readonly string[] = [];
  #isOneByOne = false;
  #hasMore = false;
  #isSaid = false;
  #times = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param ask for what is missing: {@link RefusedFeeds.choose} says of what */
  constructor(ask: () => void) {
    this.#ask = ask;
  }

  /** Who is there has changed: what was refused may be taken now. */
  changed(): void {
    this.#times = 0;
    this.#refused.clear();
  }

  /** @returns what the next request is to ask for, of all that is missing */
  choose<T extends { readonly feed: string }>(missing: readonly T[]): T[] {
    const open = missing.filter(({ feed }) => !this.#refused.has(feed));
    const chosen = this.#isOneByOne ? open.filter(({ feed }) => feed === open[0]?.feed) : open;
    this.#hasMore = chosen.length < open.length;
    this.#isOneByOne = this.#hasMore;
    this.#asked = [...new Set(chosen.map(({ feed }) => feed))];
    return chosen;
  }

  /** The request was taken. */
  taken(): void {
    if (this.#hasMore) this.#ask();
  }

  /**
   * The request failed. @param isVerdict the engine said so; else it did not answer, and no feed is to blame
   * @returns whether to say so: once, as a person whose media is not taken must not fill the log of each who wants it
   */
  refused(isVerdict: boolean): boolean {
    if (isVerdict && this.#asked.length > 1) {
      this.#isOneByOne = true;
      this.#ask();
      return false;
    }
    if (isVerdict) for (const feed of this.#asked) this.#refused.add(feed);
    this.#later();
    if (isVerdict && this.#hasMore) this.#ask();
    const isFirst = !this.#isSaid;
    this.#isSaid = true;
    return isFirst;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#times = MOST_TIMES;
  }

  #later(): void {
    if (this.#timer !== undefined || this.#times >= MOST_TIMES) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#refused.clear();
        this.#ask();
      },
      AGAIN_MS * 2 ** this.#times++,
    );
  }
}
