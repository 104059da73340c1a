/** Enters a room for the first time: quota and session record, then membership. */
import type { ErrorCode } from '@tandem/protocol';
import { type JoinRefusal, UnavailableError } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import { RefusalError } from '../errors.ts';
import type { Session } from '../model.ts';
import type { MembershipWriter, SettledJoin } from '../rooms/membership-writer.ts';
import type { PendingRemovals } from '../rooms/pending-removals.ts';
import type { RoomEntries } from './room-entries.ts';
import type { SessionQuota } from './session-quota.ts';
import type { SessionRecords } from './session-records.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { Takeover } from './takeover.ts';
import type { SessionTerminator } from './terminate.ts';

export interface SessionJoinerParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly quota: SessionQuota;
  readonly records: SessionRecords;
  readonly writer: MembershipWriter;
  readonly pending: PendingRemovals;
  readonly terminator: SessionTerminator;
  readonly takeover: Takeover;
  readonly entries: RoomEntries;
}

export class SessionJoiner {
  readonly #parts: SessionJoinerParts;
  constructor(parts: SessionJoinerParts) {
    this.#parts = parts;
  }

  /**
   * @param entered called as soon as it is in, before anything else about the room reaches it
   * @throws RefusalError `room_full`, `room_locked`, `room_waiting`, `room_over`, `room_unknown`, `forbidden`, `too_many_sessions`, `unavailable`
   */
  async join(session: Session, roomId: string, entered: () => void): Promise<void> {
    const { context, registry, records, pending, takeover, entries } = this.#parts;
    if (!context.up) throw context.unavailable();
    session.order++;
    session.joinedAt = context.clock.date();
    await registry.whileBusy(session.peerId, async () => {
      try {
        const result = await this.#enter(session, roomId, entered);
        if (result === 'joined') {
          context.counters.joins++;
          session.asksAt = undefined;
          // The socket went while the writes were on their way.
          if (!registry.get(session.peerId)) await records.remove(session);
          return;
        }
        await records.remove(session);
        if (result === 'waiting') await entries.asked(session, roomId);
        throw refused(roomId, result, context.settings.askAgain);
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        pending.addSession(roomId, session, { patience: context.settings.nodeTimeout });
        takeover.onUnanswered(session.peerId);
        throw context.unavailable();
      }
    });
  }

  /**
   * Writes session and membership in one round trip, as almost always there is room for both. Otherwise the membership is written again
   * once there is, or taken back.
   */
  async #enter(session: Session, roomId: string, entered: () => void): Promise<'joined' | JoinRefusal> {
    const { quota, records, writer } = this.#parts;
    const join = (result: SettledJoin) => writer.join({ session, roomId, result, entered });
    const member = records.member(session);
    const record = records.of(session, roomId, member.info);
    // Both to their ends: a write that is still under way could not be taken back.
    const [opened, wrote] = await Promise.allSettled([
      quota.open(session, record),
      writer.write(session, roomId, member),
    ]);
    if (opened.status === 'rejected') throw opened.reason;
    if (wrote.status === 'rejected') throw wrote.reason;
    const makeRoom = opened.value;
    if (!makeRoom) return join(await this.#takeSeat(session, roomId, wrote.value));
    try {
      await makeRoom();
    } catch (error) {
      if (wrote.value.ok) await writer.retract(session, roomId);
      throw error;
    }
    return join(await this.#takeSeat(session, roomId, await writer.write(session, roomId, records.member(session))));
  }

  /** In a full room, the seat of a member of the same user that is away, such as a page before it was loaded again. */
  async #takeSeat(session: Session, roomId: string, first: SettledJoin): Promise<SettledJoin> {
    const { context, records, writer, terminator } = this.#parts;
    let result = first;
    while (!result.ok && result.reason === 'full' && result.away !== undefined) {
      const peerId: string = result.away;
      // Before its seat is taken, or its owner would write it again.
      const ended = await context.backplane.endSession(peerId);
      result = await writer.write(session, roomId, records.member(session), peerId);
      if (result.ok) writer.replaced(roomId, result.state, peerId);
      const target = { peerId, node: ended?.node ?? '', room: result.ok ? '' : roomId };
      await terminator.expelled(target, { close: 'replaced', left: 'replaced' });
    }
    return result;
  }
}

/** What a join is refused with. */
export function refused(roomId: string, result: JoinRefusal, askAgain: number): RefusalError {
  const refusal = (code: ErrorCode, message: string) => new RefusalError(code, message, { field: '/roomId' });
  switch (result) {
    case 'full':
      return refusal('room_full', `Room ${roomId} has reached its size.`);
    case 'banned':
      return refusal('forbidden', 'You were removed from this room.');
    case 'locked':
      return refusal('room_locked', `Room ${roomId} is locked.`);
    case 'waiting':
      return new RefusalError('room_waiting', `A moderator of room ${roomId} decides whether you come in.`, {
        ...{ field: '/roomId', retryAfter: askAgain },
      });
    case 'over':
      return refusal('room_over', `Room ${roomId} takes no new people any more.`);
    case 'unknown':
      return refusal('room_unknown', `There is no room ${roomId}: it has to be created first (POST /v1/rooms).`);
    default:
      return result satisfies never;
  }
}
