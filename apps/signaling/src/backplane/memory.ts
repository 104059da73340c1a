/**
 * The embedded backplane: one process, no dependency. Several nodes may share one {@link MemoryHub}, which the simulation cuts and
 * delays through {@link HubHooks}.
 */
import type { Clock } from '../core/clock.ts';
import {
  type Backplane,
  type BackplaneHandlers,
  type Ban,
  type ClaimResult,
  type ClaimRule,
  FORCED,
  type IdentityKey,
  isLater,
  isMediaPeer,
  type JoinResult,
  type JoinRule,
  MAILBOX,
  type MemberRecord,
  type ParkResult,
  RECORD_TTL_MS,
  type ResumeResult,
  ROOM_TTL_MS,
  type RoomCheck,
  type RoomQuery,
  type RoomState,
  type SessionRecord,
  type SyncResult,
  TOMBSTONE_TTL_MS,
  UnavailableError,
  type WriteMark,
} from './types.ts';

/** Faults for tests and the simulation. */
export interface HubHooks {
  /**
   * Before an operation of `node`: may delay it (a promise) or fail it (throw {@link UnavailableError}). One that fails it may call
   * `carryOut` later: a write that timed out and reaches the store behind newer ones.
   */
  beforeOperation?(node: string, operation: string, carryOut: () => void): Promise<void> | void;
  /** After an operation was carried out, before the node hears the answer: may delay or fail it (the answer is lost). */
  afterOperation?(node: string, operation: string): Promise<void> | void;
  /** Carries a batch: call `deliver` at once, later, twice or never. */
  carry?(from: string, to: string, deliver: () => void): void;
}

const people = (peerIds: Iterable<string>) => [...peerIds].filter((peerId) => !isMediaPeer(peerId)).length;

interface StoredMember extends Omit<MemberRecord, 'awayFor'> {
  awayUntil: number;
}
/** As in Redis: a room is there as long as somebody is in it, and its version is 0 before and after. */
interface StoredRoom {
  version: number;
  readonly members: Map<string, StoredMember>;
  /** Smallest that anybody who came in brought, see {@link JoinRule}. */
  size?: number;
  /** Kept until then unless a node reads or changes it. */
  until: number;
}
interface StoredSession extends Omit<SessionRecord, 'order'> {
  order: number;
  attached: boolean;
  /** Its end by itself: of a detached session its grace, of an attached one {@link RECORD_TTL_MS}. */
  until: number;
  mailbox: string[];
  mailboxBytes: number;
}
/** Sessions of one user. */
interface Places {
  readonly peerIds: Set<string>;
  until: number;
}

/** How often expired keys are looked for, ms. Until then they are only hidden. */
const EXPIRY_INTERVAL_MS = 10_000;

/** The shared state. */
export class MemoryHub {
  readonly rooms = new Map<string, StoredRoom>();
  /** Of each room: login session or `!user <user id>`, until when. */
  readonly bans = new Map<string, Map<string, number>>();
  readonly sessions = new Map<string, StoredSession>();
  /** Sessions that were ended by force: until when their owners may not write them again. */
  readonly tombstones = new Map<string, { until: number }>();
  readonly identities = new Map<string, { readonly peerId: string; readonly until: number }>();
  /** Sessions of each user. */
  readonly users = new Map<string, Places>();
  readonly beats = new Map<string, number>();
  readonly inboxes = new Map<string, (batch: Uint8Array) => void>();
  readonly clock: Clock;
  readonly hooks: HubHooks;
  #opened = 0;
  #expiredAt = 0;
  constructor(clock: Clock, hooks: HubHooks = {}) {
    this.clock = clock;
    this.hooks = hooks;
  }

  connect(): MemoryBackplane {
    return new MemoryBackplane(this);
  }

  /** Changes a room, and answers with it as it is then. */
  change(name: string, change: (room: StoredRoom) => void): RoomState {
    const room = this.room(name) ?? { version: 0, members: new Map<string, StoredMember>(), until: 0 };
    change(room);
    room.until = this.clock.now() + ROOM_TTL_MS;
    if (room.members.size > 0) this.rooms.set(name, room);
    else this.rooms.delete(name);
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
    room.version = room.version === 0 ? ++this.#opened * 1_000_000_000 : room.version + 1;
  }

  ban(name: string, { loginSession, userId, ms }: Ban): void {
    const now = this.clock.now();
    const bans = new Map([...(this.bans.get(name) ?? [])].filter(([, until]) => until > now));
    bans.set(loginSession, now + ms);
    if (userId !== undefined) bans.set(`!user ${userId}`, now + ms);
    this.bans.set(name, bans);
  }

