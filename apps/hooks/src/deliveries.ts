/** Delivers what endpoints are owed of the rooms of one partition: in the order of each room, one event at a time. */
import type { Logger, RedisClient } from '@tandem/service';
import { nextTry } from './delivery/schedule.ts';
import type { Outcome } from './delivery/send.ts';
import type { TrySlots } from './delivery/try-slots.ts';
import { type Endpoint, type Endpoints, isOfRooms } from './endpoints.ts';
import type { RoomEvent } from './events/room-fold.ts';
import { keys } from './keys.ts';
import type { NodeWatch } from './node-watch.ts';
import type { Counters } from './observe.ts';
import { runScript } from './scripts.ts';

export interface WorkerParts {
  readonly redis: RedisClient;
  readonly nodes: Pick<NodeWatch, 'dead'>;
  readonly endpoints: Endpoints;
  readonly counters: Counters;
  readonly log: Logger;
  /** Makes one try. Never rejects. */
  readonly deliver: (endpoint: Endpoint, event: Pick<RoomEvent, 'id' | 'room' | 'body'>) => Promise<Outcome>;
  /** Of the tries of this task. */
  readonly slots: TrySlots;
  /** Time of Redis, ms since the epoch. */
  readonly now: () => number;
}

export interface DeliveriesOptions {
  readonly partition: number;
  /** As the scripts compare it. */
  readonly lease: string;
  readonly parts: WorkerParts;
  /** The lease is another's. */
  readonly onFenced: () => void;
}

/** Tries of one endpoint at once, in one task. */
export const TRIES_AT_ONCE = 32;
/** Due rooms of an endpoint read at once: more than may be under way, which are among them. */
const DUE_AT_ONCE = 2 * TRIES_AT_ONCE;
/** How often due deliveries are looked for when no event came, ms. */
const LOOK_EVERY_MS = 1000;

export class Deliveries {
  readonly #partition: number;
  readonly #lease: string;
  readonly #parts: WorkerParts;
  readonly #onFenced: () => void;
  /** Endpoint and room of the tries that are under way, and when each was due, ms. */
  readonly #underWay = new Map<string, number>();
  /** By the endpoint that has no slot for its next try: when that was due, ms. */
  readonly #kept = new Map<string, number>();
  readonly #tries = new Set<Promise<void>>();
  /** By the endpoint whose due rooms are being gone through. */
  readonly #walks = new Map<string, Promise<void>>();
  #isOver = false;
  /** Events were committed since the last look at what is due. */
  #isOwed = true;
  #lookedAt = 0;

  constructor({ partition, lease, parts, onFenced }: DeliveriesOptions) {
    this.#partition = partition;
    this.#lease = lease;
    this.#parts = parts;
    this.#onFenced = onFenced;
  }

  /** There is more: the next {@link begin} looks. */
  owed(): void {
    this.#isOwed = true;
  }

