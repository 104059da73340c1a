/**
 * What the sessions of this node see of their rooms: a replica of each room, and what they are told when the stored state differs
 * from it. Writes nothing; what the store must be told is its owner's work.
 */
import type { ServerMessage } from '@tandem/protocol';
import { ignoreUnavailable, isLater, isMediaPeer, type MemberRecord, type RoomState } from '../backplane/types.ts';
import type { SignalingNode } from './node.ts';
import { type Member, type MemberInfo, peerInfo, Room } from './room.ts';
import type { Session } from './session.ts';

export interface ViewOwner {
  /** The store misses a session that lives here. */
  restore(room: Room, session: Session): void;
  /** The store has it otherwise than it is. */
  put(session: Session): Promise<void>;
  /** Somebody may be gone by now: read the whole room. */
  refresh(room: Room, options: { whole: boolean }): Promise<void>;
}

export class Views {
  readonly rooms = new Map<string, Room>();
  readonly #node: SignalingNode;
  readonly #owner: ViewOwner;
  constructor(node: SignalingNode, owner: ViewOwner) {
    this.#node = node;
    this.#owner = owner;
  }

  /** The replica of a room, made if need be. */
  open(roomId: string): Room {
    let room = this.rooms.get(roomId);
    if (!room) {
      room = new Room(roomId);
      this.rooms.set(roomId, room);
    }
    return room;
  }

  /** @returns whether anything was different; an older state is not even looked at, unless it is `authoritative` */
  apply(room: Room, state: RoomState, authoritative = false): boolean {
    if (!authoritative && state.version < room.version) return false;
    room.readAt = this.#node.clock.now();
    room.version = state.version;
    let changed = false;
    const present = new Set<string>();
    for (const record of state.members) {
      present.add(record.peerId);
      changed = this.applyMember(room, record, authoritative) || changed;
    }
    for (const session of room.locals)
      if (!present.has(session.peerId))
        // What this node wrote is gone, so what others wrote may be as well.
        this.suspect(room);
    for (const peerId of [...room.members.keys()])
      if (!present.has(peerId)) changed = this.applyGone(room, peerId, 'timeout') || changed;
    return changed;
  }

  /** A member as another node or the store has it. @returns whether that was news */
  applyMember(room: Room, received: MemberRecord, authoritative = false): boolean {
    // A node of an older version does not count.
    const record = { ...received, order: received.order ?? 0 };
    const away = record.awayFor > 0;
    if (away) this.#scheduleReap(room, record.awayFor);
    const known = room.members.get(record.peerId);
    const session = record.node === this.#node.name ? this.#node.sessions.get(record.peerId) : undefined;
    if (!known) {
      const member: Member = {
        peerId: record.peerId,
        node: record.node,
        epoch: record.epoch,
        order: record.order,
        away,
        infoJson: record.info,
        info: JSON.parse(record.info) as MemberInfo,
        session: session?.room === room ? session : undefined,
      };
      room.members.set(record.peerId, member);
      this.tell(room, { type: 'peer_joined', ...peerInfo(member) });
      return true;
    }
    // A session that lives here is known better here than anywhere else: repair the store, not the view.
    if (known.session && known.session.epoch >= record.epoch) {
      this.#compareOwn(known.session, record);
      return false;
    }
    // Its owner writes again what the store lost. If there is none any more, the store is right, as it is what all newcomers see.
    if (isLater(known, record) && !(authoritative && this.#isOwnerless(record, known))) return false;
    let changed = false;
    const resumed = record.epoch > known.epoch;
    known.epoch = record.epoch;
    known.order = record.order;
    known.node = record.node;
    known.session = session?.room === room ? session : undefined;
    if (record.info !== known.infoJson) {
      const before = JSON.stringify(known.info.metadata);
      known.infoJson = record.info;
      known.info = JSON.parse(record.info) as MemberInfo;
      // A new login session of the same user is nobody's news.
      if (JSON.stringify(known.info.metadata) !== before) {
        this.tell(room, { type: 'peer_updated', peerId: known.peerId, metadata: known.info.metadata ?? {} });
        changed = true;
      }
    }
    if (away !== known.away || (resumed && !away)) {
      known.away = away;
      this.tell(room, { type: away ? 'peer_away' : 'peer_back', peerId: known.peerId });
      changed = true;
    }
    return changed;
  }

  #isOwnerless(record: MemberRecord, known: Member): boolean {
    const { liveNodes } = this.#node;
    return record.epoch === known.epoch && !liveNodes.has(record.node);
  }

  /** What the store has of a session of this node: if it lost what was written last, that is written again. */
  #compareOwn(session: Session, record: MemberRecord): void {
    const { sessions } = this.#node;
    const lost = isLater({ epoch: session.epoch, order: session.savedOrder }, record);
    const away = record.awayFor > 0;
    if (lost || away !== (session.state.kind === 'detached')) session.savedOrder = -1;
    // Others took this node for dead, and so detached the session as well.
    if (away && session.state.kind === 'attached') session.unsynced = true;
    if (session.savedOrder < session.order && !sessions.isBusy(session.peerId))
      void this.#owner.put(session).catch(ignoreUnavailable);
  }