  isBanned(name: string, loginSession: string, userId: string | undefined): boolean {
    const until = (key: string) => this.bans.get(name)?.get(key) ?? 0;
    return Math.max(until(loginSession), userId === undefined ? 0 : until(`!user ${userId}`)) > this.clock.now();
  }

  room(name: string): StoredRoom | undefined {
    return this.#alive(this.rooms, name);
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
  places(userId: string): Places | undefined {
    return this.#alive(this.users, userId);
  }

  /** Every key ends by itself, as in Redis: also those that nobody asks for again. */
  expire(): void {
    const now = this.clock.now();
    if (now - this.#expiredAt < EXPIRY_INTERVAL_MS) return;
    this.#expiredAt = now;
    for (const map of [this.rooms, this.sessions, this.tombstones, this.identities, this.users])
      for (const [key, { until }] of map) if (until <= now) map.delete(key);
    for (const [name, bans] of this.bans) {
      for (const [loginSession, until] of bans) if (until <= now) bans.delete(loginSession);
      if (bans.size === 0) this.bans.delete(name);
    }
  }

  #alive<T extends { readonly until: number }>(map: Map<string, T>, key: string): T | undefined {
    const found = map.get(key);
    if (!found || found.until > this.clock.now()) return found;
    map.delete(key);
    return undefined;
  }
}

export class MemoryBackplane implements Backplane {
  readonly kind = 'memory';
  readonly #hub: MemoryHub;
  #node = '';
  #since = new Date().toISOString();
  #ended = false;
  constructor(hub: MemoryHub) {
    this.#hub = hub;
  }

  async start(node: string, handlers: BackplaneHandlers): Promise<void> {
    this.#node = node;
    this.#hub.inboxes.set(node, handlers.onBatch);
  }

  health() {
    return { state: 'up', since: this.#since } as const;
  }

  async #run<T>(operation: string, action: () => T): Promise<T> {
    if (this.#ended) throw new UnavailableError('the backplane is closed');
    await this.#hub.hooks.beforeOperation?.(this.#node, operation, action);
    const result = action();
    await this.#hub.hooks.afterOperation?.(this.#node, operation);
    return result;
  }

  beat(ttl: number) {
    return this.#run('beat', () => {
      const now = this.#hub.clock.now();
      this.#hub.expire();
      this.#hub.beats.set(this.#node, now);
      return [...this.#hub.beats].filter(([, at]) => now - at < ttl).map(([node]) => node);
    });
  }