  /** For how long the try that waits most is due and not over, ms. What a failed try is put off for does not count. */
  overdueMs(now: number): number {
    return Math.max(0, now - Math.min(now, ...this.#kept.values(), ...this.#underWay.values()));
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isOver = true;
  }

  /** Resolves when nothing is under way. */
  async underWay(): Promise<void> {
    while (this.#walks.size + this.#tries.size > 0) await Promise.all([...this.#walks.values(), ...this.#tries]);
  }

  /** Begins the tries that are due. They go on by themselves, and so does what waits for a slot. */
  async begin(now: number): Promise<void> {
    // Retries and replays wait for a look now and then.
    if (!this.#isOwed && now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#isOwed = false;
    this.#lookedAt = now;
    for (const { id, state } of await this.#parts.endpoints.all()) {
      if (state !== 'active' || this.#isOver) continue;
      // It may be past the rooms that are owed something since.
      if (this.#walks.has(id)) this.#isOwed = true;
      else
        this.#walks.set(
          id,
          this.#walk(id).finally(() => this.#walks.delete(id)),
        );
    }
  }

  /** Begins a try of each due room of an endpoint, as slots become free. */
  async #walk(endpointId: string): Promise<void> {
    const { redis, slots, now, log } = this.#parts;
    const due = keys.due(this.#partition, endpointId);
    // Not again in this walk: they are read as often as one asks.
    const left = new Set<string>();
    try {
      for (;;) {
        const found = await redis.zrangebyscore(due, '-inf', now(), 'WITHSCORES', 'LIMIT', 0, DUE_AT_ONCE);
        const rooms = pairs(found);
        const idle = rooms.filter(([room]) => !this.#underWay.has(`${endpointId} ${room}`) && !left.has(room));
        for (const [room, at] of idle) {
          this.#kept.set(endpointId, at);
          const slot = await slots.take(endpointId);
          if (this.#isOver) {
            slot[Symbol.dispose]();
            return;
          }
          this.#begin(endpointId, { room, at }, slot, left);
        }
        if (idle.length === 0 || rooms.length < DUE_AT_ONCE) return;
      }
    } catch (error) {
      log.warn({ event: 'partition.failed', err: error, partition: this.#partition }, 'due deliveries');
    } finally {
      this.#kept.delete(endpointId);
    }
  }

  /** @param left gets the room when it stays due as it is */
  #begin(
    endpointId: string,
    { room, at }: { readonly room: string; readonly at: number },
    slot: Disposable,
    left: Set<string>,
  ): void {
    const name = `${endpointId} ${room}`;
    this.#underWay.set(name, at);
    const attempt = this.#try(endpointId, room)
      .catch((error: unknown) => {
        this.#parts.log.warn({ event: 'partition.failed', err: error, partition: this.#partition }, 'delivery');
        return false;
      })
      .then((isSettled) => {
        if (!isSettled) left.add(room);
      })
      .finally(() => {
        this.#underWay.delete(name);
        this.#tries.delete(attempt);
        slot[Symbol.dispose]();
      });
    this.#tries.add(attempt);
  }

  /**
   * Delivers the events of one room until one fails, or the endpoint wants none.
   * @returns false: it wants none, and what it is owed stays due
   */
  async #try(endpointId: string, room: string): Promise<boolean> {
    let first = await this.#settle(endpointId, { room, entry: '', as: 'look' });
    while (first && !this.#isOver) {
      const endpoint = (await this.#parts.endpoints.all()).find(({ id }) => id === endpointId);
      if (endpoint?.state !== 'active') return false;
      // Its rooms are others since: what waits of this one is for who had it then.
      first = isOfRooms(endpoint, room)
        ? await this.#deliver(endpoint, room, first)
        : await this.#settle(endpointId, { room, entry: first.entry, as: 'done' });
      // The next event of the room became due with that.
      this.#underWay.set(`${endpointId} ${room}`, this.#parts.now());
    }
    return true;
  }

  /** @returns the room's next event, if it may follow at once */
  async #deliver(endpoint: Endpoint, room: string, { entry, event }: Owed): Promise<Owed | undefined> {
    const { counters, log, endpoints, deliver } = this.#parts;
    if (!event) {
      // Older than what the log keeps.
      counters.dead++;
      return this.#settle(endpoint.id, { room, entry, as: 'dead', why: 'expired' });
    }
    const outcome = await deliver(endpoint, { ...event, room });
    switch (outcome.kind) {
      case 'accepted':
        counters.delivered++;
        return this.#settle(endpoint.id, { room, entry, as: 'done' });
      case 'gone': {
        log.warn({ event: 'endpoint.disabled', endpointId: endpoint.id }, 'endpoint answered 410');
        // Unless it is somewhere else since.
        await endpoints.change(endpoint.id, (present) =>
          present.url === endpoint.url ? { ...present, state: 'gone' } : present,
        );
        return undefined;
      }
      case 'failed':
        return this.#failed(endpoint, room, { entry, event }, outcome);
      default:
        return outcome satisfies never;
    }
  }

  /** Puts it off, or gives it up. */
  async #failed(
    { id }: Endpoint,
    room: string,
    { entry, event }: Required<Owed>,
    { why, retryAfterMs }: Extract<Outcome, { kind: 'failed' }>,
  ): Promise<Owed | undefined> {
    const { redis, counters, log } = this.#parts;
    counters.failed++;
    const before = await redis.hget(keys.tries(this.#partition, id), room);
    const wait = nextTry(Number.parseInt(before ?? '0', 10) + 1, retryAfterMs);
    if (wait !== undefined) return this.#settle(id, { room, entry, as: 'retry', why, wait });
    counters.dead++;
    log.error({ event: 'delivery.dead', endpointId: id, eventId: event.id, reason: why }, 'event given up');
    return this.#settle(id, { room, entry, as: 'dead', why });
  }

  /** Writes what became of a room's first event. @returns the one that is first then; undefined: none, or it has to wait */
  async #settle(
    id: string,
    { room, entry, as, why = '', wait = 0 }: Settled & { readonly room: string; readonly entry: string },
  ): Promise<Owed | undefined> {
    const p = this.#partition;
    const named = [keys.lease(p), keys.due(p, id), keys.queue(p, id, room), keys.tries(p, id), keys.dead(p, id)];
    const args = [this.#lease, room, entry, as, why, wait];
    const answer = await runScript(this.#parts.redis, 'settle', [...named, keys.log(p)], args);
    const [word, first = '', eventId, body] = answer as string[];
    if (word === 'fenced') this.#onFenced();
    if (word !== 'next') return undefined;
    return { entry: first, ...(eventId === undefined || body === undefined ? {} : { event: { id: eventId, body } }) };
  }
}

/** The first event of a room that an endpoint is owed. */
interface Owed {
  /** Of the log. */
  readonly entry: string;
  /** Missing: the log keeps it no more. */
  readonly event?: Pick<RoomEvent, 'id' | 'body'>;
}

interface Settled {
  /** `look`: nothing, it was not tried yet. */
  readonly as: 'look' | 'done' | 'dead' | 'retry';
  /** In a word. */
  readonly why?: string;
  /** Of a retry, ms. */
  readonly wait?: number;
}

/** Rooms and when each is due, as WITHSCORES has them. */
function pairs(found: readonly string[]): [room: string, at: number][] {
  return Array.from({ length: found.length / 2 }, (_, i) => [found[2 * i] ?? '', Number(found[2 * i + 1])]);
}
