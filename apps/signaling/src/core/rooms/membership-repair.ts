/** Writes again what the store lost of this node's sessions, and removes or detaches members that no living node holds. */
import { FORCED, ignoreUnavailable, type MemberRecord } from '../../backplane/types.ts';
import type { BackplaneMonitor } from '../backplane-monitor.ts';
import type { NodeContext } from '../context.ts';
import type { Member, Room, Session } from '../model.ts';
import type { SessionQuota } from '../sessions/session-quota.ts';
import type { SessionRecords } from '../sessions/session-records.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import type { SessionTerminator } from '../sessions/terminate.ts';
import { memberRecord } from './member-record.ts';
import type { MembershipWriter } from './membership-writer.ts';
import type { RoomReplicas } from './room-replicas.ts';

export interface MembershipRepairParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly monitor: BackplaneMonitor;
  readonly replicas: RoomReplicas;
  readonly writer: MembershipWriter;
  readonly records: SessionRecords;
  readonly terminator: SessionTerminator;
  readonly quota: SessionQuota;
}

export class MembershipRepair {
  readonly #parts: MembershipRepairParts;
  constructor(parts: MembershipRepairParts) {
    this.#parts = parts;
  }

  /** Writes again what the store does not have, or may not have, of a session of this node. */
  repair(session: Session): void {
    const { registry, writer, records } = this.#parts;
    if (session.savedOrder < session.order) void writer.put(session).catch(ignoreUnavailable);
    if (session.unsynced) void registry.whileBusy(session.peerId, () => records.sync(session)).catch(ignoreUnavailable);
  }

  /** Somebody wrote a later membership of a session of this node. Whose it is the store of sessions knows. @throws UnavailableError */
  async contest(session: Session, { epoch, order }: MemberRecord): Promise<void> {
    const { registry, writer, records } = this.#parts;
    await registry.whileBusy(session.peerId, async () => {
      if (!(await records.sync(session))) return;
      // What is written from now on counts from there.
      if (epoch > session.epoch) session.unsynced = true;
      session.epoch = Math.max(session.epoch, epoch);
      session.order = Math.max(session.order, order + 1);
      await writer.put(session);
    });
  }

  /** Compares the replica with this node's sessions, of which this node is the authority. */
  repairLocals(room: Room): void {
    const { context, registry, terminator } = this.#parts;
    for (const session of room.locals) {
      const member = room.members.get(session.peerId);
      if (!member) this.restore(room, session);
      else if (member.epoch > session.epoch) terminator.fence(session.peerId, member.epoch);
      else if (!registry.isBusy(session.peerId)) this.repair(session);
    }
    // A session that lives here without being in it yet is on its way in, or its removal is pending.
    for (const m of room.members.values())
      if (m.node === context.name && !m.session && !registry.get(m.peerId) && !registry.isBusy(m.peerId))
        void this.#dropGhost(room, m).catch(ignoreUnavailable);
  }

  /**
   * The store lost this member (failover, empty Redis), or others took this node for dead. If the session is still this
   * node's, it is written again.
   */
  restore(room: Room, session: Session): void {
    const { registry, records } = this.#parts;
    records.noticeLoss();
    if (registry.isBusy(session.peerId)) return;
    void registry.whileBusy(session.peerId, () => this.#restore(room, session)).catch(ignoreUnavailable);
  }

  async #restore(room: Room, session: Session): Promise<void> {
    const { context, replicas, writer, records, quota } = this.#parts;
    const { settings, name } = context;
    if (!(await records.sync(session)) || session.room !== room) return;
    const awayFor = session.state.kind === 'detached' ? settings.grace : 0;
    const record = memberRecord(session, name, awayFor);
    const { loginSession } = session.identity;
    const result = await writer.enter(room.id, record, { limit: 0, loginSession });
    if (!result.ok || session.room !== room) return;
    session.savedOrder = Math.max(session.savedOrder, record.order);
    replicas.apply(room, result.state);
    writer.publishPut(room.id, result.state, session.peerId);
    await quota.claimAgain(session);
  }

  /** This node is said to hold a session that it does not have. It may have moved on to a node that could not write that yet. */
  async #dropGhost(room: Room, member: Member): Promise<void> {
    const { context, registry, monitor, writer } = this.#parts;
    const { peerId } = member;
    await registry.whileBusy(peerId, async () => {
      const found = await context.backplane.findSession(peerId);
      if (found && (await monitor.isElsewhere(found.node))) return;
      if (registry.get(peerId)) return;
      if (!found) await writer.removeGhost(room, member);
      // Its node seems dead, or its resume here was not answered: its client may come back until its grace is over.
      else if (!member.away) await Promise.all(this.#orphan(room, member, found.node));
    });
  }

  /**
   * Members of dead nodes become away; the grace runs from now. The session of one that is away is detached as well: the store may have
   * lost that.
   */
  async detachFromDeadNodes(live: ReadonlySet<string>): Promise<void> {
    const work: Promise<unknown>[] = [];
    // A member with no node has moved: its new node is not known yet.
    for (const room of this.#parts.replicas.rooms.values())
      for (const m of room.members.values())
        if (m.node !== '' && !m.session && !live.has(m.node) && !(m.away && m.detachedFrom === m.node))
          work.push(...this.#orphan(room, m));
    await Promise.allSettled(work);
  }

  /** @param holder the dead node that has the session as its record says */
  #orphan(room: Room, member: Member, holder = member.node): Promise<unknown>[] {
    const { context, replicas, writer } = this.#parts;
    const { backplane, settings } = context;
    const { peerId, node } = member;
    const detached = backplane.detachSession(peerId, FORCED, holder, settings.grace).then(() => {
      member.detachedFrom = node;
    });
    if (member.away) return [detached];
    const away = backplane.markAway(room.id, peerId, node, settings.grace).then((state) => {
      if (replicas.rooms.get(room.id) === room) replicas.apply(room, state);
      writer.publishPut(room.id, state, peerId);
    });
    return [detached, away];
  }
}
