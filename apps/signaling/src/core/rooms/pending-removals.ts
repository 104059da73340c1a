/** Members and sessions that are gone here and that the store may still have: its answer was lost, or it is away. Removed when it answers again. */
import type { LeaveReason } from '@tandem/service/room-events';
import type { Ban, WriteMark } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { Session } from '../model.ts';
import { markOf } from '../sessions/session-keys.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import { inSlices } from '../slices.ts';

export interface Removal {
  readonly room: string;
  readonly peerId: string;
  readonly mark: WriteMark;
  /** For the others in the room: `peer_left.reason`. */
  readonly reason: string;
  /** What events say, when that differs. */
  readonly eventReason?: LeaveReason;
  readonly ban?: Ban | undefined;
}

interface PendingRemoval extends Removal {
  /** Its record is removed as well, unless it is in a room. */
  readonly session?: Session;
  /** Not before this time, unless the session is over. */
  readonly due: number;
}

export interface RemovalActions {
  /** Removes the member from the store. @throws UnavailableError */
  removeMember(removal: Removal): Promise<void>;
  /** Removes the record of the session from the store. @throws UnavailableError */
  removeRecord(session: Session): Promise<void>;
}

export class PendingRemovals {
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #actions: RemovalActions;
  readonly #pending: PendingRemoval[] = [];
  readonly #ends = new Map<string, () => Promise<void>>();
  #flushing: Promise<void> | undefined;
  constructor(context: NodeContext, registry: SessionRegistry, actions: RemovalActions) {
    this.#context = context;
    this.#registry = registry;
    this.#actions = actions;
  }

  add(removal: Removal): void {
    this.#pending.push({ ...removal, due: 0 });
  }

  /**
   * A session of any node is to be ended.
   * @param key the same again is done once
   * @param end adds itself again when the store is still away
   */
  addEnd(key: string, end: () => Promise<void>): void {
    this.#ends.set(key, end);
  }

  /**
   * The session is not in that room (any more).
   * @param options.patience a session that tries again within this time, ms, must not be seen to leave in between. Default 0
   */
  addSession(room: string, session: Session, { reason = 'left', patience = 0 } = {}): void {
    const due = this.#context.clock.now() + patience;
    this.#pending.push({ room, peerId: session.peerId, mark: markOf(session), reason, session, due });
  }

  /** A write of that member was not answered: the store may carry it out when its session is in the room no more. */
  addUnanswered(room: string, { peerId, epoch, order }: WriteMark & { readonly peerId: string }): void {
    const due = this.#context.clock.now() + this.#context.settings.nodeTimeout;
    this.#pending.push({ room, peerId, mark: { epoch, order }, reason: 'left', due });
  }

  /** Carries out what is due. @throws UnavailableError */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #flush(): Promise<void> {
    const ends = [...this.#ends.values()];
    this.#ends.clear();
    const ended = await Promise.allSettled(ends.map((end) => end()));
    const now = this.#context.clock.now();
    const due = this.#pending.filter((one) => one.due <= now || one.session?.state.kind === 'ended');
    await inSlices(due, (removal) => this.#carryOut(removal));
    for (const one of ended) if (one.status === 'rejected') throw one.reason;
  }

  async #carryOut(removal: PendingRemoval): Promise<void> {
    const { room, peerId, session } = removal;
    if (this.#registry.isBusy(peerId)) return;
    const held = this.#registry.get(peerId);
    // Taken over by a resume that could not bring it into its room: its client may come back until its grace is over.
    if (held?.state.kind === 'detached' && !held.room) return;
    // Unless it came in again meanwhile.
    if (held?.room?.id !== room) {
      await this.#actions.removeMember(removal);
      // A next join may have begun meanwhile: what is stored is its own then.
      if (session && !session.room && !this.#registry.isBusy(peerId)) await this.#actions.removeRecord(session);
    }
    this.#pending.splice(this.#pending.indexOf(removal), 1);
  }
}
