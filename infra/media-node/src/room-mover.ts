/** Hands the rooms of a draining node over, some at a time, each make before break. */
import { setTimeout as sleep } from 'node:timers/promises';
import { assignRoom, type RedisClient, rankMediaNodes, readAssignment, readMediaNodes } from '@tandem/service';
import type { Host } from '../../node-kit/host.ts';
import type { Attempt } from '../../node-kit/retry.ts';
import type { RoomAgent } from './room-agent.ts';

export interface RoomMoverOptions {
  readonly redis: RedisClient;
  readonly host: Host;
  readonly attempt: Attempt;
  readonly signal: AbortSignal;
  /** When the drain ends, ms since the epoch; may come nearer. */
  readonly until: () => number;
}

/** Rooms moved at once. */
const MOVES = 5;
/** The next room has its turn after this time at the latest, ms: people who are away do not say that they need this node no more. */
const TURN_MS = 2000;
/** Pause before it looks again for another node, ms. */
const NO_NODE_MS = 2000;
/** Rooms that wait are given away all at once, and one that found no other node is asked to connect by pairs, if it can, this long before the drain ends, ms. */
const LAST_MS = 15_000;
/** One whose called node is not there is asked for pairs this long before it: longer than these take, and than a node takes that was called last, ms. */
const GIVE_UP_MS = 8000;
/** Most people whom pairs carry (docs/decisions/0008-full-mesh.md). */
const MESH_PEOPLE = 6;
/** Others wait for a node until the end. */
const isMesh = ({ people, needsNode }: RoomAgent): boolean => people <= MESH_PEOPLE && !needsNode;
/** How often that is looked at, ms. */
const LATE_CHECK_MS = 500;

export class RoomMover {
  readonly #options: RoomMoverOptions;
  /** Rooms that were given to another node. */
  moved = 0;

  constructor(options: RoomMoverOptions) {
    this.#options = options;
  }

  /** Settles when each room has ended here, or the signal came. Never rejects. */
  async move(rooms: Iterable<RoomAgent>): Promise<void> {
    const all = [...rooms];
    const waiting = [...all];
    const { signal } = this.#options;
    const work = async () => {
      for (let room = waiting.shift(); room && !signal.aborted; room = waiting.shift()) {
        await this.#moveOne(room);
        await Promise.race([room.ended, sleep(TURN_MS, undefined, { signal }).catch(() => {})]);
      }
    };
    const moveLate = async () => {
      while (all.some(({ state }) => state !== 'ended') && !signal.aborted) {
        if (this.#isWithin(LAST_MS)) for (const room of waiting.splice(0)) void this.#moveOne(room);
        if (this.#isWithin(GIVE_UP_MS))
          for (const room of all) if (room.isWaiting && isMesh(room)) room.release('mesh');
        await sleep(LATE_CHECK_MS, undefined, { signal }).catch(() => {});
      }
    };
    await Promise.all([moveLate(), ...Array.from({ length: MOVES }, work)]);
  }

  /** The drain ends within this time. */
  #isWithin(ms: number): boolean {
    return Date.now() > this.#options.until() - ms;
  }

  /** While there is no other node the room stays here, until the drain's time is nearly over; one that pairs do not carry, until it is. */
  async #moveOne(room: RoomAgent): Promise<void> {
    const { attempt, signal } = this.#options;
    let hasNext = false;
    while (room.state === 'serving' && !signal.aborted) {
      await attempt('hand-over', async () => {
        hasNext = await this.#handOver(room);
      });
      if (hasNext || (this.#isWithin(LAST_MS) && !room.needsNode)) break;
      await sleep(NO_NODE_MS, undefined, { signal }).catch(() => {});
    }
    // One that was given to another node before waits for that one.
    if (room.state === 'serving') room.release(hasNext ? 'node' : 'mesh');
  }

  /** @returns whether the room has another node now */
  async #handOver(room: RoomAgent): Promise<boolean> {
    const { redis, host } = this.#options;
    const others = await readMediaNodes(redis);
    others.delete(host.id);
    const [next] = rankMediaNodes(others, host.zone);
    const mine = await readAssignment(redis, room.roomId);
    // Taken from this node meanwhile: then it has another one.
    if (mine && mine.epoch > room.epoch) return true;
    if (next === undefined || !(await assignRoom(redis, room.roomId, mine, next))) return false;
    this.moved++;
    return true;
  }
}
