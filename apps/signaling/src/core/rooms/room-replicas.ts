/**
 * The replicas of this node's rooms: which sessions of the node are in, and what clients receive when the stored state differs from the
 * replica. Writes nothing to the store: what the store lacks is reported to the observer.
 */
import type { PeerMetadata } from '@tandem/protocol';
import { ignoreUnavailable, isLater, type MemberRecord, type RoomState } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import { type Member, type MemberInfo, NONE, peerInfo, Room, type Session } from '../model.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import { setGranted } from './grants.ts';
import { showInfo, tellModerators, tellRestrictions, tellRoom } from './notifications.ts';

export interface ReplicaObserver {
  /** The store lacks a session that lives here. */
  onMissing(room: Room, session: Session): void;
  /** The store has an older state of a session that lives here. */
  onOutdated(session: Session): Promise<void>;
  /** The store has a later state, of the same epoch, of a session that lives here. */
  onContested(session: Session, record: MemberRecord): Promise<void>;
  /** A member may be gone by now: the whole room is to be read. */
  onExpired(room: Room): void;
  /** The answer of the store was older than the replica, or the store lost data. */
  onStale(room: Room): void;
  /** What only moderators may do has changed, and this session shares its screen. */
  onRestricted(session: Session): void;
  /** What the room lets this session do has changed. */
  onGranted(session: Session): void;
}

export class RoomReplicas {
  readonly rooms = new Map<string, Room>();
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #observer: ReplicaObserver;
  constructor(context: NodeContext, registry: SessionRegistry, observer: ReplicaObserver) {
    this.#context = context;
    this.#registry = registry;
    this.#observer = observer;
  }

  /** Puts the session into the replica of the room, made if need be, and applies `state`. */
  enter(session: Session, roomId: string, state: RoomState): Room {
    const room = this.rooms.get(roomId) ?? new Room(roomId, this.#context.clock.now());
    this.rooms.set(roomId, room);
    this.apply(room, state);
    session.room = room;
    room.locals.add(session);
    room.departed?.delete(session.peerId);
    this.#grant(room, session);
    const member = room.members.get(session.peerId);
    if (member) member.session = session;
    // The answer was older than what came in meanwhile, or the store went back: then it does not say who is in.
    else this.#observer.onStale(room);
    return room;
  }

  /** Takes the session out of its room here; nothing is written. */
  exit(session: Session, reason: string): void {
    const { room } = session;
    if (!room) return;
    session.room = undefined;
    setGranted(session, '');
    room.locals.delete(session);
    const member = room.members.get(session.peerId);
    if (room.locals.size === 0) this.#forget(room);
    else if (reason === 'fenced') {
      // It did not leave: it resumed on another node, whose `put` says which. Until then no node has it, so that frames find it by the
      // store.
      if (member) {
        member.session = undefined;
        member.node = '';
      }
    } else if (room.members.delete(session.peerId))
      tellRoom(room, { type: 'peer_left', peerId: session.peerId, reason });
  }

  /** Shows a change of a local session to the room's locals at once, before (or without) the backplane. */
  showLocally(session: Session, change: { away?: boolean; metadata?: PeerMetadata }): void {
    const { room } = session;
    const member = room?.members.get(session.peerId);
    if (!room || !member) return;
    if (change.metadata) showInfo(room, member, JSON.stringify({ ...member.info, metadata: change.metadata }));
    if (change.away !== undefined && change.away !== member.away) {
      member.away = change.away;
      tellRoom(room, { type: change.away ? 'peer_away' : 'peer_back', peerId: member.peerId });
    }
  }

  /**
   * The answer to its resume may have been older than the replica, and so not applied, and its token may be another one: from now on this node is the
   * authority. @param infoJson what is stored of it as a member
   */
  showAsItIs(session: Session, infoJson: string): void {
    const { room } = session;
    const member = room?.members.get(session.peerId);
    if (!room || !member) return;
    const info = JSON.parse(infoJson) as MemberInfo;
    const { metadata = member.info.metadata } = info;
    showInfo(room, member, JSON.stringify(metadata === undefined ? info : { ...info, metadata }));
    this.showLocally(session, { away: false });
  }

  /** @returns whether anything was different; an older state is ignored, unless it is `authoritative`, and so is one that comes too late */
  apply(room: Room, state: RoomState, authoritative = false): boolean {
    if (this.rooms.get(room.id) !== room || (!authoritative && state.version < room.version)) return false;
    room.version = state.version;
    if (state.endsIn !== undefined) room.endsAt = this.#context.clock.now() + state.endsIn;
    this.#applyEntry(room, state);
    if (state.granted) room.granted = state.granted;
    let changed = false;
    const present = new Set<string>();
    for (const record of state.members) {
      present.add(record.peerId);
      changed = this.applyMember(room, record, authoritative) || changed;
    }
    for (const session of room.locals)
      if (!present.has(session.peerId))
        // What this node wrote is gone, so what others wrote may be as well.
        this.markStale(room);
      // Of others it does not say what is decided of them.
      else if (state.granted) this.#grant(room, session);
    for (const peerId of [...room.members.keys()])
      if (!present.has(peerId)) changed = this.applyGone(room, peerId, 'timeout') || changed;
    return changed;
  }

  /** Gives a session of this node the grants that the room has for its login. */
  #grant(room: Room, session: Session): void {
    if (setGranted(session, room.granted.get(session.identity.loginSession) ?? '')) this.#observer.onGranted(session);
  }

