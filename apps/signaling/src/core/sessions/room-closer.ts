/** Empties rooms: on request, or because the end of a room has come. */
import { ignoreUnavailable, type MemberRecord, type RoomState } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { RoomReplicas } from '../rooms/room-replicas.ts';
import type { SessionTerminator } from './terminate.ts';

export interface RoomCloserParts {
  readonly context: NodeContext;
  readonly replicas: RoomReplicas;
  readonly terminator: SessionTerminator;
}

export class RoomCloser {
  readonly #parts: RoomCloserParts;
  constructor(parts: RoomCloserParts) {
    this.#parts = parts;
  }

  /**
   * Ends every session in a room. The store is emptied first, so that members which this node does not know end as well.
   * @param closed called before sessions end
   * @throws UnavailableError: sessions that have not ended do so when the store answers again
   */
  async close(roomId: string, reason?: string, closed: () => void = () => {}): Promise<void> {
    const { backplane } = this.#parts.context;
    const before = await backplane.readRoom(roomId, -1);
    let state: RoomState;
    try {
      state = await backplane.closeRoom(roomId);
    } catch (error) {
      // It may be empty all the same, and does not say any more whose sessions are to end.
      await this.#expel(before?.members ?? [], roomId, reason).catch(ignoreUnavailable);
      throw error;
    }
    closed();
    await this.#expel(state.members, '', reason);
  }

  /** The same, and its settings go: last, so that the room is found, and its lock holds, when this fails and is tried again. @throws UnavailableError */
  async forget(roomId: string): Promise<void> {
    await this.close(roomId);
    const { members } = await this.#parts.context.backplane.forgetRoom(roomId);
    // Who came meanwhile.
    await this.#expel(members, '', undefined);
  }

  /** Ends the rooms of this node whose time has come, see RoomRules. */
  async endDue(): Promise<void> {
    const { context, replicas } = this.#parts;
    for (const room of [...replicas.rooms.values()]) {
      if (room.endsAt > context.clock.now()) continue;
      let state: RoomState | undefined;
      try {
        state = await context.backplane.endRoom(room.id);
      } catch (error) {
        ignoreUnavailable(error);
        // It is still due at the next sweep.
        continue;
      }
      // Or its end was put off; the next read of the room says until when.
      room.endsAt = Infinity;
      if (state) await this.#expel(state.members, '', 'The time of the room is over.').catch(ignoreUnavailable);
    }
  }

  /** @param room '': they are out of it already. @throws UnavailableError when all were tried */
  async #expel(members: readonly MemberRecord[], room: string, said: string | undefined): Promise<void> {
    const { terminator } = this.#parts;
    const why = { close: 'roomClosed', left: 'closed', said } as const;
    const ended = await Promise.allSettled(
      members.map(({ peerId, node }) => terminator.expel({ peerId, node, room }, why)),
    );
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }
}
