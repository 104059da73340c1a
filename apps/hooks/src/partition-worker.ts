/** What the holder of a partition's lease does: fold the outbox into events, deliver what endpoints are owed, find rooms that are gone. */
import { readOutboxEntry } from '@tandem/service/room-events';
import { Deliveries, type WorkerParts } from './deliveries.ts';
import { wants } from './endpoints.ts';
import { briefChanges, HOLD_MS, type ReadEntry } from './events/brief-changes.ts';
import { droppedEvent, type Folded, foldEntry, foldLost, type RoomEvent, type ToldRoom } from './events/room-fold.ts';
import { keys, partitionPrefix } from './keys.ts';
import { RoomSweep } from './room-sweep.ts';
import { runScript } from './scripts.ts';

/** Entries read from an outbox at once. */
const READ_AT_ONCE = 500;
/** How often told rooms are compared with the store, ms. */
const COMPARE_MS = 15_000;
/** Below that length nothing has fallen out of an outbox since it was looked at: see OUTBOX_LENGTH of signaling's room.lua. */
const FULL_FROM = 19_900;

interface Cursor {
  /** Last entry that was folded. */
  readonly id: string;
  /** How many entries were folded, or fell out, up to there. */
  readonly count: number;
  /** As it is stored; null: not yet. */
  readonly stored: string | null;
}

export class PartitionWorker {
  readonly partition: number;
  /** As the scripts compare it. */
  readonly lease: string;
  readonly #parts: WorkerParts;
  readonly #deliveries: Deliveries;
  readonly #sweep: RoomSweep;
  #cursor: Cursor | undefined;
  #working: Promise<void> | undefined;
  #comparedAt = 0;
  /** Changes before it are events, or will be none, ms. Undefined: the outbox was not read yet, since {@link #bornAt}. */
  #readTo: number | undefined;
  readonly #bornAt: number;
  #isOver = false;

  constructor(partition: number, lease: string, parts: WorkerParts) {
    this.partition = partition;
    this.lease = lease;
    this.#parts = parts;
    this.#bornAt = parts.now();
    const onFenced = () => this.#onFenced();
    this.#deliveries = new Deliveries({ partition, lease, parts, onFenced });
    this.#sweep = new RoomSweep({ partition, lease, redis: parts.redis, nodes: parts.nodes, onFenced });
  }

  /** The lease is another's, or given back. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Age of the oldest change that is no event yet, ms; it grows too while the outbox cannot be read. */
  unreadMs(now: number): number {
    return Math.max(0, now - (this.#readTo ?? this.#bornAt));
  }

  /** For how long the try that waits most is due, ms. */
  overdueMs(now: number): number {
    return this.#deliveries.overdueMs(now);
  }

  /** Begins nothing more, and waits for what is under way. */
  async end(): Promise<void> {
    this.#onFenced();
    await this.#working?.catch(() => {});
    await this.#deliveries.underWay();
  }

  /**
   * One round of work, unless one is under way: partitions do not wait for each other, as one may be on a server that is away.
   * @param now ms since the epoch by the clock of Redis
   */
  async work(now: number): Promise<void> {
    if (this.#isOver || this.#working !== undefined) return;
    this.#working = this.#work(now);
    try {
      await this.#working;
    } finally {
      this.#working = undefined;
    }
  }

  async #work(now: number): Promise<void> {
    for (let isMore = true; isMore; ) {
      isMore = await this.fold(now);
      await this.#deliveries.begin(now);
    }
    if (now - this.#comparedAt < COMPARE_MS || this.#isOver) return;
    await this.findLost(now);
    this.#comparedAt = now;
  }

  #onFenced(): void {
    this.#isOver = true;
    this.#deliveries.stop();
  }

  /**
   * Folds what the outbox has and HOLD_MS have passed of.
   * @param now ms since the epoch by the clock of Redis
   * @returns whether there is more
   */
  async fold(now: number): Promise<boolean> {
    const cursor = await this.#readCursor();
    // In this order: what falls out between the two is found missing the next time.
    const deleted = await this.#deleted(cursor);
    const { found, ripe, isMore } = await this.#readOutbox(cursor, now);
    const last = ripe.at(-1)?.[0];
    this.#readTo = found[0] ? timeOf(found[0][0]) : now;
    if (last === undefined) return false;
    const read = found.flatMap(([id, fields]) => this.#read(id, fields));
    const folded = await this.#foldAll(
      read.filter(({ at }) => at <= timeOf(last)),
      briefChanges(read),
    );
    const missing = Math.max(0, deleted - cursor.count);
    const dropped = missing > 0 ? [this.#drop(cursor.id, found[0]?.[0] as string, missing, now)] : [];
    const next = { id: last, count: cursor.count + missing + ripe.length };
    await this.#commit({ ...folded, events: [...dropped, ...folded.events] }, next);
    const waiting = found[ripe.length]?.[0] ?? (isMore ? last : undefined);
    if (this.#cursor?.id === last) this.#readTo = waiting === undefined ? now : timeOf(waiting);
    return isMore && !this.#isOver;
  }

  /** A page of the outbox, and those of it that HOLD_MS have passed of. */
  async #readOutbox({ id: after }: Cursor, now: number) {
    for (let count = READ_AT_ONCE; ; count *= 2) {
      const found = await this.#parts.redis.xrange(keys.outbox(this.partition), `(${after}`, '+', 'COUNT', count);
      const isMore = found.length === count;
      // What takes a change of a full page back may be on the next one.
      const seen = isMore ? Math.min(now, timeOf(found.at(-1)?.[0] ?? '')) : now;
      const ripe = found.filter(([id]) => timeOf(id) + HOLD_MS <= seen);
      if (ripe.length > 0 || !isMore) return { found, ripe, isMore };
    }
  }

  /** Kept while the lease is: each write of it compares. */
  async #readCursor(): Promise<Cursor> {
    if (this.#cursor) return this.#cursor;
    const stored = await this.#parts.redis.get(keys.cursor(this.partition));
    const [id = '0-0', count] = stored?.split(' ') ?? [];
    // The first time: what was before is not counted as lost.
    this.#cursor = { id, count: count === undefined ? await this.#deleted({ id, count: -1 }) : Number(count), stored };
    return this.#cursor;
  }

  /** How many entries fell out of the outbox since it began; -1: this Redis does not count (before 7.0). */
  async #deleted({ count }: Pick<Cursor, 'id' | 'count'>): Promise<number> {
    const { redis } = this.#parts;
    // A look at the length alone is cheap, and most outboxes are far from full.
    if (count >= 0 && (await redis.xlen(keys.outbox(this.partition))) < FULL_FROM) return -1;
    const info = await redis.xinfo('STREAM', keys.outbox(this.partition)).catch(() => []);
    const fields = info as (string | number)[];
    const of = (name: string) => Number(fields[fields.indexOf(name) + 1] ?? 0);
    return fields.includes('entries-added') ? of('entries-added') - of('length') : 0;
  }

  #drop(from: string, to: string, count: number, now: number): RoomEvent {
    const { counters, log } = this.#parts;
    counters.dropped += count;
    log.error({ event: 'outbox.dropped', partition: this.partition, from, to, count }, 'events fell out of the outbox');
    return droppedEvent(this.partition, from, to, count, now);
  }

  #read(id: string, [, value = '']: readonly string[]): ReadEntry[] {
    try {
      return [{ id, at: timeOf(id), entry: readOutboxEntry(value) }];
    } catch (error) {
      this.#parts.log.error({ event: 'outbox.unreadable', err: error, partition: this.partition, id }, 'outbox entry');
      return [];
    }
  }

