/** Finds the rooms of a partition that ended without a word: the store lost them, or all of their nodes died. */
import type { RedisClient } from '@tandem/service';
import { keys } from './keys.ts';
import type { NodeWatch } from './node-watch.ts';
import { runScript } from './scripts.ts';

/** Told rooms read at once. */
const READ_AT_ONCE = 500;
/** Rooms that one script looks into for members of dead nodes; it holds up whatever else the server does. */
const LOOKED_INTO_AT_ONCE = 50;
/** Rooms are looked into again after this time, though no more nodes have died, ms. */
const LOOK_AGAIN_MS = 600_000;

export interface RoomSweepOptions {
  readonly redis: RedisClient;
  readonly nodes: Pick<NodeWatch, 'dead'>;
  readonly partition: number;
  /** As the script compares it. */
  readonly lease: string;
  readonly onFenced: () => void;
}

export class RoomSweep {
  readonly #redis: RedisClient;
  readonly #nodes: Pick<NodeWatch, 'dead'>;
  readonly #partition: number;
  readonly #lease: string;
  readonly #onFenced: () => void;
  /** The dead nodes that no room had a member of, and when that was seen, ms. */
  #clean = { dead: '', at: 0 };

  constructor({ redis, nodes, partition, lease, onFenced }: RoomSweepOptions) {
    this.#redis = redis;
    this.#nodes = nodes;
    this.#partition = partition;
    this.#lease = lease;
    this.#onFenced = onFenced;
  }

  /**
   * Goes through the told rooms once, page by page.
   * @param now ms since the epoch
   * @returns each room that is gone, with what was told of it; it may have come back since
   */
  async *gone(now: number): AsyncGenerator<readonly [room: string, told: string], void, undefined> {
    const dead = this.#nodes.dead();
    const named = dead.join(' ');
    // No room gets a member of a dead node: what was seen once stays so.
    const isClean = this.#clean.dead === named && now - this.#clean.at < LOOK_AGAIN_MS;
    const looked = isClean ? [] : dead;
    let isPending = false;
    let page = '0';
    do {
      const [next, found] = await this.#redis.hscan(keys.told(this.#partition), page, 'COUNT', READ_AT_ONCE);
      page = next;
      const states = await this.#look(
        found.filter((_, i) => i % 2 === 0),
        looked,
      );
      if (states === undefined) return;
      isPending ||= states.includes('2');
      for (const [i, state] of [...states].entries())
        if (state === '0') yield [found[i * 2] as string, found[i * 2 + 1] as string];
    } while (page !== '0');
    if (!isClean && !isPending) this.#clean = { dead: named, at: now };
  }

  /** @returns a digit for each room, see sweep.lua; undefined: the lease is another's */
  async #look(rooms: readonly string[], dead: readonly string[]): Promise<string | undefined> {
    const atOnce = dead.length > 0 ? LOOKED_INTO_AT_ONCE : READ_AT_ONCE;
    let states = '';
    for (let i = 0; i < rooms.length; i += atOnce) {
      const of = rooms.slice(i, i + atOnce).flatMap((room) => [keys.room(room), keys.settings(room)]);
      const named = [keys.lease(this.#partition), keys.rooms(this.#partition), ...of];
      const answer = String(await runScript(this.#redis, 'sweep', named, [this.#lease, ...dead]));
      if (answer === 'fenced') {
        this.#onFenced();
        return undefined;
      }
      states += answer;
    }
    return states;
  }
}
