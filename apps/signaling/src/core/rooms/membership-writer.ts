/**
 * Writes memberships: enters, changes and removes members in the store, applies the answers to the replicas, and reports each change to the
 * other nodes of the room. Every change is answered with the room as it is, so each write is a read as well.
 */
import { leaveReason } from '@tandem/service/room-events';
import {
  type Ban,
  FORCED,
  type JoinRefusal,
  type JoinResult,
  type JoinRule,
  type MemberRecord,
  type RoomState,
  UnavailableError,
} from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { EntryControl, RoomControl } from '../messaging/control-messages.ts';
import type { Outbox } from '../messaging/outbox.ts';
import type { Member, Room, Session } from '../model.ts';
import { markOf } from '../sessions/session-keys.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import { setGranted } from './grants.ts';
import { entrantOf, entryRequestInfo, memberRecord, placesFor } from './member-record.ts';
import { tellRoom } from './notifications.ts';
import type { PendingRemovals, Removal } from './pending-removals.ts';
import type { RoomReplicas } from './room-replicas.ts';

/** The answer to a join with the grants that the room has for it. */
export type SettledJoin = Exclude<JoinResult, { readonly reason: 'granted' }>;

export interface Joining {
  readonly session: Session;
  readonly roomId: string;
  readonly result: SettledJoin;
  /** Called as soon as it is in, before anything else about the room reaches it. */
  readonly entered: () => void;
}

export interface MembershipWriterParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly replicas: RoomReplicas;
  readonly outbox: Outbox;
  readonly pending: PendingRemovals;
}

/** Tries of a join, when a backend changes what it is granted at the same time. */
const MAX_TRIES = 5;

export class MembershipWriter {
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #replicas: RoomReplicas;
  readonly #outbox: Outbox;
  readonly #pending: PendingRemovals;
  constructor({ context, registry, replicas, outbox, pending }: MembershipWriterParts) {
    this.#context = context;
    this.#registry = registry;
    this.#replicas = replicas;
    this.#outbox = outbox;
    this.#pending = pending;
  }

  /** Stores the membership, with the grants that the room has for it; {@link join} shows it. @param member its record of now */
  async write(session: Session, roomId: string, member: MemberRecord, replaces?: string): Promise<SettledJoin> {
    for (let tries = 0, record = member; ; tries++, record = memberRecord(session, this.#context.name)) {
      const result = await this.#write(session, roomId, record, replaces);
      if (result.ok || result.reason !== 'granted') return result;
      // They are changed by a backend, and by nothing that a client does.
      if (tries === MAX_TRIES) throw this.#context.unavailable();
      setGranted(session, result.granted);
    }
  }

  #write(session: Session, roomId: string, member: MemberRecord, replaces: string | undefined): Promise<JoinResult> {
    const { settings } = this.#context;
    return this.enter(roomId, member, {
      ...{ limit: placesFor(session, settings), loginSession: session.identity.loginSession },
      ...{ created: settings.createdRoomsOnly, granted: session.granted },
      ...entrantOf(session),
      ...{ moderates: session.identity.grants.kick === true, entryRequest: entryRequestInfo(session) },
      ...(replaces === undefined ? {} : { replaces }),
    });
  }

  /** Stores a membership by a rule. The one write that brings a member in. @throws UnavailableError */
  async enter(roomId: string, member: MemberRecord, rule: JoinRule): Promise<JoinResult> {
    try {
      return await this.#context.backplane.joinRoom(roomId, member, rule);
    } catch (error) {
      if (error instanceof UnavailableError) this.#pending.addUnanswered(roomId, member);
      throw error;
    }
  }

  /** A {@link write} took the seat of `peerId` in the same step, one version before `state`. */
  replaced(roomId: string, state: RoomState, peerId: string): void {
    const room = this.#replicas.rooms.get(roomId);
    if (room) this.#replicas.applyGone(room, peerId, 'replaced');
    const version = state.version - 1;
    this.#publish(state, { t: 'drop', room: roomId, version, peerId, reason: 'replaced' });
  }

  /** Takes back what was stored and not shown yet. */
  retract(session: Session, roomId: string): Promise<void> {
    const removal = { room: roomId, peerId: session.peerId, mark: markOf(session), reason: 'left' };
    return this.#dropOrPend({ ...removal, eventReason: 'refused' });
  }

  /** After a {@link write}: on success the session is in and knows the room. */
  async join({ session, roomId, result, entered }: Joining): Promise<'joined' | JoinRefusal> {
    if (!result.ok) {
      if (result.reason === 'waiting' && result.isNew) await this.announce(roomId);
      return result.reason;
    }
    if (session.state.kind === 'ended') {
      // The socket went while the write was on its way: no ghost may stay behind.
      await this.retract(session, roomId);
      return 'joined';
    }
    session.savedOrder = session.order;
    this.#replicas.enter(session, roomId, result.state);
    entered();
    this.publishPut(roomId, result.state, session.peerId);
    return 'joined';
  }