  #applyEntry(room: Room, { entry, restricted = NONE, waiting = NONE }: RoomState): void {
    if (entry === undefined) return;
    room.hasSettings = true;
    const ids = (entryRequests: RoomState['waiting'] = []) => entryRequests.map(({ peerId }) => peerId).join();
    const isRestricted = restricted.join() !== room.restricted.join();
    const isNews = isRestricted || entry !== room.entry || ids(waiting) !== ids(room.waiting);
    room.entry = entry;
    room.restricted = restricted;
    room.waiting = waiting;
    const [next] = waiting.map(({ endsIn }) => endsIn).sort((a, b) => a - b);
    if (next !== undefined) this.#scheduleReap(room, next);
    if (isNews) tellModerators(room);
    if (!isRestricted) return;
    tellRestrictions(room);
    for (const session of room.locals) if (session.metadata?.screen === true) this.#observer.onRestricted(session);
  }

  /** A member as another node or the store has it. @returns whether that was news */
  applyMember(room: Room, received: MemberRecord, authoritative = false): boolean {
    // A node of an older version does not count.
    const record = { ...received, order: received.order ?? 0 };
    if (record.awayFor > 0) this.#scheduleReap(room, record.awayFor);
    const known = room.members.get(record.peerId);
    if (!known) {
      const departed = room.departed?.get(record.peerId);
      if (departed && !isLater(record, departed)) return false;
      const member = this.#memberOf(room, record);
      room.members.set(record.peerId, member);
      tellRoom(room, { type: 'peer_joined', ...peerInfo(member) });
      return true;
    }
    // A session that lives here is known better here than anywhere else: repair the store, not the view.
    if (known.session && known.session.epoch >= record.epoch) {
      this.#compareOwn(known.session, record);
      return false;
    }
    // Its owner writes again what the store lost. If there is none any more, the store is right, as joining clients see that.
    if (isLater(known, record) && !(authoritative && this.#isOwnerless(record, known))) return false;
    return this.#replace(room, known, record);
  }

  #memberOf(room: Room, record: MemberRecord): Member {
    return {
      peerId: record.peerId,
      node: record.node,
      epoch: record.epoch,
      order: record.order,
      away: record.awayFor > 0,
      infoJson: record.info,
      info: JSON.parse(record.info) as MemberInfo,
      detachedFrom: '',
      session: this.#sessionOf(room, record),
    };
  }

  /** The session of a member that this node holds. */
  #sessionOf(room: Room, { peerId, node }: MemberRecord): Session | undefined {
    const session = node === this.#context.name ? this.#registry.get(peerId) : undefined;
    return session?.room === room ? session : undefined;
  }

  /** @returns whether clients were told of a difference */
  #replace(room: Room, known: Member, record: MemberRecord): boolean {
    const { peerId } = known;
    const away = record.awayFor > 0;
    const isResumed = record.epoch > known.epoch;
    let changed = false;
    known.epoch = record.epoch;
    known.order = record.order;
    known.node = record.node;
    known.session = this.#sessionOf(room, record);
    if (showInfo(room, known, record.info)) changed = true;
    if (away !== known.away || (isResumed && !away)) {
      known.away = away;
      tellRoom(room, { type: away ? 'peer_away' : 'peer_back', peerId });
      changed = true;
    }
    return changed;
  }

  #isOwnerless(record: MemberRecord, known: Member): boolean {
    return record.epoch === known.epoch && !this.#context.liveNodes.has(record.node);
  }

  /** Compares what the store has of a session of this node: if it lost what was written last, that is written again. */
  #compareOwn(session: Session, record: MemberRecord): void {
    if (isLater(record, session)) {
      // What is written now would be refused, again and again.
      if (!this.#registry.isBusy(session.peerId))
        void this.#observer.onContested(session, record).catch(ignoreUnavailable);
      return;
    }
    const lost = isLater({ epoch: session.epoch, order: session.savedOrder }, record);
    const away = record.awayFor > 0;
    if (lost || away !== (session.state.kind === 'detached')) session.savedOrder = -1;
    // Others took this node for dead, and so detached the session as well.
    if (away && session.state.kind === 'attached') session.unsynced = true;
    if (session.savedOrder < session.order && !this.#registry.isBusy(session.peerId))
      void this.#observer.onOutdated(session).catch(ignoreUnavailable);
  }

  /** @param reason `timeout`: it was found missing. @returns whether that was news */
  applyGone(room: Room, peerId: string, reason: string): boolean {
    const member = room.members.get(peerId);
    if (!member) return false;
    if (member.session && room.locals.has(member.session) && reason === 'timeout') {
      this.#observer.onMissing(room, member.session);
      return false;
    }
    // "Gone" would tear down a call that goes on: its owner has until then to write it again.
    if (reason === 'timeout' && !member.away && this.#context.clock.now() < room.staleUntil) return false;
    room.members.delete(peerId);
    // It was found missing, and no removal was received: only a member that was away can have timed out.
    const why = reason === 'timeout' && !member.away ? 'left' : reason;
    tellRoom(room, { type: 'peer_left', peerId, reason: why });
    return true;
  }

  /** The store lost data: an owner has one timeout to notice that, and another to write it again. */
  markStale(room: Room): void {
    const forMs = 2 * this.#context.settings.nodeTimeout;
    const until = this.#context.clock.now() + forMs;
    if (until <= room.staleUntil) return;
    room.staleUntil = until;
    this.#scheduleReap(room, forMs);
  }

  #scheduleReap(room: Room, inMs: number): void {
    const { clock } = this.#context;
    const at = clock.now() + inMs + 50 + clock.random() * 200;
    // The earliest counts; that read covers the whole room and so plans the next.
    if (at >= room.reapAt) return;
    clock.clearTimeout(room.reapTimer);
    room.reapAt = at;
    room.reapTimer = clock.setTimeout(() => {
      room.reapTimer = undefined;
      room.reapAt = Infinity;
      // Grown since this was planned: a member that is missing then is gone.
      if (clock.now() < room.staleUntil) this.#scheduleReap(room, room.staleUntil - clock.now());
      if (this.rooms.get(room.id) === room) this.#observer.onExpired(room);
    }, at - clock.now());
  }

  /** No session of this node is in it any more. */
  #forget(room: Room): void {
    this.#context.clock.clearTimeout(room.reapTimer);
    this.rooms.delete(room.id);
  }

  /** Stops the timers of all rooms: the node ends. */
  stop(): void {
    for (const room of this.rooms.values()) this.#context.clock.clearTimeout(room.reapTimer);
  }
}
