/**
 * Who is in which room: what is written, and when it is read again. Membership is state: every change answers with the room as it is,
 * every doubt (a gap in versions, a gap in a node's batches, a reconnect) reads it again, and views.ts tells clients the differences.
 * So a lost event delays news, and never leaves two views different.
 */
import type { PeerMetadata } from '@tandem/protocol';
import {
  type Ban,
  FORCED,
  ignoreUnavailable,
  isLater,
  type JoinResult,
  type MemberRecord,
  ROOM_TTL_MS,
  type RoomCheck,
  type RoomState,
  Unavailable,
  type WriteMark,
} from '../backplane/types.ts';
import type { SignalingNode } from './node.ts';
import { entrantOf, type Member, memberRecord, type Room } from './room.ts';
import { markOf, type Session } from './session.ts';
import { Views } from './views.ts';

/** Between nodes, in `control` entries. */
export type RoomControl =
  | { readonly t: 'put'; readonly room: string; readonly version: number; readonly member: MemberRecord }
  | {
      readonly t: 'drop';
      readonly room: string;
      readonly version: number;
      readonly peerId: string;
      readonly reason: string;
      /** Of the removal. Nodes of an older version do not say. */
      readonly mark?: WriteMark;
    };

interface Removal {
  readonly room: string;
  readonly peerId: string;
  readonly mark: WriteMark;
  readonly reason: string;
  /** What is stored of it must go as well, unless it is in a room. */
  readonly session?: Session;
}
interface Debt extends Removal {
  /** Not before then, unless the session is over. */
  readonly due: number;
}

interface Joining {
  readonly session: Session;
  readonly roomId: string;
  readonly result: JoinResult;
  /** See Sessions.join. */
  readonly entered: () => void;
}
export class Membership {
  readonly #node: SignalingNode;
  readonly #views: Views;
  readonly #debts: Debt[] = [];
  #settling: Promise<void> | undefined;
  constructor(node: SignalingNode) {
    this.#node = node;
    this.#views = new Views(node, this);
  }

  get rooms(): ReadonlyMap<string, Room> {
    return this.#views.rooms;
  }

  /** Stores the membership; {@link join} shows it. */
  write(session: Session, roomId: string, limit: number, replaces?: string): Promise<JoinResult> {
    const { backplane, name } = this.#node;
    return backplane.joinRoom(roomId, memberRecord(session, name), {
      ...{ limit, loginSession: session.identity.loginSession },
      ...entrantOf(session),
      ...(replaces === undefined ? {} : { replaces }),
    });
  }

  /** A {@link write} took the seat of `peerId` in the same step, one version before `state`. */
  replaced(roomId: string, state: RoomState, peerId: string): void {
    const room = this.rooms.get(roomId);
    if (room) this.#views.applyGone(room, peerId, 'replaced');
    const version = state.version - 1;
    this.#publish(state, { t: 'drop', room: roomId, version, peerId, reason: 'replaced' });
  }

  /** Takes back what was stored and not shown yet. */
  retract(session: Session, roomId: string): Promise<void> {
    return this.#drop({ room: roomId, peerId: session.peerId, mark: markOf(session), reason: 'left' });
  }

  /** After a {@link write}: on success the session is in and knows the room. */
  async join({ session, roomId, result, entered }: Joining): Promise<'joined' | 'full' | 'banned'> {
    if (!result.ok) return result.reason;
    if (session.state.kind === 'ended') {
      // The socket went while the write was on its way: nobody may stay behind.
      await this.retract(session, roomId);
      return 'joined';
    }
    session.savedOrder = session.order;
    this.enter(session, roomId, result.state);
    entered();
    this.#publishPut(roomId, result.state, session.peerId);
    return 'joined';
  }

  /** Makes the session a local of the room's replica and applies `state`. */
  enter(session: Session, roomId: string, state: RoomState): Room {
    const room = this.#views.open(roomId);
    this.#views.apply(room, state);
    session.room = room;
    room.locals.add(session);
    const member = room.members.get(session.peerId);
    if (member) member.session = session;
    // The answer was older than what came in meanwhile, or the store went back: then it does not say who is in.
    else this.doubt(room, { whole: true });
    return room;
  }

  /** Takes the session out; others hear `peer_left {reason}`. @throws Unavailable: then it is out here, and {@link owe}d */
  async leave(session: Session, reason: string, ban?: Ban): Promise<void> {
    const { room } = session;
    if (!room) return;
    session.order++;
    this.exit(session, reason);
    await this.#dropStored({ room: room.id, peerId: session.peerId, mark: markOf(session), reason }, ban);
  }

