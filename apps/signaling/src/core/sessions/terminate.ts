/** How a session leaves its room, loses its socket, moves to another node, or ends. */
import type { CloseName, ServerMessage } from '@tandem/protocol';
import { type Ban, ignoreUnavailable, UnavailableError } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { SessionControl } from '../messaging/control-messages.ts';
import type { Outbox } from '../messaging/outbox.ts';
import type { Session } from '../model.ts';
import type { MembershipWriter } from '../rooms/membership-writer.ts';
import type { PendingRemovals } from '../rooms/pending-removals.ts';
import type { RoomReplicas } from '../rooms/room-replicas.ts';
import { identityKey, markOf } from './session-keys.ts';
import type { SessionRecords } from './session-records.ts';
import type { SessionRegistry } from './session-registry.ts';

/** A session that may live on any node. */
export interface ExpelTarget {
  readonly peerId: string;
  readonly node: string;
  /** '' when its membership is gone already. */
  readonly room: string;
}

/** What is absent is as the record of the session has it. */
export type ExpelRequest = Pick<ExpelTarget, 'peerId'> & Partial<ExpelTarget>;

export interface ExpelReason {
  /** How its socket is closed. */
  readonly close: CloseName;
  /** `peer_left.reason` for the others. */
  readonly left: string;
  /** `kicked.reason` for its client. Default: none. */
  readonly said?: string | undefined;
  /** Its client receives that before: with the end itself, so that the one cannot come without the other. */
  readonly first?: ServerMessage;
  readonly ban?: Ban;
}

export interface SessionTerminatorParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly replicas: RoomReplicas;
  readonly writer: MembershipWriter;
  readonly records: SessionRecords;
  readonly pending: PendingRemovals;
  readonly outbox: Outbox;
}

export class SessionTerminator {
  readonly #parts: SessionTerminatorParts;
  constructor(parts: SessionTerminatorParts) {
    this.#parts = parts;
  }

  /** Leaves the room; the session stays, without anything stored. */
  async leave(session: Session): Promise<void> {
    await this.#withdraw(session, 'left');
  }

  /** Its socket is gone: keep it for the grace period. */
  async detach(session: Session): Promise<void> {
    const { context, registry, replicas, writer } = this.#parts;
    const { clock, settings, backplane, name } = context;
    if (session.state.kind !== 'attached') return;
    if (!session.room) {
      registry.forget(session);
      return;
    }
    const grace = clock.setTimeout(() => void this.end(session, 'timeout'), settings.grace);
    session.state = { kind: 'detached', grace };
    session.order++;
    session.unsynced = true;
    replicas.showLocally(session, { away: true });
    const { order } = session;
    const detached = async () => {
      await backplane.detachSession(session.peerId, markOf(session), name, settings.grace);
      if (session.order === order) session.unsynced = false;
    };
    await registry
      .whileBusy(session.peerId, () => Promise.all([detached(), writer.put(session)]))
      .catch(ignoreUnavailable);
  }

  /** Ends it everywhere. */
  async end(session: Session, reason: string): Promise<void> {
    if (session.state.kind === 'ended') return;
    const { room } = session;
    this.#parts.registry.forget(session);
    if (room) await this.#withdraw(session, reason);
  }

  /** Takes it out of its room and out of the store; what cannot be written now is written later. */
  async #withdraw(session: Session, reason: string): Promise<void> {
    const { registry, writer, records, pending } = this.#parts;
    const { room } = session;
    if (!room) return;
    await registry.whileBusy(session.peerId, async () => {
      try {
        await Promise.all([writer.leave(session, reason), records.remove(session)]);
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        pending.addSession(room.id, session, { reason });
      }
    });
  }

  /** A newer owner exists: let go without touching what is stored. */
  fence(peerId: string, epoch: number): void {
    const { context, registry } = this.#parts;
    const session = registry.get(peerId);
    if (!session || session.epoch >= epoch) return;
    context.counters.fenced++;
    this.#drop(session, 'fenced');
  }

  /**
   * Ends the session of any node from here; its socket receives `kicked` unless it was replaced.
   * @throws UnavailableError: what is missing is done when the store answers again
   */
  async expel(target: ExpelRequest, why: ExpelReason): Promise<void> {
    const { context, pending } = this.#parts;
    const { peerId } = target;
    let ended: Awaited<ReturnType<typeof context.backplane.endSession>>;
    try {
      ended = await context.backplane.endSession(peerId);
    } catch (error) {
      if (error instanceof UnavailableError)
        pending.addEnd(JSON.stringify([peerId, why.left, why.ban]), () => this.expel(target, why));
      throw error;
    }
    const node = ended?.node ?? target.node;
    if (node !== undefined) await this.expelled({ peerId, node, room: target.room ?? ended?.room ?? '' }, why);
  }

  /** The rest of {@link expel}, for a session that the store has ended already: out of its room, and off its node. */
  async expelled({ peerId, node, room }: ExpelTarget, why: ExpelReason): Promise<void> {
    try {
      if (room) await this.#parts.writer.remove(room, peerId, why.left, why.ban);
    } finally {
      // Whether or not the room could be written: the session is over.
      this.#sendEnd(peerId, node, why);
    }
  }

  #sendEnd(peerId: string, node: string, { close, said, first }: ExpelReason): void {
    const { context, outbox } = this.#parts;
    const message = {
      t: 'end',
      peerId,
      close,
      ...(said === undefined ? {} : { reason: said }),
      ...(first ? { first } : {}),
    } as const;
    if (node === context.name) this.onEnd(message);
    else outbox.control(node, message);
  }

  /** A session of this node was ended, here or on another node, which has changed what is stored. */
  onEnd({ peerId, close, reason, first }: Extract<SessionControl, { t: 'end' }>): void {
    const { context, registry } = this.#parts;
    const session = registry.get(peerId);
    registry.noteEnd(peerId);
    if (!session) return;
    if (first && session.state.kind === 'attached') session.state.connection.sendMessage(first);
    if (session.state.kind === 'attached' && (close === 'kicked' || close === 'tokenRefused'))
      session.state.connection.sendMessage({ type: 'kicked', ...(reason === undefined ? {} : { reason }) });
    this.#drop(session, close);
    void context.backplane.release(identityKey(session), peerId).catch(ignoreUnavailable);
  }

  /** Lets go of a session that lives on another node, or no more. */
  #drop(session: Session, close: CloseName): void {
    const { registry, replicas } = this.#parts;
    const { state } = session;
    replicas.exit(session, close);
    registry.forget(session);
    if (state.kind === 'attached') state.connection.close(close);
  }
}