  /** `timeout`: it was found missing. @returns whether that was news */
  applyGone(room: Room, peerId: string, reason: string): boolean {
    const member = room.members.get(peerId);
    if (!member) return false;
    if (member.session && room.locals.has(member.session) && reason === 'timeout') {
      this.#owner.restore(room, member.session);
      return false;
    }
    // "Gone" would tear down a call that goes on: its owner has until then to write it again.
    if (reason === 'timeout' && !member.away && this.#node.clock.now() < room.suspectUntil) return false;
    room.members.delete(peerId);
    // Found missing rather than told: only who was away can have timed out.
    const why = reason === 'timeout' && !member.away ? 'left' : reason;
    this.tell(room, { type: 'peer_left', peerId, reason: why });
    return true;
  }

  /** To every attached session of this node in the room, except the one it is about. */
  tell(room: Room, message: ServerMessage & { peerId: string }): void {
    // A media node is no peer but part of the room's state: clients that know none see nothing of it.
    if (isMediaPeer(message.peerId)) {
      this.snapshot(room);
      return;
    }
    let text: string | undefined;
    for (const session of room.locals) {
      if (session.peerId === message.peerId || session.state.kind !== 'attached') continue;
      text ??= JSON.stringify({ ...message, version: room.version });
      session.state.connection.tell(text);
    }
  }

  /** The whole room, to every attached session of this node in it. */
  snapshot(room: Room): void {
    for (const { state, peerId } of room.locals) {
      if (state.kind !== 'attached') continue;
      const message: ServerMessage = {
        type: 'room',
        roomId: room.id,
        peers: room.peers(peerId),
        ...room.media(),
        version: room.version,
      };
      state.connection.tell(JSON.stringify(message));
    }
  }

  #scheduleReap(room: Room, inMs: number): void {
    const { clock } = this.#node;
    const at = clock.now() + inMs + 50 + clock.random() * 200;
    // The earliest counts; that refresh reads the whole room and so plans the next.
    if (at >= room.reapAt) return;
    clock.clearTimeout(room.reapTimer);
    room.reapAt = at;
    room.reapTimer = clock.setTimeout(() => {
      room.reapTimer = undefined;
      room.reapAt = Infinity;
      // Grown since this was planned: who is missing then is gone.
      if (clock.now() < room.suspectUntil) this.#scheduleReap(room, room.suspectUntil - clock.now());
      if (this.rooms.get(room.id) === room) void this.#owner.refresh(room, { whole: true });
    }, at - clock.now());
  }

  /** Its owner has a timeout to notice what the store lost, and another to write it again. */
  suspect(room: Room): void {
    const forMs = 2 * this.#node.settings.nodeTimeout;
    const until = this.#node.clock.now() + forMs;
    if (until <= room.suspectUntil) return;
    room.suspectUntil = until;
    this.#scheduleReap(room, forMs);
  }

  /** Nobody here is in it any more. */
  forget(room: Room): void {
    this.#node.clock.clearTimeout(room.reapTimer);
    this.rooms.delete(room.id);
  }
}
