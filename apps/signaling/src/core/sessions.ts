/** The sessions of this node: opened, detached, resumed (from here or from any other node), fenced, ended. */
import { type CloseName, mayEnter } from '@tandem/protocol';
import {
  type Ban,
  FORCED,
  ignoreUnavailable,
  type JoinResult,
  type JoinRule,
  MEDIA_PREFIX,
  type MemberRecord,
  type RoomState,
  type SessionRecord,
  Unavailable,
  userTag,
} from '../backplane/types.ts';
import type { Connection } from './connection.ts';
import { Refusal } from './errors.ts';
import { guestKey, type Identity, quotaUser } from './identity.ts';
import type { SignalingNode } from './node.ts';
import { identityKey } from './places.ts';
import { type MemberInfo, memberRecord } from './room.ts';
import { hashSecret, markOf, type Session } from './session.ts';

/** Between nodes. */
export type SessionControl =
  | { readonly t: 'fence'; readonly peerId: string; readonly epoch: number }
  /** The store says that the sender took it over at that epoch, and the sender knows nothing of it: the addressee goes on. */
  | { readonly t: 'keep'; readonly peerId: string; readonly epoch: number }
  | { readonly t: 'end'; readonly peerId: string; readonly close: CloseName; readonly reason?: string };

export interface Resumed {
  readonly session: Session;
  readonly parked: readonly string[];
}

export class Sessions {
  readonly #node: SignalingNode;
  readonly #byId = new Map<string, Session>();
  /** Sessions with a write under way: the sweep must not take them for ghosts. */
  readonly #busy = new Map<string, number>();
  /** The store may have given them to this node, or may do so late, and the answer was lost. Judged from then on. */
  readonly #unsure = new Map<string, number>();
  constructor(node: SignalingNode) {
    this.#node = node;
  }

  get size(): number {
    return this.#byId.size;
  }
  get(peerId: string): Session | undefined {
    return this.#byId.get(peerId);
  }
  all(): Iterable<Session> {
    return this.#byId.values();
  }
  isBusy(peerId: string): boolean {
    return this.#busy.has(peerId);
  }

