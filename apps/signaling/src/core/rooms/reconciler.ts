/**
 * Keeps replicas like the store. A gap in the versions of a room, a lost batch, a reconnect or the periodic comparison has a room read
 * again, and the difference is shown to its clients. So a lost event delays news, and never leaves two views different.
 */
import { isLater, ROOM_TTL_MS, type RoomCheck, UnavailableError } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { EntryControl, RoomControl } from '../messaging/control-messages.ts';
import type { Room, Session } from '../model.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import type { MembershipRepair } from './membership-repair.ts';
import { sendSnapshot } from './notifications.ts';
import type { RoomReplicas } from './room-replicas.ts';

/** Rooms compared with the store in one step: thousands of rooms must be no burst. */
const SLICE = 100;

export interface ReconcilerParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly replicas: RoomReplicas;
  readonly repair: MembershipRepair;
}

export class Reconciler {
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #replicas: RoomReplicas;
  readonly #repair: MembershipRepair;
  constructor({ context, registry, replicas, repair }: ReconcilerParts) {
    this.#context = context;
    this.#registry = registry;
    this.#replicas = replicas;
    this.#repair = repair;
  }

  /** A change of a room, from another node. */
  onControl(message: RoomControl): void {
    const room = this.#replicas.rooms.get(message.room);
    if (!room) return;
    if (message.version <= room.version) {
      // Received before in another way; unless the store lost something, and counted up to the same numbers again.
      if (this.#isNews(room, message)) this.resync(room, { whole: true });
      return;
    }
    // Versions before the last were not received; or a node of an older version reports a removal that the store refused.
    if (message.version !== room.version + 1 || (message.t === 'drop' && this.#isOvertaken(room, message))) {
      this.resync(room);
      return;
    }
    room.version = message.version;
    if (message.t === 'put') this.#replicas.applyMember(room, message.member);
    else this.#replicas.applyGone(room, message.peerId, message.reason);
  }

  /** Who comes in or asks to has changed, says another node. */
  onEntry({ room: roomId, version }: EntryControl): void {
    const room = this.#replicas.rooms.get(roomId);
    if (room && version > room.version) this.resync(room);
  }

  #isNews(room: Room, message: RoomControl): boolean {
    if (message.t === 'put') {
      const known = room.members.get(message.member.peerId);
      // What is said of a session of this node is at most what this node said.
      const record = { ...message.member, order: message.member.order ?? 0 };
      return !known || (known.session ? record.epoch > known.session.epoch : isLater(record, known));
    }
    return room.members.has(message.peerId) && message.mark !== undefined && !this.#isOvertaken(room, message);
  }

  /** Something later than what that removal was about is known of the member. */
  #isOvertaken(room: Room, { peerId, mark }: Extract<RoomControl, { t: 'drop' }>): boolean {
    const known = room.members.get(peerId);
    return known !== undefined && mark !== undefined && isLater(known, mark);
  }

  /** Every replica may be stale, and the store may miss what its owners have yet to write again. */
  resyncAll(): void {
    for (const room of this.#replicas.rooms.values()) {
      this.#replicas.markStale(room);
      this.resync(room, { whole: true });
    }
  }

  /** Resyncs the rooms shared with a node whose batch was lost. */
  resyncNode(node: string): void {
    for (const room of this.#replicas.rooms.values())
      for (const m of room.members.values())
        if (m.node === node) {
          this.resync(room);
          break;
        }
  }

  /**
   * Reads the room again and sends the locals a snapshot if it had changed without a notice.
   * @param options.whole the version may be the same and the room another: the store may have lost writes. Default false
   */
  resync(room: Room, { whole = false } = {}): void {
    this.#context.counters.staleReads++;
    void this.#read(room, { isStale: true, whole });
  }

  /** Reads the whole room, which removes members that were away too long. */
  readWhole(room: Room): void {
    void this.#read(room, { whole: true });
  }

  /** Compares every room, in slices. */
  async compareAll(): Promise<void> {
    const rooms = [...this.#replicas.rooms.values()];
    for (let at = 0; at < rooms.length && this.#context.up; at += SLICE)
      await this.#compare(rooms.slice(at, at + SLICE));
  }

  /**
   * Compares versions, and what is stored of this node's own sessions, with what is here; reads the rooms that differ, and the others
   * once in a while.
   */
  async #compare(rooms: readonly Room[]): Promise<void> {
    const owned = rooms.map((room) => [...room.locals]);
    let checks: readonly RoomCheck[];
    try {
      const queries = rooms.map((room, i) => ({ room: room.id, peerIds: (owned[i] ?? []).map((s) => s.peerId) }));
      checks = await this.#context.backplane.checkRooms(queries);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      return;
    }
    const oldest = this.#context.clock.now() - ROOM_TTL_MS / 4;
    await Promise.all(
      rooms.map((room, i) => {
        const check = checks[i];
        if (!check || this.#replicas.rooms.get(room.id) !== room) return undefined;
        if (room.owesWholeRead || room.readAt < oldest) return this.#read(room, { isStale: true, whole: true });
        if (check.version !== room.version) return this.#read(room, { isStale: true });
        // The same number is no proof: a store that lost writes counts up to it again.
        const lost = owned[i]?.some(
          (session, n) => session.room === room && !this.#isStored(session, check.members[n]),
        );
        if (lost) return this.#read(room, { isStale: true, whole: true });
        return this.#repair.repairLocals(room);
      }),
    );
  }

  /** Is that what was written last of a session of this node? One whose write is under way counts as stored. */
  #isStored(session: Session, stored: RoomCheck['members'][number]): boolean {
    if (this.#registry.isBusy(session.peerId)) return true;
    if (!stored || stored.away !== (session.state.kind === 'detached')) return false;
    if (isLater(stored, session)) return false;
    return !isLater({ epoch: session.epoch, order: session.savedOrder }, stored);
  }

  async #read(room: Room, { isStale = false, whole = false }): Promise<void> {
    if (room.reading) {
      room.reading.again ||= isStale || whole;
      room.reading.whole ||= whole;
      return;
    }
    const reading = { again: false, whole };
    room.reading = reading;
    try {
      const known = room.version;
      const state = await this.#context.backplane.readRoom(room.id, whole ? -1 : known);
      if (this.#replicas.rooms.get(room.id) !== room) return;
      room.readAt = this.#context.clock.now();
      if (whole) room.owesWholeRead = false;
      if (state) {
        // Something newer came in while the answer was on its way.
        if (state.version < room.version && room.version !== known) reading.again = true;
        else {
          // After a store that went back, versions count from there.
          const wentBack = state.version < room.version;
          const changed = this.#replicas.apply(room, state, true);
          if ((changed && isStale) || wentBack) sendSnapshot(room);
        }
      }
      this.#repair.repairLocals(room);
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      // The sweep, or the node's recovery, reads it again.
      room.owesWholeRead ||= reading.whole;
    } finally {
      room.reading = undefined;
      if (reading.again && this.#replicas.rooms.get(room.id) === room)
        void this.#read(room, { isStale: true, whole: reading.whole });
    }
  }
}
