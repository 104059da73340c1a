/** What the embedded backplane remembers: rooms, sessions, users, each with the time at which it ends by itself, as keys in Redis do. */
import type { Clock } from '../core/clock.ts';
import { applyChange, GRANTS_TTL_MS, type GrantsChange, type RoomGrants } from './room-grants.ts';
import type { NewSettings, RoomSettings } from './room-settings.ts';
import {
  type Ban,
  type MemberRecord,
  RECORD_TTL_MS,
  ROOM_TTL_MS,
  type RoomState,
  type SessionRecord,
} from './types.ts';

export interface StoredMember extends Omit<MemberRecord, 'awayFor'> {
  awayUntil: number;
}
/** As in Redis: a room is there as long as somebody is in it, and its version is 0 before and after. */
export interface StoredRoom {
  version: number;
  /** Its first one. */
  firstVersion: number;
  /** When that was, ms since the epoch. */
  startedAt: number;
  readonly members: Map<string, StoredMember>;
  /** Smallest that anybody who came in brought, see {@link JoinRule}. */
  size?: number;
  /** Kept until then unless a node reads or changes it. */
  until: number;
}
/** Somebody who asks to come in. */
export interface StoredEntryRequest {
  readonly peerId: string;
  readonly node: string;
  readonly info: string;
  /** ms of the clock. */
  readonly since: number;
  readonly until: number;
}
export interface StoredSettings extends RoomSettings {
  until: number;
  /** By login session. */
  readonly entryRequests: Map<string, StoredEntryRequest>;
}
export interface StoredSession extends Omit<SessionRecord, 'order'> {
  order: number;
  attached: boolean;
  /** Its end by itself: of a detached session its grace, of an attached one {@link RECORD_TTL_MS}. */
  until: number;
  mailbox: string[];
  mailboxBytes: number;
  /** What a resume took, until its node has claimed the session's places again. */
  unread?: { readonly frames: readonly string[]; readonly until: number } | undefined;
}
/** Sessions of one user. */
export interface Places {
  readonly peerIds: Set<string>;
  until: number;
}

/** How often expired keys are looked for, ms. Until then they are only hidden. */
const EXPIRY_INTERVAL_MS = 10_000;

/** The settings of a room with members are kept longer than that. */
const DAY_MS = 24 * 3600 * 1000;

/** How long the settings of a room without members stay, ms. */
const patience = ({ rules }: NewSettings, date: number) => Math.max(rules.emptyMs, rules.keptUntil - date);

export class MemoryStore {
  readonly rooms = new Map<string, StoredRoom>();
  /** Of each room: login session or `!user <user id>`, until when; and `!in <login session>`, let in until when. */
  readonly bans = new Map<string, Map<string, number>>();
  readonly settings = new Map<string, StoredSettings>();
  /** Of each room: what login sessions may do beside their tokens. */
  readonly granted = new Map<string, Map<string, { readonly grants: RoomGrants; readonly until: number }>>();
  readonly sessions = new Map<string, StoredSession>();
  /** Sessions that were ended by force: until when their owners may not write them again. */
  readonly tombstones = new Map<string, { until: number }>();
  readonly identities = new Map<string, { readonly peerId: string; readonly until: number }>();
  /** By session: whose place it took when it was opened. */
  readonly replaced = new Map<string, { readonly peerId: string; readonly until: number }>();
  /** Sessions of each user. */
  readonly users = new Map<string, Places>();
  readonly clock: Clock;
  #opened = 0;
  #revisions = 0;
  #expiredAt = 0;
  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Changes a room, and answers with it as it is then. */
  change(name: string, change: (room: StoredRoom) => void): RoomState {
    const existed = this.room(name);
    const room = existed ?? {
      version: 0,
      firstVersion: 0,
      startedAt: 0,
      members: new Map<string, StoredMember>(),
      until: 0,
    };
    change(room);
    room.until = this.clock.now() + ROOM_TTL_MS;
    if (room.members.size > 0) {
      this.rooms.set(name, room);
      this.keepSettings(name, DAY_MS);
    } else if (existed) this.emptied(name);
    const now = this.clock.now();
    return {
      version: room.version,
      members: [...room.members.values()].map(({ awayUntil, ...m }) => ({
        ...m,
        awayFor: awayUntil === 0 ? 0 : Math.max(1, Math.ceil(awayUntil - now)),
      })),
    };
  }

  /** A new room starts above every version of a room opened before. */
  bump(room: StoredRoom): void {
    if (room.version === 0) {
      room.version = ++this.#opened * 1_000_000_000;
      room.firstVersion = room.version;
      room.startedAt = this.clock.date();
    } else room.version++;
  }

  /** A new version though no member has changed, so that the nodes of the room read it again. */
  touch(name: string): void {
    const room = this.room(name);
    if (room) this.bump(room);
  }

  /** The room is empty: its settings stay for a while. */
  emptied(name: string): void {
    this.rooms.delete(name);
    const settings = this.settingsOf(name);
    if (settings) settings.until = this.clock.now() + patience(settings, this.clock.date());
  }

  /** The settings of a room stay for `ms` at least. */
  keepSettings(name: string, ms: number): void {
    const settings = this.settingsOf(name);
    if (settings) settings.until = Math.max(settings.until, this.clock.now() + ms);
  }

