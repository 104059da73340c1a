/**
 * Which media nodes live, by watching the directory: sooner than by the age of an entry, and no node is taken for dead because Redis was
 * away or another host's clock is wrong. Only time counts in which this process read the directory and an entry did not change.
 */
import { type MediaNode, readMediaNodes } from './media-directory.ts';
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
  readonly updatedAt: number;
  /** By `now`. */
  readonly since: number;
}

export class MediaWatch {
  readonly #redis: RedisClient;
  readonly #now: () => number;
  #seen = new Map<string, Seen>();
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param now ms of a clock that only goes forward. Default `performance.now` */
  constructor(redis: RedisClient, now = () => performance.now()) {
    this.#redis = redis;
    this.#now = now;
  }

  /** The nodes that are not silent, by id, draining ones too. Call it twice a second at least. @throws when Redis is away */
  async read(): Promise<Map<string, MediaNode>> {
    const nodes = await readMediaNodes(this.#redis);
    const now = this.#now();
    const isContinuous = now - this.#readAt <= GAP_MS;
    this.#readAt = now;
    const before = this.#seen;
    this.#seen = new Map(
      [...nodes].map(([id, { updatedAt }]) => {
        const known = before.get(id);
        return [id, isContinuous && known?.updatedAt === updatedAt ? known : { updatedAt, since: now }];
      }),
    );
    return new Map([...nodes].filter(([id]) => now - (this.#seen.get(id)?.since ?? now) < SILENT_MS));
  }

  /** At the last reading its entry was absent, or had not been renewed when it should have been. */
  isOverdue(id: string): boolean {
    const seen = this.#seen.get(id);
    return !seen || this.#readAt - seen.since >= OVERDUE_MS;
  }
}
