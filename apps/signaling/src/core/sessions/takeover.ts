/**
 * Resumes and comparisons whose answer did not come: the store may have given the session to this node, or written its record, or may do so
 * late. Each is looked up once the store must have carried it out or dropped it.
 */
import { FORCED } from '../../backplane/types.ts';
import type { BackplaneMonitor } from '../backplane-monitor.ts';
import type { NodeContext } from '../context.ts';
import type { Outbox } from '../messaging/outbox.ts';
import type { MembershipRepair } from '../rooms/membership-repair.ts';
import { inSlices } from '../slices.ts';
import type { SessionRecords } from './session-records.ts';
import type { SessionRegistry } from './session-registry.ts';

/** Peer ids are unverified while the store is down, so the number remembered is capped. */
const MAX_UNANSWERED = 10_000;

export interface TakeoverParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly monitor: BackplaneMonitor;
  readonly records: SessionRecords;
  readonly repair: MembershipRepair;
  readonly outbox: Outbox;
}

export class Takeover {
  readonly #parts: TakeoverParts;
  /** When each is looked up. */
  readonly #unanswered = new Map<string, number>();
  constructor(parts: TakeoverParts) {
    this.#parts = parts;
  }

  /** A resume or a comparison of that session was not answered. */
  onUnanswered(peerId: string): void {
    const { clock, settings } = this.#parts.context;
    if (this.#unanswered.size < MAX_UNANSWERED) this.#unanswered.set(peerId, clock.now() + settings.nodeTimeout);
  }

  /** Looks up what is due. @throws UnavailableError */
  async resolve(): Promise<void> {
    const { context, registry, records } = this.#parts;
    const now = context.clock.now();
    const due = [...this.#unanswered].filter(([, at]) => at <= now).map(([peerId]) => peerId);
    await inSlices(due, async (peerId) => {
      if (registry.isBusy(peerId)) return;
      const session = registry.get(peerId);
      if (session?.room) await registry.whileBusy(peerId, () => records.sync(session));
      else await this.#giveBack(peerId);
      this.#unanswered.delete(peerId);
    });
  }

  /** The node that holds the session in its room goes on with it. If there is none it is detached, and ends after its grace as any other. */
  async #giveBack(peerId: string): Promise<void> {
    const { context, monitor, outbox } = this.#parts;
    const { backplane, name, settings } = context;
    const found = await backplane.findSession(peerId);
    if (found?.node !== name) return;
    const room = await backplane.readRoom(found.room, -1);
    const member = room?.members.find((m) => m.peerId === peerId);
    if (member && (await monitor.isElsewhere(member.node)))
      outbox.control(member.node, { t: 'keep', peerId, epoch: found.epoch });
    await backplane.detachSession(peerId, { ...FORCED, epoch: found.epoch }, name, settings.grace);
  }

  /** Another node was given the session at that epoch and does not have it: this one goes on with it. */
  onKeep(peerId: string, epoch: number): void {
    const session = this.#parts.registry.get(peerId);
    if (!session?.room || session.state.kind === 'ended' || session.epoch > epoch) return;
    session.epoch = epoch + 1;
    session.order++;
    session.unsynced = true;
    this.#parts.repair.repair(session);
  }
}