  writeSettings(name: string, written: NewSettings): number {
    const revision = Math.max(++this.#revisions, this.clock.date() * 1000);
    this.#revisions = revision;
    const empty = patience(written, this.clock.date());
    const ms = this.room(name) ? Math.max(DAY_MS, empty) : empty;
    const entryRequests = written.rules.entry === 'ask' ? this.settingsOf(name)?.entryRequests : undefined;
    this.settings.set(name, {
      ...written,
      revision,
      until: this.clock.now() + ms,
      entryRequests: entryRequests ?? new Map(),
    });
    return revision;
  }

  /** Who asks to come in, by login session, the first first. */
  entryRequestsOf(name: string): [loginSession: string, entryRequest: StoredEntryRequest][] {
    const { entryRequests = new Map<string, StoredEntryRequest>() } = this.settingsOf(name) ?? {};
    for (const [login, { until }] of entryRequests) if (until <= this.clock.now()) entryRequests.delete(login);
    return [...entryRequests].sort(([, a], [, b]) => a.since - b.since || (a.peerId < b.peerId ? -1 : 1));
  }

  /** Somebody was let in: until then its login session may come in. */
  admit(name: string, loginSession: string, ms: number): void {
    this.ban(name, { loginSession: `!in ${loginSession}`, ms });
  }
  isAdmitted(name: string, loginSession: string): boolean {
    return this.isBanned(name, `!in ${loginSession}`, undefined);
  }

  ban(name: string, { loginSession, userId, ms }: Ban): void {
    const now = this.clock.now();
    const bans = new Map([...(this.bans.get(name) ?? [])].filter(([, until]) => until > now));
    bans.set(loginSession, now + ms);
    bans.delete(`!in ${loginSession}`);
    bans.delete(`!moved ${loginSession}`);
    if (userId !== undefined) bans.set(`!user ${userId}`, now + ms);
    this.bans.set(name, bans);
  }

  changeGrants(name: string, loginSession: string, change: GrantsChange): void {
    const before = this.grantsOf(name)?.get(loginSession) ?? '';
    const all = this.granted.get(name) ?? new Map();
    this.granted.set(name, all);
    all.set(loginSession, { grants: applyChange(before, change), until: this.clock.now() + GRANTS_TTL_MS });
  }
  /** What is decided of a login session is another one's from now on; it `stays` also of the first where another member has that. */
  carryGrants(
    name: string,
    { from, to, stays }: { readonly from: string; readonly to: string; readonly stays: boolean },
    change: (granted: RoomGrants, there: RoomGrants | undefined) => RoomGrants,
  ): void {
    const all = this.granted.get(name);
    const held = all?.get(from);
    if (!all || !held || held.until <= this.clock.now()) return;
    const there = all.get(to);
    const isOver = !there || there.until <= this.clock.now();
    if (!stays) all.delete(from);
    all.set(to, {
      grants: change(held.grants, isOver ? undefined : there.grants),
      until: Math.max(held.until, there?.until ?? 0),
    });
  }

  /** Undefined: none was ever changed in that room. */
  grantsOf(name: string): Map<string, RoomGrants> | undefined {
    const all = this.granted.get(name);
    const now = this.clock.now();
    return (
      all && new Map([...all].filter(([, { until }]) => until > now).map(([login, { grants }]) => [login, grants]))
    );
  }

  isBanned(name: string, loginSession: string, userId: string | undefined): boolean {
    const until = (key: string) => this.bans.get(name)?.get(key) ?? 0;
    return Math.max(until(loginSession), userId === undefined ? 0 : until(`!user ${userId}`)) > this.clock.now();
  }

  room(name: string): StoredRoom | undefined {
    return this.#alive(this.rooms, name);
  }
  settingsOf(name: string): StoredSettings | undefined {
    return this.#alive(this.settings, name);
  }
  session(peerId: string): StoredSession | undefined {
    return this.#alive(this.sessions, peerId);
  }
  isOver(peerId: string): boolean {
    return this.#alive(this.tombstones, peerId) !== undefined;
  }
  holder(identity: string): string | undefined {
    return this.#alive(this.identities, identity)?.peerId;
  }
  replacedBy(peerId: string): string | undefined {
    return this.#alive(this.replaced, peerId)?.peerId;
  }
  places(userId: string): Places | undefined {
    return this.#alive(this.users, userId);
  }

  /** Every key ends by itself, as in Redis, also when it is not read again. */
  expire(): void {
    const now = this.clock.now();
    if (now - this.#expiredAt < EXPIRY_INTERVAL_MS) return;
    this.#expiredAt = now;
    for (const map of [
      this.rooms,
      this.settings,
      this.sessions,
      this.tombstones,
      this.identities,
      this.replaced,
      this.users,
    ])
      for (const [key, { until }] of map) if (until <= now) map.delete(key);
    for (const [name, bans] of this.bans) {
      for (const [loginSession, until] of bans) if (until <= now) bans.delete(loginSession);
      if (bans.size === 0) this.bans.delete(name);
    }
    for (const [name, granted] of this.granted) {
      for (const [loginSession, { until }] of granted) if (until <= now) granted.delete(loginSession);
      if (granted.size === 0) this.granted.delete(name);
    }
  }

  #alive<T extends { readonly until: number }>(map: Map<string, T>, key: string): T | undefined {
    const found = map.get(key);
    if (!found || found.until > this.clock.now()) return found;
    map.delete(key);
    return undefined;
  }
}