  /** A resumed session enters: from another node, from a detached life here, or from a socket that it leaves behind. */
  resumed(session: Session, roomId: string, state: RoomState): void {
    const wasHere = session.room !== undefined;
    const room = this.#replicas.enter(session, roomId, state);
    const member = room.members.get(session.peerId);
    if (member) {
      member.epoch = session.epoch;
      member.order = session.order;
      if (wasHere) {
        member.away = false;
        tellRoom(room, { type: 'peer_back', peerId: member.peerId });
      }
      this.showAsItIs(session);
    }
    this.publishPut(roomId, state, session.peerId);
  }

  /** Shows a session that was resumed here, by its token of now. */
  showAsItIs(session: Session): void {
    this.#replicas.showAsItIs(session, memberRecord(session, this.#context.name).info);
  }

  /** Takes the session out; others receive `peer_left {reason}`. @throws UnavailableError: then it is out here, and removed later */
  async leave(session: Session, reason: string): Promise<void> {
    const { room } = session;
    if (!room) return;
    session.order++;
    this.#replicas.exit(session, reason);
    room.departed ??= new Map();
    room.departed.set(session.peerId, markOf(session));
    await this.drop({ room: room.id, peerId: session.peerId, mark: markOf(session), reason });
  }

  /** Removes a member that may live anywhere (kicked, replaced). */
  remove(roomId: string, peerId: string, reason: string, ban?: Ban): Promise<void> {
    return this.#dropOrPend({ room: roomId, peerId, mark: FORCED, reason, ban });
  }

  /** Removes a member of this node whose session is not here, unless something later was written. */
  removeGhost({ id }: Room, { peerId, epoch, order }: Member): Promise<void> {
    return this.#dropOrPend({ room: id, peerId, mark: { epoch, order }, reason: 'timeout' });
  }

  async #dropOrPend(removal: Removal): Promise<void> {
    try {
      await this.drop(removal);
    } catch (error) {
      if (error instanceof UnavailableError) this.#pending.add(removal);
      throw error;
    }
  }

  /** Removes a member from the store. @throws UnavailableError */
  async drop({ room: roomId, peerId, mark, reason, eventReason, ban }: Removal): Promise<void> {
    const departure = { reason: eventReason ?? leaveReason(reason), ban };
    const state = await this.#context.backplane.dropMember(roomId, peerId, mark, departure);
    // Something later may have been written of it, on another node: then it stays.
    const isGone = !state.members.some((m) => m.peerId === peerId);
    const room = this.#replicas.rooms.get(roomId);
    if (room && state.version >= room.version) {
      // The reason is this peer's alone: others that the store misses may only have to be written again.
      if (isGone) this.#replicas.applyGone(room, peerId, reason);
      this.#replicas.apply(room, state);
    }
    room?.departed?.delete(peerId);
    if (isGone) this.#publish(state, { t: 'drop', room: roomId, version: state.version, peerId, reason, mark });
  }

  /** Writes the session's current state (metadata, owner, presence). Deferred while the backplane is down. */
  async put(session: Session): Promise<void> {
    const { room } = session;
    if (!room) return;
    const { backplane, name, up, settings } = this.#context;
    if (!up) return;
    const { epoch, order } = session;
    const awayFor = session.state.kind === 'detached' ? settings.grace : 0;
    const state = await this.#registry.whileBusy(session.peerId, () =>
      backplane.putMember(room.id, memberRecord(session, name, awayFor)),
    );
    if (session.epoch === epoch) session.savedOrder = Math.max(session.savedOrder, order);
    this.#replicas.apply(room, state);
    this.publishPut(room.id, state, session.peerId);
  }

  /** Reports a member, as it is in `state`, to the other nodes of the room. */
  publishPut(roomId: string, state: RoomState, peerId: string): void {
    const member = state.members.find((m) => m.peerId === peerId);
    if (member) this.#publish(state, { t: 'put', room: roomId, version: state.version, member });
  }

  /** Something of the room that is no member has changed: reads it, and has every node of the room do so. @throws UnavailableError */
  async announce(roomId: string): Promise<RoomState | undefined> {
    const state = await this.#context.backplane.readRoom(roomId, -1);
    if (!state) return undefined;
    const room = this.#replicas.rooms.get(roomId);
    if (room) this.#replicas.apply(room, state);
    this.#publish(state, { t: 'entry', room: roomId, version: state.version });
    return state;
  }

  #publish(state: RoomState, message: RoomControl | EntryControl): void {
    const nodes = new Set(state.members.map((m) => m.node));
    nodes.delete(this.#context.name);
    for (const node of nodes) this.#outbox.control(node, message);
  }
}