  /** The local half of leaving. */
  exit(session: Session, reason: string): void {
    const { room } = session;
    if (!room) return;
    session.room = undefined;
    room.locals.delete(session);
    const member = room.members.get(session.peerId);
    if (room.locals.size === 0) this.#views.forget(room);
    else if (reason === 'fenced') {
      // It did not leave: it resumed on another node, whose `put` says which. Until then nobody's, so that frames find it by the store.
      if (member) {
        member.session = undefined;
        member.node = '';
      }
    } else if (room.members.delete(session.peerId))
      this.#views.tell(room, { type: 'peer_left', peerId: session.peerId, reason });
  }

  async #drop(removal: Removal, ban?: Ban): Promise<void> {
    try {
      await this.#dropStored(removal, ban);
    } catch (error) {
      if (error instanceof Unavailable) this.#debts.push({ ...removal, due: 0 });
      throw error;
    }
  }

  async #dropStored({ room: roomId, peerId, mark, reason }: Removal, ban?: Ban): Promise<void> {
    const state = await this.#node.backplane.dropMember(roomId, peerId, mark, ban);
    const room = this.rooms.get(roomId);
    if (room && state.version >= room.version) {
      // The reason is this peer's alone: others that the store misses may only have to be written again.
      if (!state.members.some((m) => m.peerId === peerId)) this.#views.applyGone(room, peerId, reason);
      this.#views.apply(room, state);
    }
    this.#publish(state, { t: 'drop', room: roomId, version: state.version, peerId, reason, mark });
  }

  /** Removes a member that may live anywhere (kicked, replaced). */
  remove(roomId: string, peerId: string, reason: string, ban?: Ban): Promise<void> {
    return this.#drop({ room: roomId, peerId, mark: FORCED, reason }, ban);
  }

  /** Writes what the session says of itself now: metadata, owner, away or here. What cannot be written now is when the backplane is back. */
  async put(session: Session): Promise<void> {
    const { room } = session;
    if (!room) return;
    const { backplane, name, up, settings, sessions } = this.#node;
    if (!up) return;
    const { epoch, order } = session;
    const awayFor = session.state.kind === 'detached' ? settings.grace : 0;
    const state = await sessions.whileBusy(session.peerId, () =>
      backplane.putMember(room.id, memberRecord(session, name, awayFor)),
    );
    if (session.epoch === epoch) session.savedOrder = Math.max(session.savedOrder, order);
    this.#views.apply(room, state);
    this.#publishPut(room.id, state, session.peerId);
  }

  /** Shows a change of a local session to the room's locals at once, before (or without) the backplane. */
  showLocally(session: Session, change: { away?: boolean; metadata?: PeerMetadata }): void {
    const { room } = session;
    const member = room?.members.get(session.peerId);
    if (!room || !member) return;
    if (change.metadata) {
      member.info = { ...member.info, metadata: change.metadata };
      member.infoJson = JSON.stringify(member.info);
      this.#views.tell(room, { type: 'peer_updated', peerId: member.peerId, metadata: change.metadata });
    }
    if (change.away !== undefined && change.away !== member.away) {
      member.away = change.away;
      this.#views.tell(room, { type: change.away ? 'peer_away' : 'peer_back', peerId: member.peerId });
    }
  }

  /** Empties the stored room. Whoever was in it must be told by the caller. */
  async close(room: Room): Promise<readonly MemberRecord[]> {
    return (await this.#node.backplane.closeRoom(room.id)).members;
  }

  /**
   * It is not in that room (any more), and the store may say otherwise: its answer was lost, or it is away.
   * @param patience a session that tries again within so many ms must not be seen to leave in between
   */
  owe(room: string, session: Session, reason = 'left', patience = 0): void {
    const { peerId } = session;
    this.#debts.push({ room, peerId, mark: markOf(session), reason, session, due: this.#node.clock.now() + patience });
  }

  /** What a node could not write while the backplane was away: it owes the rooms these removals. @throws Unavailable */
  settle(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => {
      this.#settling = undefined;
    });
    return this.#settling;
  }

  async #settle(): Promise<void> {
    const { sessions, clock } = this.#node;
    const due = this.#debts.filter(({ due, session }) => due <= clock.now() || session?.state.kind === 'ended');
    for (const debt of due) {
      const { room, peerId, session } = debt;
      if (sessions.isBusy(peerId)) continue;
      // Unless it came in again meanwhile.
      if (sessions.get(peerId)?.room?.id !== room) {
        await this.#dropStored(debt);
        // A next join may have begun meanwhile: what is stored is its own then.
        if (session && !session.room && !sessions.isBusy(peerId)) await sessions.unstore(session);
      }
      this.#debts.splice(this.#debts.indexOf(debt), 1);
    }
  }

  /** From another node. */
  onControl(message: RoomControl): void {
    const room = this.rooms.get(message.room);
    if (!room) return;
    if (message.version <= room.version) {
      // Heard before in another way; unless the store lost something, and counted up to the same numbers again.
      if (this.#isNews(room, message)) this.doubt(room, { whole: true });
      return;
    }
    if (message.version !== room.version + 1) {
      this.doubt(room);
      return;
    }
    room.version = message.version;
    if (message.t === 'put') this.#views.applyMember(room, message.member);
    else this.#views.applyGone(room, message.peerId, message.reason);
  }

  #isNews(room: Room, message: RoomControl): boolean {
    if (message.t === 'put') {
      const known = room.members.get(message.member.peerId);
      // What is said of a session of this node is at most what this node said.
      const record = { ...message.member, order: message.member.order ?? 0 };
      return !known || (known.session ? record.epoch > known.session.epoch : isLater(record, known));
    }
    const known = room.members.get(message.peerId);
    return known !== undefined && message.mark !== undefined && !isLater(known, message.mark);
  }

  /** A resumed session enters: from another node, from a detached life here, or from a socket that it leaves behind. */
  resumed(session: Session, roomId: string, state: RoomState): Room {
    const wasHere = session.room !== undefined;
    const room = this.enter(session, roomId, state);
    const member = room.members.get(session.peerId);
    if (wasHere && member) {
      member.epoch = session.epoch;
      member.order = session.order;
      member.away = false;
      this.#views.tell(room, { type: 'peer_back', peerId: member.peerId });
    }
    this.#publishPut(roomId, state, session.peerId);
    return room;
  }

  /** Everything may be stale, and the store may miss what its owners have yet to write again. */
  doubtAll(): void {
    for (const room of this.rooms.values()) {
      this.#views.suspect(room);
      this.doubt(room, { whole: true });
    }
  }

  /** Rooms shared with a node whose batch was lost. */
  doubtNode(node: string): void {
    for (const room of this.rooms.values())
      for (const m of room.members.values())
        if (m.node === node) {
          this.doubt(room);
          break;
        }
  }

  /**
   * Reads the room again and sends the locals a snapshot if it had changed unheard.
   * @param options.whole the version may be the same and the room another: the store may have lost writes. Default false
   */
  doubt(room: Room, { whole = false } = {}): void {
    this.#node.counters.doubts++;
    void this.refresh(room, { doubted: true, whole });
  }

  /**
   * Compares versions, and what is stored of this node's own sessions, with what is here; reads the rooms that differ, and the others
   * once in a while.
   */
  async compare(rooms: readonly Room[]): Promise<void> {
    const owned = rooms.map((room) => [...room.locals]);
    let checks: readonly RoomCheck[];
    try {
      const queries = rooms.map((room, i) => ({ room: room.id, peerIds: (owned[i] ?? []).map((s) => s.peerId) }));
      checks = await this.#node.backplane.checkRooms(queries);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      return;
    }
    const stale = this.#node.clock.now() - ROOM_TTL_MS / 4;
    await Promise.all(
      rooms.map((room, i) => {
        const check = checks[i];
        if (!check || this.rooms.get(room.id) !== room) return undefined;
        if (check.version !== room.version || room.readAt < stale) return this.refresh(room, { doubted: true });
        // The same number is no proof: a store that lost writes counts up to it again.
        const lost = owned[i]?.some(
          (session, n) => session.room === room && !this.#isStored(session, check.members[n]),
        );
        if (lost) return this.refresh(room, { doubted: true, whole: true });
        return this.#repairLocals(room);
      }),
    );
  }

  /** Is that what was written last of a session of this node? One whose write is under way counts as stored. */
  #isStored(session: Session, stored: RoomCheck['members'][number]): boolean {
    if (this.#node.sessions.isBusy(session.peerId)) return true;
    if (!stored || stored.away !== (session.state.kind === 'detached')) return false;
    return !isLater({ epoch: session.epoch, order: session.savedOrder }, stored);
  }

  /** Compares with the stored truth; also what removes members that were away too long. */
  async refresh(room: Room, { doubted = false, whole = false } = {}): Promise<void> {
    if (room.reading) {
      room.reading.again ||= doubted || whole;
      room.reading.whole ||= whole;
      return;
    }
    const reading = { again: false, whole };
    room.reading = reading;
    try {
      const known = room.version;
      const state = await this.#node.backplane.readRoom(room.id, whole ? -1 : known);
      if (this.rooms.get(room.id) !== room) return;
      room.readAt = this.#node.clock.now();
      if (state) {
        // Something newer came in while the answer was on its way.
        if (state.version < room.version && room.version !== known) reading.again = true;
        else {
          // After a store that went back, versions count from there.
          const wentBack = state.version < room.version;
          const changed = this.#views.apply(room, state, true);
          if ((changed && doubted) || wentBack) this.#views.snapshot(room);
        }
      }
      this.#repairLocals(room);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      // The node's recovery doubts every room again.
    } finally {
      room.reading = undefined;
      if (reading.again && this.rooms.get(room.id) === room)
        void this.refresh(room, { doubted: true, whole: reading.whole });
    }
  }

  /** Members of dead nodes become away; the grace runs from now. */
  async onDeadNodes(live: ReadonlySet<string>): Promise<void> {
    const { backplane, settings } = this.#node;
    const work: Promise<unknown>[] = [];
    for (const room of this.rooms.values())
      for (const m of room.members.values()) {
        if (m.session || m.away || live.has(m.node)) continue;
        const { peerId, node, epoch } = m;
        work.push(
          backplane.detachSession(peerId, { ...FORCED, epoch }, node, settings.grace),
          backplane.markAway(room.id, peerId, node, settings.grace).then((state) => {
            if (this.rooms.get(room.id) === room) this.#views.apply(room, state);
            this.#publishPut(room.id, state, peerId);
          }),
        );
      }
    await Promise.allSettled(work);
  }

  /** The stored room and this node's sessions must agree, and this node is the authority on its own sessions. */
  #repairLocals(room: Room): void {
    const { sessions, name } = this.#node;
    for (const session of room.locals) {
      const member = room.members.get(session.peerId);
      if (!member) this.restore(room, session);
      else if (member.epoch > session.epoch) sessions.fence(session.peerId, member.epoch);
      else if (!sessions.isBusy(session.peerId)) this.repair(session);
    }
    // A session that lives here without being in it yet is on its way in, or owed.
    for (const m of room.members.values())
      if (m.node === name && !m.session && !sessions.get(m.peerId) && !sessions.isBusy(m.peerId))
        void this.#dropGhost(room, m).catch(ignoreUnavailable);
  }

  /** This node is said to hold a session that it does not have. It may have moved on to a node that could not write that yet. */
  async #dropGhost(room: Room, { peerId, epoch, order }: Member): Promise<void> {
    const { sessions, backplane, name } = this.#node;
    await sessions.whileBusy(peerId, async () => {
      const found = await backplane.findSession(peerId);
      if (found && found.node !== name && (!this.#node.mayJudge() || (await this.#node.isLive(found.node)))) return;
      if (sessions.get(peerId)) return;
      await this.#drop({ room: room.id, peerId, mark: { epoch, order }, reason: 'timeout' });
    });
  }

  /** Writes again what the store does not have, or may not have, of a session of this node. */
  repair(session: Session): void {
    const { sessions } = this.#node;
    if (session.savedOrder < session.order) void this.put(session).catch(ignoreUnavailable);
    if (session.unsynced)
      void sessions.whileBusy(session.peerId, () => sessions.sync(session)).catch(ignoreUnavailable);
  }

  /**
   * The store lost this member (failover, empty Redis), or others took this node for dead. If the session is still this
   * node's, it is written again.
   */
  restore(room: Room, session: Session): void {
    const { sessions, backplane, name } = this.#node;
    if (sessions.isBusy(session.peerId)) return;
    void sessions
      .whileBusy(session.peerId, async () => {
        if (!(await sessions.sync(session)) || session.room !== room) return;
        const awayFor = session.state.kind === 'detached' ? this.#node.settings.grace : 0;
        const record = memberRecord(session, name, awayFor);
        const { loginSession } = session.identity;
        const result = await backplane.joinRoom(room.id, record, { limit: 0, loginSession });
        if (!result.ok || session.room !== room) return;
        session.savedOrder = Math.max(session.savedOrder, record.order);
        this.#views.apply(room, result.state);
        this.#publishPut(room.id, result.state, session.peerId);
        await this.#node.places.claimAgain(session);
      })
      .catch(ignoreUnavailable);
  }

  #publishPut(roomId: string, state: RoomState, peerId: string): void {
    const member = state.members.find((m) => m.peerId === peerId);
    if (member) this.#publish(state, { t: 'put', room: roomId, version: state.version, member });
  }

  #publish(state: RoomState, message: RoomControl): void {
    const nodes = new Set(state.members.map((m) => m.node));
    nodes.delete(this.#node.name);
    for (const node of nodes) this.#node.outbox.control(node, message);
  }
}
