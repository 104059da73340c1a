/** What can happen to the store: away, slow, writes carried out late, a primary that dies with what it had not replicated yet. */
import type { MemoryHub } from '../../apps/signaling/src/backplane/memory.ts';
import { UnavailableError } from '../../apps/signaling/src/backplane/types.ts';
import type { VirtualClock } from './clock.ts';
import type { Random } from './random.ts';

/** A command that gets no answer is given up after this, ms. */
const COMMAND_TIMEOUT = 1000;
/** Such a command is carried out at most this much later, ms: less than a node waits before it takes back what it is unsure of. */
const MAX_LATE = 4500;
/** Answers come in reads of this, ms: those of one read are heard in one turn. */
const READ = 10;

/** More operations of one moment are a node that writes again and again: virtual time would stand still, without end. */
const MAX_AT_ONCE = 20_000;

/** Operations that change nothing: carried out late they are without effect. */
const READS = new Set(['beat', 'readRoom', 'checkRooms', 'findSession']);

export type Part = 'rooms' | 'sessions';

export class StoreFaults {
  /** Operations fail until then. */
  downUntil = 0;
  /** Answers take `slowBy` ms until then. */
  slowUntil = 0;
  slowBy = 0;
  /** Until then each write fails with this chance, and is carried out later. */
  lateUntil = 0;
  lateChance = 0;
  /** What a write takes when all is well, ms at most. */
  delay = 0;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  #moment = 0;
  #atOnce = 0;

  constructor(clock: VirtualClock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get away(): boolean {
    return this.#clock.now() < this.downUntil;
  }
  heal(): void {
    this.downUntil = 0;
    this.slowUntil = 0;
    this.lateUntil = 0;
  }

  before(operation: string, carryOut: () => void): Promise<void> | void {
    if (this.#clock.now() > this.#moment) [this.#moment, this.#atOnce] = [this.#clock.now(), 0];
    if (++this.#atOnce > MAX_AT_ONCE) throw new Error(`at ${this.#moment} ms ${operation} goes on without end`);
    this.#failIfAway();
    if (this.#clock.now() < this.lateUntil && !READS.has(operation) && this.#random.chance(this.lateChance)) {
      this.#clock.at(this.#random.int(0, MAX_LATE), carryOut);
      return this.#wait(COMMAND_TIMEOUT).then(() => {
        throw new UnavailableError('no answer in time');
      });
    }
    return undefined;
  }

  after(): Promise<void> | void {
    this.#failIfAway();
    const now = this.#clock.now();
    const slow = now < this.slowUntil ? Math.min(this.slowBy, this.slowUntil - now) : 0;
    const takes = slow + (this.delay > 0 ? this.#random.int(0, this.delay) : 0);
    if (takes === 0) return undefined;
    return this.#wait(Math.ceil((now + takes) / READ) * READ - now);
  }

  #failIfAway(): void {
    if (this.away) throw new UnavailableError('the store is away');
  }
  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.at(ms, resolve));
  }
}

/** The store as a replica has it now. @returns the failover to it: what was written since is lost */
export function replicaOf(hub: MemoryHub, parts: readonly Part[]): () => void {
  const restore: (() => void)[] = [];
  const keep = <T>(map: Map<string, T>, copy: (value: T) => T) => {
    const kept = [...map].map(([key, value]): [string, T] => [key, copy(value)]);
    restore.push(() => {
      map.clear();
      for (const [key, value] of kept) map.set(key, value);
    });
  };
  if (parts.includes('rooms')) {
    keep(hub.rooms, (room) => ({ ...room, members: new Map([...room.members].map(([id, m]) => [id, { ...m }])) }));
    keep(hub.settings, (settings) => ({ ...settings }));
    keep(hub.bans, (bans) => new Map(bans));
  }
  if (parts.includes('sessions')) {
    keep(hub.sessions, (session) => ({ ...session, mailbox: [...session.mailbox] }));
    keep(hub.tombstones, (tombstone) => tombstone);
    keep(hub.identities, (identity) => identity);
    keep(hub.replaced, (replaced) => replaced);
    keep(hub.users, (user) => ({ ...user, peerIds: new Set(user.peerIds) }));
  }
  return () => {
    for (const run of restore) run();
  };
}
