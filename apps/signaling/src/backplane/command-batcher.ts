/** Commands to Redis leave together when many come, because what a join costs there is mostly its writes and reads. */
import type { RedisClient } from '@tandem/service';
import { Redis } from 'ioredis';

/**
 * How long commands that follow a write wait for more at most, ms; after a pause they leave at once. Source: `npm run bench -- joins` with
 * other values here. 0 costs a join a sixth more, 8 saves nothing more.
 */
const BATCH_WAIT_MS = 4;

export class CommandBatcher {
  readonly #client: RedisClient;
  #held: readonly { uncork(): void }[] = [];
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** Before a command that may wait for others. */
  hold(): void {
    if (this.#held.length > 0) return;
    const servers = this.#client instanceof Redis ? [this.#client] : this.#client.nodes('master');
    // Without a connection commands wait in ioredis.
    const held = servers.flatMap(({ stream }) => (stream ? [stream] : []));
    if (held.length === 0) return;
    for (const stream of held) stream.cork();
    this.#held = held;
    const send = () => {
      if (this.#held === held) this.send();
    };
    if (performance.now() - this.#sentAt < BATCH_WAIT_MS) setTimeout(send, BATCH_WAIT_MS);
    else setImmediate(send);
  }

  /** After a command that does not wait: it leaves, and what was held with it. */
  send(): void {
    const held = this.#held;
    this.#held = [];
    this.#sentAt = performance.now();
    for (const stream of held) stream.uncork();
  }
}
