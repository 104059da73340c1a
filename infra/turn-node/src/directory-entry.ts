/** This node's entry in the directory of TURN nodes, and whether readers still find it. */
import { type RedisClient, removeTurnNode, TURN_NODE_STALE_MS, type TurnNode, writeTurnNode } from '@tandem/service';

/** What one entry says, without the time at which it was written. */
type DirectoryValues = Omit<TurnNode, 'updatedAt'>;

export class DirectoryEntry {
  readonly #redis: RedisClient | undefined;
  readonly #id: string;
  /** Readers leave out an entry that was not renewed for TURN_NODE_STALE_MS: from then on no call is sent to this node. */
  #listedUntil: number;

  /** @param redis undefined: there is no directory, and the node counts as listed */
  constructor(redis: RedisClient | undefined, id: string) {
    this.#redis = redis;
    this.#id = id;
    this.#listedUntil = redis ? 0 : Number.POSITIVE_INFINITY;
  }

  get isListed(): boolean {
    return Date.now() <= this.#listedUntil;
  }

  /** @throws when Redis is away; the entry is listed until it is stale */
  async write(values: DirectoryValues): Promise<void> {
    if (!this.#redis) return;
    await writeTurnNode(this.#redis, this.#id, values);
    this.#listedUntil = Date.now() + TURN_NODE_STALE_MS;
  }

  async remove(): Promise<void> {
    if (this.#redis) await removeTurnNode(this.#redis, this.#id);
  }
}
