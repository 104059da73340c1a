/** The stored record of each session of this node: what it says, whether it is still this node's, and its end. */
import { FORCED, type MemberRecord, type SessionRecord, UnavailableError } from '../../backplane/types.ts';
import type { BackplaneMonitor } from '../backplane-monitor.ts';
import type { NodeContext } from '../context.ts';
import type { Session } from '../model.ts';
import { memberRecord } from '../rooms/member-record.ts';
import { inSlices } from '../slices.ts';
import { hashSecret, identityKey, markOf } from './session-keys.ts';
import type { SessionRegistry } from './session-registry.ts';

export interface RecordObserver {
  /** A newer owner of that session exists. */
  onFenced(peerId: string, epoch: number): void;
  /** This node took the session over by a resume that ended without an answer: what it says is to be written again. */
  onTakenOver(session: Session): void;
  /** The store did not answer a comparison that may write the record, and may carry it out late. */
  onUnanswered(peerId: string): void;
}

export interface SessionRecordsParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly monitor: BackplaneMonitor;
  readonly observer: RecordObserver;
}

export class SessionRecords {
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #monitor: BackplaneMonitor;
  readonly #observer: RecordObserver;
  /** The store lost writes of rooms, so it may lose those of sessions as well, which no comparison of rooms shows. */
  #isLossNoticed = false;
  /** Sessions with a newer owner that may give them back: since when. */
  readonly #contested = new WeakMap<Session, number>();
  /** When all were compared last. */
  #comparedAt = 0;
  constructor({ context, registry, monitor, observer }: SessionRecordsParts) {
    this.#context = context;
    this.#registry = registry;
    this.#monitor = monitor;
    this.#observer = observer;
  }

  /** @param info as its {@link memberRecord} has it */
  of(session: Session, roomId = session.room?.id ?? '', info = this.member(session).info): SessionRecord {
    const { name } = this.#context;
    return {
      peerId: session.peerId,
      node: name,
      ...markOf(session),
      secretHash: hashSecret(session.secret),
      userId: session.identity.userId,
      loginSession: session.identity.loginSession,
      room: roomId,
      info,
    };
  }

  /** What is stored of it as a member, by what it is now. */
  member(session: Session): MemberRecord {
    return memberRecord(session, this.#context.name);
  }

  /** For every session in a room: is it still this node's, and is there mail? @throws UnavailableError */
  async syncAll(): Promise<void> {
    await inSlices(this.#registry.all(), async (session) => {
      if (!session.room || this.#registry.isBusy(session.peerId)) return;
      await this.#registry.whileBusy(session.peerId, () => this.sync(session));
    });
  }

  noticeLoss(): void {
    this.#isLossNoticed = true;
  }

  /**
   * Compares every session at the sweep after a loss, as a failover may follow what was written again at once; and once in each grace period,
   * as a shard may lose records of sessions alone, and each ends by itself after a day. @throws UnavailableError
   */
  async compareDue(): Promise<void> {
    const { clock, settings } = this.#context;
    if (!this.#isLossNoticed && clock.now() - this.#comparedAt < settings.grace) return;
    this.#isLossNoticed = false;
    this.#comparedAt = clock.now();
    await this.syncAll();
  }

  /** @returns false when it turned out to have a newer owner, or to be over. @throws UnavailableError */
  async sync(session: Session): Promise<boolean> {
    const { backplane, settings, name } = this.#context;
    const attached = session.state.kind === 'attached';
    const { order } = session;
    const result = await backplane.syncSession(this.of(session), attached, settings.grace).catch((error: unknown) => {
      if (error instanceof UnavailableError) this.#observer.onUnanswered(session.peerId);
      throw error;
    });
    if (result.kind === 'fenced' && result.by?.node === name) {
      // Taken over by a resume of this node that gave up waiting for the store.
      session.epoch = Math.max(session.epoch, result.by.epoch);
      session.order++;
      session.unsynced = true;
      this.#observer.onTakenOver(session);
      return true;
    }
    if (result.kind === 'fenced') {
      if (result.by && this.#mayBeGivenBack(session)) return false;
      this.#observer.onFenced(session.peerId, session.epoch + 1);
      return false;
    }
    this.#contested.delete(session);
    // It ended, or its socket went meanwhile: this may have been written over that.
    if (session.state.kind === 'ended') await this.remove(session);
    if (attached && session.state.kind === 'detached')
      await backplane.detachSession(session.peerId, markOf(session), name, settings.grace);
    if (session.order === order) session.unsynced = false;
    if (session.state.kind === 'attached') for (const text of result.parked) session.state.connection.send(text);
    return session.state.kind !== 'ended';
  }

  /**
   * The newer owner may be a node that gave the resume up before the store carried it out: it gives the session back (takeover.ts) when it
   * looks that up. A client whose only socket is here must not be told that it has another.
   */
  #mayBeGivenBack(session: Session): boolean {
    const { clock, settings } = this.#context;
    const now = clock.now();
    if (session.state.kind !== 'attached') return false;
    const since = this.#contested.get(session) ?? now;
    this.#contested.set(session, since);
    // Asked again at each sweep.
    session.unsynced = true;
    return now - since <= settings.nodeTimeout + 2 * settings.sweepInterval;
  }

  /** Removes its record and frees its quota, unless it has a newer owner. @throws UnavailableError */
  async remove(session: Session): Promise<void> {
    const { backplane } = this.#context;
    const { peerId } = session;
    const mark = markOf(session);
    if (await backplane.closeSession(peerId, mark, identityKey(session))) return;
    const found = await backplane.findSession(peerId);
    if (!found || found.epoch <= mark.epoch) return;
    // A resume of this node is under way.
    if (this.#registry.busyCount(peerId) > 1 || (this.#registry.get(peerId) ?? session) !== session) return;
    // Taken over by a resume whose answer was given up: here, or on a node that seems dead. Its client may still come back.
    if (!(await this.#monitor.isElsewhere(found.node)))
      await backplane.detachSession(peerId, FORCED, found.node, this.#context.settings.grace);
  }
}