  retire() {
    return this.#run('retire', () => {
      this.#hub.beats.delete(this.#node);
      this.#hub.inboxes.delete(this.#node);
    });
  }

  send(node: string, batch: Uint8Array) {
    return this.#run('send', () => {
      const deliver = () => this.#hub.inboxes.get(node)?.(batch);
      if (this.#hub.hooks.carry) this.#hub.hooks.carry(this.#node, node, deliver);
      else this.#hub.clock.endOfTurn(deliver);
      return this.#hub.inboxes.has(node);
    });
  }

  joinRoom(name: string, member: MemberRecord, rule: JoinRule): Promise<JoinResult> {
    const { limit, loginSession, info } = rule;
    return this.#run('joinRoom', () => {
      let refusal: JoinResult | undefined;
      const state = this.#hub.change(name, (room) => {
        this.#reap(room);
        const present = room.members.get(member.peerId);
        if (limit > 0)
          refusal = this.#hub.isBanned(name, loginSession, rule.userId)
            ? { ok: false, reason: 'banned' }
            : this.#takeSeat(room, present !== undefined, rule);
        const kept = info === 'present' && present ? { info: present.info } : {};
        if (!refusal && !(present && isLater(present, member))) this.#put(room, { ...member, ...kept });
      });
      return refusal ?? { ok: true, state };
    });
  }

  /** @returns why there is none */
  #takeSeat(
    room: StoredRoom,
    isPresent: boolean,
    { limit, seat, replaces, roomSize = Infinity }: JoinRule,
  ): JoinResult | undefined {
    const stored = room.members.size > 0 ? (room.size ?? Infinity) : Infinity;
    if (!isPresent && people(room.members.keys()) >= Math.min(limit, stored, roomSize)) {
      const mine = [...room.members.values()].filter(
        ({ awayUntil, info }) => seat !== undefined && awayUntil !== 0 && info.startsWith(seat),
      );
      const away = mine.map(({ peerId }) => peerId).sort()[0];
      if (away === undefined) return { ok: false, reason: 'full' };
      if (away !== replaces) return { ok: false, reason: 'full', away };
      room.members.delete(away);
      this.#hub.bump(room);
    }
    room.size = Math.min(stored, roomSize);
    return undefined;
  }

  putMember(name: string, member: MemberRecord) {
    return this.#change('putMember', name, (room) => {
      const present = room.members.get(member.peerId);
      if (present && !isLater(present, member)) this.#put(room, member);
    });
  }

  markAway(name: string, peerId: string, deadNode: string, awayFor: number) {
    return this.#change('markAway', name, (room) => {
      const present = room.members.get(peerId);
      if (present?.node === deadNode && present.awayUntil === 0) this.#put(room, { ...present, awayFor });
    });
  }

  dropMember(name: string, peerId: string, mark: WriteMark, ban?: Ban) {
    return this.#change('dropMember', name, (room) => {
      if (ban) this.#hub.ban(name, ban);
      const present = room.members.get(peerId);
      if (present && !isLater(present, mark)) {
        room.members.delete(peerId);
        this.#hub.bump(room);
      }
    });
  }

  readRoom(name: string, known: number): Promise<RoomState | undefined> {
    return this.#run('readRoom', () => {
      const state = this.#hub.change(name, (room) => this.#reap(room));
      return state.version === known ? undefined : state;
    });
  }

  checkRooms(rooms: readonly RoomQuery[]): Promise<readonly RoomCheck[]> {
    return this.#run('checkRooms', () =>
      rooms.map(({ room: name, peerIds }) => {
        const room = this.#hub.room(name);
        const members = peerIds.map((peerId) => {
          const member = room?.members.get(peerId);
          return member && { epoch: member.epoch, order: member.order, away: member.awayUntil !== 0 };
        });
        return { version: room?.version ?? 0, members };
      }),
    );
  }

  closeRoom(name: string) {
    return this.#run('closeRoom', () => {
      const state = this.#hub.change(name, () => {});
      this.#hub.rooms.delete(name);
      return state;
    });
  }

  openSession(session: SessionRecord, identity: IdentityKey, rule: ClaimRule): Promise<ClaimResult> {
    return this.#run('openSession', () => {
      const result = this.#claim(identity, session.peerId, rule);
      if (result.kind === 'ours') this.#store(session);
      return result;
    });
  }

  resumeSession(peerId: string, secretHash: string, userId: string): Promise<ResumeResult> {
    return this.#run('resumeSession', (): ResumeResult => {
      const stored = this.#hub.session(peerId);
      if (!stored || stored.secretHash !== secretHash || stored.userId !== userId) return { ok: false };
      const { attached: _attached, until: _until, mailbox, mailboxBytes: _bytes, ...record } = stored;
      const session = { ...record, node: this.#node, epoch: stored.epoch + 1 };
      this.#store(session);
      return { ok: true, session, previousNode: stored.node, parked: mailbox };
    });
  }

  detachSession(peerId: string, mark: WriteMark, node: string, graceMs: number) {
    return this.#run('detachSession', () => {
      const stored = this.#hub.session(peerId);
      if (!stored?.attached || stored.node !== node || isLater(stored, mark)) return;
      if (mark.order !== FORCED.order) stored.order = mark.order;
      stored.attached = false;
      stored.until = this.#hub.clock.now() + graceMs;
    });
  }

  syncSession(session: SessionRecord, attached: boolean, graceMs: number): Promise<SyncResult> {
    return this.#run('syncSession', (): SyncResult => {
      const stored = this.#hub.session(session.peerId);
      if (this.#hub.isOver(session.peerId)) return { kind: 'fenced', by: undefined };
      if (stored && stored.epoch > session.epoch)
        return { kind: 'fenced', by: { node: stored.node, epoch: stored.epoch } };
      if (stored && isLater(stored, session)) return { kind: 'ours', parked: [] };
      const parked = attached ? (stored?.mailbox ?? []) : [];
      const record = this.#store(session);
      if (!attached) {
        record.attached = false;
        record.until = Math.min(stored?.until ?? Infinity, this.#hub.clock.now() + graceMs);
        record.mailbox = stored?.mailbox ?? [];
        record.mailboxBytes = stored?.mailboxBytes ?? 0;
      }
      return { kind: 'ours', parked };
    });
  }

  endSession(peerId: string) {
    return this.#run('endSession', () => {
      const stored = this.#hub.session(peerId);
      if (!stored) return undefined;
      this.#hub.sessions.delete(peerId);
      this.#hub.tombstones.set(peerId, { until: this.#hub.clock.now() + TOMBSTONE_TTL_MS });
      return { room: stored.room, node: stored.node };
    });
  }

  closeSession(peerId: string, mark: WriteMark, identity: IdentityKey) {
    return this.#run('closeSession', () => {
      const stored = this.#hub.session(peerId);
      if (stored && isLater(stored, mark)) return false;
      this.#hub.sessions.delete(peerId);
      this.#release(identity, peerId);
      return true;
    });
  }

  findSession(peerId: string) {
    return this.#run('findSession', () => {
      const stored = this.#hub.session(peerId);
      if (!stored) return undefined;
      const { node, epoch, room, attached } = stored;
      return { node, epoch, room, attached };
    });
  }

  park(peerId: string, frames: readonly string[], deadNode?: string): Promise<ParkResult> {
    return this.#run('park', (): ParkResult => {
      const stored = this.#hub.session(peerId);
      if (!stored) return { kind: 'gone' };
      if (stored.attached && stored.node !== deadNode) return { kind: 'attached', node: stored.node };
      const bytes = frames.reduce((sum, f) => sum + Buffer.byteLength(f), 0);
      if (stored.mailbox.length + frames.length > MAILBOX.maxFrames || stored.mailboxBytes + bytes > MAILBOX.maxBytes)
        return { kind: 'full' };
      stored.mailbox.push(...frames);
      stored.mailboxBytes += bytes;
      return { kind: 'parked' };
    });
  }

  claim(identity: IdentityKey, peerId: string, rule: ClaimRule): Promise<ClaimResult> {
    return this.#run('claim', () => this.#claim(identity, peerId, rule));
  }

  #claim({ userId, loginSession }: IdentityKey, peerId: string, { limit, expect }: ClaimRule): ClaimResult {
    const identity = `${userId}\n${loginSession}`;
    const previous = loginSession === '' ? undefined : this.#hub.holder(identity);
    if (expect !== undefined && previous !== undefined && previous !== expect) return { kind: 'held', by: previous };
    const peerIds = this.#hub.places(userId)?.peerIds ?? new Set<string>();
    const others = [...peerIds].filter((other) => other !== peerId && other !== previous);
    if (limit > 0 && others.length >= limit) return { kind: 'full', others };
    if (previous !== undefined && previous !== peerId) peerIds.delete(previous);
    const until = this.#hub.clock.now() + RECORD_TTL_MS;
    this.#hub.users.set(userId, { peerIds: peerIds.add(peerId), until });
    if (loginSession !== '') this.#hub.identities.set(identity, { peerId, until });
    return { kind: 'ours', previous };
  }

  release(identity: IdentityKey, peerId: string) {
    return this.#run('release', () => this.#release(identity, peerId));
  }

  #release({ userId, loginSession }: IdentityKey, peerId: string): void {
    const identity = `${userId}\n${loginSession}`;
    if (this.#hub.holder(identity) === peerId) this.#hub.identities.delete(identity);
    const peerIds = this.#hub.places(userId)?.peerIds;
    peerIds?.delete(peerId);
    if (peerIds?.size === 0) this.#hub.users.delete(userId);
  }

  async [Symbol.asyncDispose]() {
    this.#ended = true;
    this.#hub.inboxes.delete(this.#node);
  }

  #change(operation: string, name: string, change: (room: StoredRoom) => void): Promise<RoomState> {
    return this.#run(operation, () => this.#hub.change(name, change));
  }

  #put(room: StoredRoom, member: MemberRecord): void {
    const { awayFor, peerId, node, epoch, order, info } = member;
    const awayUntil = awayFor === 0 ? 0 : this.#hub.clock.now() + awayFor;
    room.members.set(peerId, { peerId, node, epoch, order, info, awayUntil });
    this.#hub.bump(room);
  }

  #reap(room: StoredRoom): void {
    const now = this.#hub.clock.now();
    for (const [peerId, m] of room.members)
      if (m.awayUntil !== 0 && m.awayUntil <= now) {
        room.members.delete(peerId);
        this.#hub.bump(room);
      }
  }

  /** A record as it is with an empty mailbox, attached. */
  #store(session: SessionRecord): StoredSession {
    const until = this.#hub.clock.now() + RECORD_TTL_MS;
    const stored = { ...session, attached: true, until, mailbox: [], mailboxBytes: 0 };
    this.#hub.sessions.set(session.peerId, stored);
    this.#hub.tombstones.delete(session.peerId);
    return stored;
  }
}