  async #foldAll(entries: readonly ReadEntry[], brief: ReturnType<typeof briefChanges>) {
    const rooms = [...new Set(entries.map(({ entry }) => entry.room))];
    const texts = rooms.length > 0 ? await this.#parts.redis.hmget(keys.told(this.partition), ...rooms) : [];
    const told = new Map<string, ToldRoom | undefined>(rooms.map((room, i) => [room, readTold(texts[i])]));
    const events: RoomEvent[] = [];
    for (const { at, entry } of entries) {
      const folded = foldEntry(told.get(entry.room), entry, at, (change) => brief.has(change));
      told.set(entry.room, folded.told);
      events.push(...folded.events);
    }
    return { told, events };
  }

  /** @param gone room that must not be there any more */
  async #commit(
    {
      told,
      events,
    }: { readonly told: ReadonlyMap<string, ToldRoom | undefined>; readonly events: readonly RoomEvent[] },
    next: Pick<Cursor, 'id' | 'count'>,
    gone?: string,
  ): Promise<void> {
    const { redis, endpoints, counters } = this.#parts;
    const written = `${next.id} ${next.count}`;
    const before = (await this.#readCursor()).stored ?? '';
    const active = (await endpoints.all()).filter(({ state }) => state === 'active');
    const batch = {
      told: [...told].map(([room, one]) => [room, one ? JSON.stringify(one) : '']),
      events: events.map((event) => ({
        ...event,
        to: active.filter((endpoint) => wants(endpoint, event)).map(({ id }) => id),
      })),
    };
    const p = this.partition;
    const named = [keys.lease(p), keys.cursor(p), keys.told(p), keys.log(p), keys.outbox(p)];
    const answer = await runScript(redis, 'commit', gone === undefined ? named : [...named, keys.room(gone)], [
      this.lease,
      before,
      written,
      partitionPrefix(p),
      JSON.stringify(batch),
    ]);
    if (answer === 'fenced') this.#onFenced();
    // Read anew: the store was emptied, or lost a write.
    if (answer === 'stale') this.#cursor = undefined;
    if (!Array.isArray(answer)) return;
    const [leftOut, expired] = answer as [number, number];
    this.#cursor = { ...next, stored: written };
    if (events.length > 0) this.#deliveries.owed();
    counters.events += events.length;
    counters.dropped += leftOut;
    counters.dead += expired;
  }

  /** Ends the told rooms that the store has lost: it was emptied, or all nodes of a room died. */
  async findLost(now: number): Promise<void> {
    for await (const [room, text] of this.#sweep.gone(now)) {
      const told = readTold(text);
      if (!told || this.#isOver) continue;
      const { events }: Folded = foldLost(room, told, now);
      await this.#commit({ told: new Map([[room, undefined]]), events }, await this.#readCursor(), room);
    }
  }
}

const timeOf = (id: string) => Number.parseInt(id, 10);

function readTold(text: string | null | undefined): ToldRoom | undefined {
  return text ? (JSON.parse(text) as ToldRoom) : undefined;
}
