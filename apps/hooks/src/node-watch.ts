/**
 * Which signaling nodes are dead, by watching their beats. Only time counts in which this process read the beats and one did not change: while Redis
 * is away no node can beat, and a Redis that comes back has the beats of before, or older ones. The clocks of nodes and Redis do not count.
 */
import type { RedisClient } from '@tandem/service';
import { keys } from './keys.ts';

/** A node that did not beat for this time is dead, and the default grace of its members is over, ms. */
const DEAD_AFTER_MS = 60_000;
/** Readings further apart than this do not show that a beat stayed as it was in between, ms. */
const GAP_MS = 15_000;

interface Seen {
  /** As Redis has it. */
  readonly beat: string;
  /** When it was found changed. */
  readonly since: number;
}

export class NodeWatch {
  readonly #redis: Pick<RedisClient, 'zrange'>;
  readonly #now: () => number;
  #seen = new Map<string, Seen>();
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param now ms of a clock that only goes forward. Default `performance.now` */
  constructor(redis: Pick<RedisClient, 'zrange'>, now = () => performance.now()) {
    this.#redis = redis;
    this.#now = now;
  }

  /** Call it every few seconds. @throws when Redis is away: then no node is dead until it has answered for a minute */
  async read(): Promise<void> {
    let found: readonly string[];
    try {
      found = await this.#redis.zrange(keys.nodes, '0', '-1', 'WITHSCORES');
    } catch (error) {
      this.#seen.clear();
      throw error;
    }
    const now = this.#now();
    const before = now - this.#readAt > GAP_MS ? new Map<string, Seen>() : this.#seen;
    this.#seen = new Map();
    for (let i = 0; i < found.length; i += 2) {
      const [node, beat] = [found[i] as string, found[i + 1] as string];
      const known = before.get(node);
      this.#seen.set(node, known?.beat === beat ? known : { beat, since: now });
    }
    this.#readAt = now;
  }

  /** By name. Empty while it cannot be said. */
  dead(): readonly string[] {
    if (this.#now() - this.#readAt > GAP_MS) return [];
    return [...this.#seen].flatMap(([node, { since }]) => (this.#readAt - since < DEAD_AFTER_MS ? [] : [node])).sort();
  }
}
