/**
 * Which media nodes live, by watching the directory: sooner than by the age of an entry, and no node is taken for dead because Redis was
 * away or another host's clock is wrong. Only time counts in which this process read the directory and an entry did not change.
 */
import { isStale, type MediaNode, readEntries } from './media-directory.ts';
import type { RedisClient } from './redis.ts';

/** How often a node renews its entry, ms. */
export const MEDIA_NODE_RENEW_MS = 1000;
/** Two writes missed, ms: with a second sign, such as a session that is gone, the node is taken for dead. */
const OVERDUE_MS = 1500;
/** Three writes missed, ms: the node is taken for dead. */
const SILENT_MS = 3000;
/** Readings further apart than this do not show that an entry stayed as it was in between, ms. */
const GAP_MS = 1500;

interface Seen {
  readonly node: MediaNode;
  /** When its entry was found changed, by `now`. */
  readonly since: number;
}

export class MediaWatch {
  readonly #redis: RedisClient;
  readonly #now: () => number;
  #seen = new Map<string, Seen>();
  #readAt = Number.NEGATIVE_INFINITY;
  /** Until then an entry that is not there may be written again: Redis was away, and may have lost it. */
  #graceUntil = Number.NEGATIVE_INFINITY;

  /** @param now ms of a clock that only goes forward. Default `performance.now` */
  constructor(redis: RedisClient, now = () => performance.now()) {
    this.#redis = redis;
    this.#now = now;
  }

  /** The nodes that are not silent, by id, draining ones too. Call it twice a second at least. @throws when Redis is away */
  async read(): Promise<Map<string, MediaNode>> {
    const entries = await readEntries(this.#redis);
    const now = this.#now();
    const [before, readAt] = [this.#seen, this.#readAt];
    const isGap = now - readAt > GAP_MS;
    if (isGap) this.#graceUntil = now + SILENT_MS;
    this.#readAt = now;
    /** Unchanged since it was last read. Time without a reading does not count, and a silent node stays that. */
    const unchanged = ({ node, since }: Seen): Seen =>
      isGap && readAt - since < SILENT_MS ? { node, since: now } : { node, since };
    this.#seen = new Map(
      [...entries].map(([id, node]): [string, Seen] => {
        const known = before.get(id);
        if (known?.node.updatedAt === node.updatedAt) return [id, unchanged(known)];
        // Of one that was never seen before, its own clock alone says whether it lives.
        return [id, { node, since: known || !isStale(node) ? now : Number.NEGATIVE_INFINITY }];
      }),
    );
    if (now < this.#graceUntil)
      for (const [id, known] of before) if (!this.#seen.has(id)) this.#seen.set(id, unchanged(known));
    return new Map([...this.#seen].flatMap(([id, { node, since }]) => (now - since < SILENT_MS ? [[id, node]] : [])));
  }

  /** At the last reading its entry was absent, or had not been renewed when it should have been. */
  isOverdue(id: string): boolean {
    const seen = this.#seen.get(id);
    return !seen || this.#readAt - seen.since >= OVERDUE_MS;
  }
}
