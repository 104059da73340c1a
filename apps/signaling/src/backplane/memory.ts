/**
 * The embedded backplane: one process, no dependency. Several nodes may share one {@link MemoryHub}, which the simulation cuts and
 * delays through {@link HubHooks}.
 */
import type { Clock } from '../core/clock.ts';
import type { EntryAnswer } from './entry-requests.ts';
import { changeGrants } from './memory-grants.ts';
import * as rooms from './memory-rooms.ts';
import * as sessions from './memory-sessions.ts';
import { MemoryStore } from './memory-store.ts';
import { type GrantsChange, type GrantsTarget, MOVE_TTL_MS } from './room-grants.ts';
import type { NewSettings, RoomListQuery, SettingsCondition } from './room-settings.ts';
import {
  type Backplane,
  type BackplaneHandlers,
  type ClaimRule,
  type Departure,
  type IdentityKey,
  type JoinRule,
  type MemberRecord,
  type RoomQuery,
  type SessionRecord,
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
  /** The answer is lost with its connection, and the command is sent again: true runs it twice, as a client of Redis does. */
  isSentAgain?(node: string, operation: string): boolean;
  /** Carries a batch: call `deliver` at once, later, twice or never. */
  carry?(from: string, to: string, deliver: () => void): void;
}

/** Whose scripts know a request that was sent again; the second run of all others does no harm. */
const REMEMBERED: ReadonlySet<string> = new Set([
  'resumeSession',
  'syncSession',
  'endSession',
  'park',
  'writeSettings',
  'answerEntryRequest',
  'closeRoom',
  'forgetRoom',
  'endRoom',
]);

/** What the nodes of one process share: the store, the inboxes, and which nodes live. */
export class MemoryHub extends MemoryStore {
  readonly beats = new Map<string, number>();
  readonly inboxes = new Map<string, (batch: Uint8Array) => void>();
  readonly hooks: HubHooks;
  constructor(clock: Clock, hooks: HubHooks = {}) {
    super(clock);
    this.hooks = hooks;
  }

  connect(): MemoryBackplane {
    return new MemoryBackplane(this);
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
    const first = action();
    // The scripts of the others give the first answer again.
    const isRunTwice = !REMEMBERED.has(operation) && this.#hub.hooks.isSentAgain?.(this.#node, operation);
    const result = isRunTwice ? action() : first;
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

  joinRoom(name: string, member: MemberRecord, rule: JoinRule) {
    return this.#run('joinRoom', () => rooms.joinRoom(this.#hub, name, member, rule));
  }

  putMember(name: string, member: MemberRecord) {
    return this.#run('putMember', () => rooms.putMember(this.#hub, name, member));
  }

  markAway(name: string, peerId: string, deadNode: string, awayFor: number) {
    return this.#run('markAway', () => rooms.markAway(this.#hub, name, { peerId, deadNode, awayFor }));
  }

  dropMember(name: string, peerId: string, mark: WriteMark, { ban }: Departure = {}) {
    return this.#run('dropMember', () => rooms.dropMember(this.#hub, name, { peerId, mark, ban }));
  }

  readRoom(name: string, known: number) {
    return this.#run('readRoom', () => rooms.readRoom(this.#hub, name, known));
  }

  checkRooms(queries: readonly RoomQuery[]) {
    return this.#run('checkRooms', () => rooms.checkRooms(this.#hub, queries));
  }

  closeRoom(name: string) {
    return this.#run('closeRoom', () => rooms.closeRoom(this.#hub, name));
  }

  forgetRoom(name: string) {
    return this.#run('forgetRoom', () => rooms.forgetRoom(this.#hub, name));
  }

  endRoom(name: string) {
    return this.#run('endRoom', () => rooms.endRoom(this.#hub, name));
  }

  writeSettings(name: string, settings: NewSettings, condition: SettingsCondition) {
    return this.#run('writeSettings', () => rooms.writeSettings(this.#hub, name, settings, condition));
  }

  answerEntryRequest(room: string, peerId: string, answer: EntryAnswer) {
    return this.#run('answerEntryRequest', () => rooms.answerEntryRequest(this.#hub, room, { ...answer, peerId }));
  }

  changeGrants(room: string, member: GrantsTarget, change: GrantsChange) {
    return this.#run('changeGrants', () => changeGrants(this.#hub, room, { ...member, change }));
  }

  expectMove(room: string, loginSession: string) {
    return this.#run('expectMove', () =>
      this.#hub.ban(room, { loginSession: `!moved ${loginSession}`, ms: MOVE_TTL_MS }),
    );
  }

  lookIntoRoom(name: string, asker: Pick<JoinRule, 'loginSession' | 'userId'>) {
    return this.#run('lookIntoRoom', () => rooms.lookIntoRoom(this.#hub, name, asker));
  }

  describeRooms(names: readonly string[]) {
    return this.#run('describeRooms', () => rooms.describeRooms(this.#hub, names));
  }

  listRooms(query: RoomListQuery) {
    return this.#run('listRooms', () => rooms.listRooms(this.#hub, query));
  }

  openSession(session: SessionRecord, identity: IdentityKey, rule: ClaimRule) {
    return this.#run('openSession', () => sessions.openSession(this.#hub, session, identity, rule));
  }

  resumeSession(peerId: string, secretHash: string, userId: string) {
    const claimed = { secretHash, userId, node: this.#node };
    return this.#run('resumeSession', () => sessions.resumeSession(this.#hub, peerId, claimed));
  }

  detachSession(peerId: string, mark: WriteMark, node: string, graceMs: number) {
    return this.#run('detachSession', () => sessions.detachSession(this.#hub, peerId, { mark, node, graceMs }));
  }

  syncSession(session: SessionRecord, attached: boolean, graceMs: number) {
    return this.#run('syncSession', () => sessions.syncSession(this.#hub, session, attached ? undefined : graceMs));
  }

  endSession(peerId: string) {
    return this.#run('endSession', () => sessions.endSession(this.#hub, peerId));
  }

  closeSession(peerId: string, mark: WriteMark, identity: IdentityKey) {
    return this.#run('closeSession', () => sessions.closeSession(this.#hub, peerId, mark, identity));
  }

  findSession(peerId: string) {
    return this.#run('findSession', () => sessions.findSession(this.#hub, peerId));
  }

  park(peerId: string, frames: readonly string[], deadNode?: string) {
    return this.#run('park', () => sessions.park(this.#hub, peerId, frames, deadNode));
  }

  claim(identity: IdentityKey, peerId: string, rule: ClaimRule) {
    return this.#run('claim', () => sessions.claimAgain(this.#hub, identity, peerId, rule));
  }

  release(identity: IdentityKey, peerId: string) {
    return this.#run('release', () => sessions.release(this.#hub, identity, peerId));
  }

  async [Symbol.asyncDispose]() {
    this.#ended = true;
    this.#hub.inboxes.delete(this.#node);
  }
}