  async whileBusy<T>(peerId: string, work: () => Promise<T>): Promise<T> {
    this.#busy.set(peerId, (this.#busy.get(peerId) ?? 0) + 1);
    try {
      return await work();
    } finally {
      const left = (this.#busy.get(peerId) ?? 1) - 1;
      if (left === 0) this.#busy.delete(peerId);
      else this.#busy.set(peerId, left);
    }
  }

  /** A fresh session on a new socket. Nothing is stored before it joins a room. */
  create(identity: Identity, connection: Connection): Session {
    const { clock } = this.#node;
    const guest = guestKey(identity);
    const session: Session = {
      peerId: `${identity.grants.media ? MEDIA_PREFIX : ''}${clock.randomId(9)}${userTag(quotaUser(identity.userId, guest))}`,
      secret: clock.randomId(18),
      identity,
      guest,
      epoch: 1,
      state: { kind: 'attached', connection },
      metadata: identity.name === undefined ? undefined : { name: identity.name },
      ...{ room: undefined, parking: false, order: 0, savedOrder: 0, unsynced: false },
    };
    this.#byId.set(session.peerId, session);
    return session;
  }

  /**
   * Enters a room for the first time: stated policy for a second socket of one identity, then session and membership.
   * @param entered called as soon as it is in, before anything else about the room reaches it
   * @throws Refusal `room_full`, `forbidden`, `too_many_sessions`, `unavailable`
   */
  async join(session: Session, roomId: string, entered: () => void): Promise<void> {
    const { membership, settings, counters } = this.#node;
    if (!this.#node.up) throw this.#node.router.unavailable();
    session.order++;
    await this.whileBusy(session.peerId, async () => {
      try {
        const result = await this.#enter(session, roomId, entered);
        if (result === 'joined') {
          counters.joins++;
          // The socket went while the writes were on their way.
          if (!this.#byId.has(session.peerId)) await this.unstore(session);
          return;
        }
        await this.unstore(session);
        if (result === 'full')
          throw new Refusal('room_full', `Room ${roomId} has reached its size.`, { field: '/roomId' });
        throw new Refusal('forbidden', 'You were removed from this room.', { field: '/roomId' });
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        membership.owe(roomId, session, 'left', settings.nodeTimeout);
        throw this.#node.router.unavailable();
      }
    });
  }

  /**
   * Writes session and membership in one round trip: almost always nobody stands in the way. Otherwise the membership is written again
   * once its place is free, or taken back.
   */
  async #enter(session: Session, roomId: string, entered: () => void): Promise<'joined' | 'full' | 'banned'> {
    const { membership, places, settings } = this.#node;
    const { grants } = session.identity;
    // A media node's agent is no person: it enters a full room, and no ban of a person is about it.
    const limit = grants.media ? 0 : Math.min(grants.maxRoomSize ?? settings.maxRoomSize, settings.maxRoomSize);
    const join = (result: JoinResult) => membership.join({ session, roomId, result, entered });
    const record = this.record(session, roomId);
    // Both to their ends: a write that is still under way could not be taken back.
    const [opened, wrote] = await Promise.allSettled([
      places.open(session, record),
      membership.write(session, roomId, limit),
    ]);
    if (opened.status === 'rejected') throw opened.reason;
    if (wrote.status === 'rejected') throw wrote.reason;
    const free = opened.value;
    if (free === 'at once') return join(await this.#takeSeat(session, roomId, limit, wrote.value));
    try {
      await free();
    } catch (error) {
      if (wrote.value.ok) await membership.retract(session, roomId);
      throw error;
    }
    return join(await this.#takeSeat(session, roomId, limit, await membership.write(session, roomId, limit)));
  }

  /** In a full room, the seat of a member of the same user that is away, such as a page before it was loaded again. */
  async #takeSeat(session: Session, roomId: string, limit: number, first: JoinResult): Promise<JoinResult> {
    const { membership, backplane } = this.#node;
    let result = first;
    while (!result.ok && result.reason === 'full' && result.away !== undefined) {
      const peerId: string = result.away;
      // Before its seat is taken, or its owner would write it again.
      const ended = await backplane.endSession(peerId);
      result = await membership.write(session, roomId, limit, peerId);
      if (result.ok) membership.replaced(roomId, result.state, peerId);
      const target = { peerId, node: ended?.node ?? '', room: result.ok ? '' : roomId };
      await this.expelled(target, 'replaced', 'replaced');
    }
    return result;
  }

  record(session: Session, roomId = session.room?.id ?? ''): SessionRecord {
    return {
      peerId: session.peerId,
      node: this.#node.name,
      ...markOf(session),
      secretHash: hashSecret(session.secret),
      userId: session.identity.userId,
      loginSession: session.identity.loginSession,
      room: roomId,
      info: memberRecord(session, this.#node.name).info,
    };
  }

  /** Leaves the room; the session stays, without anything stored. */
  async leave(session: Session): Promise<void> {
    await this.#withdraw(session, 'left');
  }

  /** Its socket is gone: it ends if that was a goodbye, and waits for the next one otherwise. */
  release(session: Session, connection: Connection): Promise<void> {
    return connection.left ? this.end(session, 'left') : this.detach(session);
  }

  /** Its socket is gone: keep it for the grace period. */
  async detach(session: Session): Promise<void> {
    const { clock, settings, membership, backplane } = this.#node;
    if (session.state.kind !== 'attached') return;
    if (!session.room) {
      this.#forget(session);
      return;
    }
    const grace = clock.setTimeout(() => void this.end(session, 'timeout'), settings.grace);
    session.state = { kind: 'detached', grace };
    session.order++;
    session.unsynced = true;
    membership.showLocally(session, { away: true });
    const { order } = session;
    const detached = async () => {
      await backplane.detachSession(session.peerId, markOf(session), this.#node.name, settings.grace);
      if (session.order === order) session.unsynced = false;
    };
    await this.whileBusy(session.peerId, () => Promise.all([detached(), membership.put(session)])).catch(
      ignoreUnavailable,
    );
  }

  /** Ends it everywhere. */
  async end(session: Session, reason: string, ban?: Ban): Promise<void> {
    if (session.state.kind === 'ended') return;
    const { room } = session;
    this.#forget(session);
    if (room) await this.#withdraw(session, reason, ban);
  }

  /** Takes it out of its room and out of the store; what cannot be written now is owed. */
  async #withdraw(session: Session, reason: string, ban?: Ban): Promise<void> {
    const { membership } = this.#node;
    const { room } = session;
    if (!room) return;
    await this.whileBusy(session.peerId, async () => {
      try {
        await Promise.all([membership.leave(session, reason, ban), this.unstore(session)]);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        membership.owe(room.id, session, reason);
      }
    });
  }

  /** Continues a session on `connection`. @throws Refusal `session_unknown`, `unavailable` */
  async resume(peerId: string, secret: string, identity: Identity, connection: Connection): Promise<Resumed> {
    const resumed = await this.whileBusy(peerId, async () => {
      const local = this.#byId.get(peerId);
      if (!this.#node.up) return this.#resumeHere(local, secret, identity, connection);
      try {
        return await this.#resumeAnywhere(peerId, secret, identity, connection);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        // Anybody may ask for anything while nobody can check it: so many, no more.
        if (this.#unsure.size < 10_000)
          this.#unsure.set(peerId, this.#node.clock.now() + this.#node.settings.nodeTimeout);
        return this.#resumeHere(local, secret, identity, connection);
      }
    });
    const { session } = resumed;
    if (session.room && !mayEnter(identity.grants, session.room.id)) {
      await this.end(session, 'left');
      throw new Refusal('session_unknown', 'Your token does not grant its room any more.', { field: '/sessionToken' });
    }
    return resumed;
  }

  /** What this node took over without ever hearing so. @throws Unavailable */
  async settle(): Promise<void> {
    const now = this.#node.clock.now();
    for (const [peerId, due] of this.#unsure) {
      if (due > now || this.isBusy(peerId)) continue;
      const session = this.#byId.get(peerId);
      if (!session) await this.#giveBack(peerId);
      else if (session.room) await this.whileBusy(peerId, () => this.sync(session));
      this.#unsure.delete(peerId);
    }
  }

  /** Whoever holds that session goes on with it. If nobody does it is detached, and ends after its grace as any other. */
  async #giveBack(peerId: string): Promise<void> {
    const { backplane, name, settings, outbox } = this.#node;
    const found = await backplane.findSession(peerId);
    if (found?.node !== name) return;
    const room = await backplane.readRoom(found.room, -1);
    const member = room?.members.find((m) => m.peerId === peerId);
    if (member && member.node !== name && (await this.#node.isLive(member.node)))
      outbox.control(member.node, { t: 'keep', peerId, epoch: found.epoch });
    await backplane.detachSession(peerId, { ...FORCED, epoch: found.epoch }, name, settings.grace);
  }

  /** See {@link SessionControl}. */
  onKeep(peerId: string, epoch: number): void {
    const session = this.#byId.get(peerId);
    if (!session?.room || session.state.kind === 'ended' || session.epoch > epoch) return;
    session.epoch = epoch + 1;
    session.order++;
    session.unsynced = true;
    this.#node.membership.repair(session);
  }

  async #resumeAnywhere(peerId: string, secret: string, identity: Identity, connection: Connection): Promise<Resumed> {
    const { backplane, membership, name, outbox, places, counters } = this.#node;
    const result = await backplane.resumeSession(peerId, hashSecret(secret), identity.userId);
    if (!result.ok) {
      counters.resumesFailed++;
      throw new Refusal('session_unknown', 'That session is over; join again.', { field: '/sessionToken' });
    }
    const { session: record, previousNode } = result;
    if (previousNode !== name) outbox.control(previousNode, { t: 'fence', peerId, epoch: record.epoch });
    const local = this.#byId.get(peerId);
    if (local && local.epoch >= record.epoch) throw this.#overtaken(local, connection, result.parked);
    const session = this.#continued(record, secret, identity);
    // What is here may be older than what another owner wrote last.
    const known = this.#byId.get(peerId) === session;
    this.#attach(session, identity, record.epoch, connection);
    session.order = Math.max(session.order, record.order) + 1;
    session.unsynced = false;
    const member = memberRecord(session, name);
    let state: RoomState;
    try {
      // Its places end by themselves after a day; a session may live longer, and under another login session.
      [state] = await Promise.all([
        this.#rejoin(record.room, member, session, known),
        places.claimAgain(session).catch(ignoreUnavailable),
      ]);
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      if (session.room) return { ...this.#resumeHere(session, secret, identity, connection), parked: result.parked };
      this.#adrift(session, record.room);
      throw error;
    }
    if (this.#byId.get(peerId) !== session) {
      // Moved on, or ended, while the answer was on its way.
      membership.owe(record.room, session);
      throw new Refusal('session_unknown', 'That session is over; join again.', { field: '/sessionToken' });
    }
    if (!known) this.#adopt(session, state);
    membership.resumed(session, record.room, state);
    counters.resumes++;
    return { session, parked: result.parked };
  }

  /** A later resume was answered before this one: that socket has the session, and gets what this one took from the mailbox. */
  #overtaken(session: Session, connection: Connection, parked: readonly string[]): Refusal {
    const { router } = this.#node;
    if (session.state.kind === 'attached') for (const text of parked) session.state.connection.send(text);
    else for (const text of parked) router.park(session.peerId, text);
    connection.abandon('fenced');
    return router.unavailable();
  }

  /** The session of a record that this node took over: as it is here, unless others owned it since. */
  #continued(record: SessionRecord, secret: string, identity: Identity): Session {
    const { peerId, epoch } = record;
    const local = this.#byId.get(peerId);
    if (local?.room && local.epoch + 1 === epoch) return local;
    this.fence(peerId, epoch);
    const { guest, metadata } = JSON.parse(record.info) as MemberInfo;
    return {
      ...{ peerId, secret, identity, guest, epoch, metadata, state: { kind: 'ended' } },
      ...{ room: undefined, parking: false, order: 0, savedOrder: 0, unsynced: false },
    };
  }

  /** What it said of itself last is what its room has: see `info` of {@link JoinRule}. */
  #adopt(session: Session, state: RoomState): void {
    const record = state.members.find(({ peerId }) => peerId === session.peerId);
    if (!record || record.epoch !== session.epoch) return;
    const info = JSON.parse(record.info) as MemberInfo;
    session.metadata = info.metadata;
    // The rest of it is from the token: what is stored may be of an older one.
    if (memberRecord(session, this.#node.name).info !== record.info) session.order++;
  }

  /** Taken over, but not in its room: its client asks again, or it leaves after its grace as any other. */
  #adrift(session: Session, roomId: string): void {
    const { clock, settings, membership } = this.#node;
    if (session.state.kind !== 'attached') return;
    const over = () => {
      this.#forget(session);
      membership.owe(roomId, session);
    };
    session.state = { kind: 'detached', grace: clock.setTimeout(over, settings.grace) };
  }

  /** The membership may have been reaped an instant ago, or lost with its Redis: the session is the proof of it. */
  async #rejoin(room: string, member: MemberRecord, session: Session, known: boolean): Promise<RoomState> {
    const { loginSession } = session.identity;
    const rule: JoinRule = { limit: 0, loginSession, ...(known ? {} : { info: 'present' }) };
    const result = await this.#node.backplane.joinRoom(room, member, rule);
    if (!result.ok) throw new Refusal('session_unknown', 'The room is over.');
    session.savedOrder = Math.max(session.savedOrder, member.order);
    return result.state;
  }

  /** While the backplane is away only the node that holds the session can continue it. */
  #resumeHere(local: Session | undefined, secret: string, identity: Identity, connection: Connection): Resumed {
    const { router, membership, counters } = this.#node;
    if (!local?.room || local.state.kind === 'ended') throw router.unavailable();
    if (local.secret !== secret || local.identity.userId !== identity.userId)
      throw new Refusal('session_unknown', 'That session is over; join again.', { field: '/sessionToken' });
    this.#attach(local, identity, local.epoch, connection);
    membership.showLocally(local, { away: false });
    // The store still has it away.
    local.order++;
    local.unsynced = true;
    counters.resumes++;
    return { session: local, parked: [] };
  }

  #attach(session: Session, identity: Identity, epoch: number, connection: Connection): void {
    const { state } = session;
    if (state.kind === 'detached') this.#node.clock.clearTimeout(state.grace);
    if (state.kind === 'attached' && state.connection !== connection) state.connection.abandon('fenced');
    session.state = { kind: 'attached', connection };
    session.identity = identity;
    session.epoch = epoch;
    this.#byId.set(session.peerId, session);
  }

  /** The session of a welcome that a resume made needless. */
  discard(session: Session): void {
    if (!session.room) this.#forget(session);
  }

  /** A newer owner exists: let go without touching what is stored. */
  fence(peerId: string, epoch: number): void {
    const session = this.#byId.get(peerId);
    if (!session || session.epoch >= epoch) return;
    this.#node.counters.fenced++;
    this.#drop(session, 'fenced');
  }

  /** From another node: something ended a session that lives here. What is stored was changed there. */
  onEnd(message: Extract<SessionControl, { t: 'end' }>): void {
    const session = this.#byId.get(message.peerId);
    if (!session) return;
    if (session.state.kind === 'attached' && (message.close === 'kicked' || message.close === 'tokenRefused'))
      session.state.connection.sendMessage({
        type: 'kicked',
        ...(message.reason === undefined ? {} : { reason: message.reason }),
      });
    this.#drop(session, message.close);
    void this.#node.places.release(session).catch(ignoreUnavailable);
  }

  /** Ends the session of any node from here; its socket hears `kicked` unless it was replaced. */
  async expel(
    target: { peerId: string; node: string; room: string },
    close: CloseName,
    leftReason: string,
    reason?: string,
    ban?: Ban,
  ): Promise<void> {
    await this.#node.backplane.endSession(target.peerId);
    await this.expelled(target, close, leftReason, reason, ban);
  }

  /** The rest of {@link expel}, for what the store has ended already: out of its room, and its node is told. */
  async expelled(
    target: { peerId: string; node: string; room: string },
    close: CloseName,
    leftReason: string,
    reason?: string,
    ban?: Ban,
  ): Promise<void> {
    const { membership, outbox, name } = this.#node;
    if (target.room) await membership.remove(target.room, target.peerId, leftReason, ban);
    const more = reason === undefined ? {} : { reason };
    const message: SessionControl = { t: 'end', peerId: target.peerId, close, ...more };
    if (target.node === name) this.onEnd(message);
    else outbox.control(target.node, message);
  }

  /** After a doubt: is every session still this node's, and is there mail? */
  async syncAll(): Promise<void> {
    // In slices: neither one by one over thousands of round trips, nor all in one burst.
    const sessions = [...this.#byId.values()];
    for (let at = 0; at < sessions.length; at += 100)
      await Promise.all(
        sessions.slice(at, at + 100).map(async (session) => {
          if (!session.room || this.#busy.has(session.peerId)) return;
          await this.whileBusy(session.peerId, () => this.sync(session));
        }),
      );
  }

  /** @returns false when it turned out to have a newer owner, or to be over */
  async sync(session: Session): Promise<boolean> {
    const { backplane, settings } = this.#node;
    const attached = session.state.kind === 'attached';
    const { order } = session;
    const result = await backplane.syncSession(this.record(session), attached, settings.grace);
    if (result.kind === 'fenced' && result.by?.node === this.#node.name) {
      // Taken over by a resume of this node that gave up waiting for the store.
      session.epoch = Math.max(session.epoch, result.by.epoch);
      session.order++;
      session.unsynced = true;
      this.#node.membership.repair(session);
      return true;
    }
    if (result.kind === 'fenced') {
      this.fence(session.peerId, session.epoch + 1);
      return false;
    }
    // It ended, or its socket went meanwhile: this may have been written over that.
    if (session.state.kind === 'ended') await this.unstore(session);
    if (attached && session.state.kind === 'detached')
      await backplane.detachSession(session.peerId, markOf(session), this.#node.name, settings.grace);
    if (session.order === order) session.unsynced = false;
    if (session.state.kind === 'attached') for (const text of result.parked) session.state.connection.send(text);
    return session.state.kind !== 'ended';
  }

  /** Removes its record and gives its places back, unless it has a newer owner. */
  async unstore(session: Session): Promise<void> {
    const { backplane, name } = this.#node;
    const { peerId } = session;
    const mark = markOf(session);
    if (await backplane.closeSession(peerId, mark, identityKey(session))) return;
    const found = await backplane.findSession(peerId);
    if (!found || found.epoch <= mark.epoch) return;
    // A resume of this node, which is waited for.
    if ((this.#busy.get(peerId) ?? 0) > 1 || (this.#byId.get(peerId) ?? session) !== session) return;
    // Taken over by a resume that nobody waited for any more: here, or on a node that is gone.
    const isOwned = found.node !== name && (!this.#node.mayJudge() || (await this.#node.isLive(found.node)));
    if (!isOwned) await backplane.closeSession(peerId, { ...FORCED, epoch: found.epoch }, identityKey(session));
  }

  /** Lets go of a session that lives on elsewhere or nowhere. */
  #drop(session: Session, close: CloseName): void {
    const { state } = session;
    this.#node.membership.exit(session, close);
    this.#forget(session);
    if (state.kind === 'attached') state.connection.close(close);
  }

  #forget(session: Session): void {
    if (session.state.kind === 'detached') this.#node.clock.clearTimeout(session.state.grace);
    session.state = { kind: 'ended' };
    this.#byId.delete(session.peerId);
  }
}
