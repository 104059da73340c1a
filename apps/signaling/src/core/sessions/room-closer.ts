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
   * @param empty changes the store and says who was in
   * @param closed called before sessions end
   * @throws UnavailableError
   */
  async close(empty: () => Promise<RoomState>, reason?: string, closed: () => void = () => {}): Promise<void> {
    const { members } = await empty();
    closed();
    await this.#expel(members, reason);
  }

  /** Ends the rooms of this node whose time has come, see RoomRules. */
  async endDue(): Promise<void> {
    const { context, replicas } = this.#parts;
    for (const room of [...replicas.rooms.values()]) {
      if (room.endsAt > context.clock.now()) continue;
      const state = await context.backplane.endRoom(room.id).catch(ignoreUnavailable);
      // Or its end was put off; the next read of the room says until when.
      room.endsAt = Infinity;
      if (state) await this.#expel(state.members, 'The time of the room is over.').catch(ignoreUnavailable);
    }
  }

  async #expel(members: readonly MemberRecord[], reason: string | undefined): Promise<void> {
    for (const { peerId, node } of members)
      await this.#parts.terminator.expel(
        { peerId, node, room: '' },
        { close: 'roomClosed', left: 'closed', said: reason },
      );
  }
}
