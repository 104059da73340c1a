/** Continues a session on a new socket: from this node, or from any other by the store. */
import { mayEnter } from '@tandem/protocol';
import { byToken, hasLogin } from '../../backplane/room-grants.ts';
import {
  ignoreUnavailable,
  isLater,
  type JoinRule,
  type MemberRecord,
  type RoomState,
  type SessionRecord,
  UnavailableError,
} from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import { RefusalError } from '../errors.ts';
import type { Identity } from '../identity.ts';
import type { Outbox } from '../messaging/outbox.ts';
import type { Parking } from '../messaging/parking.ts';
import type { ClientSocket, MemberInfo, Session } from '../model.ts';
import { carryLogin, setGranted, setToken, withoutGiven } from '../rooms/grants.ts';
import { memberRecord } from '../rooms/member-record.ts';
import type { MembershipRepair } from '../rooms/membership-repair.ts';
import type { MembershipWriter } from '../rooms/membership-writer.ts';
import type { PendingRemovals } from '../rooms/pending-removals.ts';
import type { RoomReplicas } from '../rooms/room-replicas.ts';
import { hashSecret } from './session-keys.ts';
import type { SessionQuota } from './session-quota.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { Takeover } from './takeover.ts';
import type { SessionTerminator } from './terminate.ts';

/** What a client asks for, and on which socket. */
export interface ResumeRequest {
  readonly peerId: string;
  readonly secret: string;
  readonly identity: Identity;
  readonly connection: ClientSocket;
}

export interface Resumed {
  readonly session: Session;
  /** What was in its mailbox. */
  readonly parked: readonly string[];
}

export interface SessionResumerParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly replicas: RoomReplicas;
  readonly writer: MembershipWriter;
  readonly pending: PendingRemovals;
  readonly quota: SessionQuota;
  readonly outbox: Outbox;
  readonly parking: Parking;
  readonly terminator: SessionTerminator;
  readonly takeover: Takeover;
  readonly repair: MembershipRepair;
}

export class SessionResumer {
  readonly #parts: SessionResumerParts;
  constructor(parts: SessionResumerParts) {
    this.#parts = parts;
  }

  /** @throws RefusalError `session_unknown`, `unavailable` */
  async resume(request: ResumeRequest): Promise<Resumed> {
    const { context, registry, takeover, terminator } = this.#parts;
    const { peerId, identity, connection } = request;
    const resumed = await registry.whileBusy(peerId, async () => {
      const local = registry.get(peerId);
      if (!context.up) return this.#resumeHere(local, request);
      const socketBefore = socketOf(local);
      try {
        return await this.#resumeAnywhere(request, socketBefore);
      } catch (error) {
        if (!(error instanceof UnavailableError)) throw error;
        takeover.onUnanswered(peerId);
        if (local && isOvertaken(local, socketBefore)) throw this.#overtaken(local, connection);
        return this.#resumeHere(local, request);
      }
    });
    const { session } = resumed;
    if (session.room && !mayEnter(identity.grants, session.room.id)) {
      await terminator.end(session, 'left');
      throw sessionUnknown('Your token does not grant its room any more.');
    }
    return resumed;
  }

  async #resumeAnywhere(request: ResumeRequest, socketBefore: ClientSocket | undefined): Promise<Resumed> {
    const { context, registry, writer, pending, outbox, parking, repair } = this.#parts;
    const { peerId, secret, identity, connection } = request;
    const result = await context.backplane.resumeSession(peerId, hashSecret(secret), identity.userId);
    if (!result.ok) throw this.#over();
    const { session: record, previousNode, parked } = result;
    if (previousNode !== context.name) outbox.control(previousNode, { t: 'fence', peerId, epoch: record.epoch });
    // Ended behind that, such as by a kick, which may be heard before the answer.
    if (registry.wasEnded(peerId)) throw this.#over();
    const local = registry.get(peerId);
    // Ahead of the store by a later resume, or as another node gave it back (takeover.ts) and that is not written yet.
    const isAhead = local !== undefined && local.epoch >= record.epoch;
    // What it took was unread yet: the store gave it to the later one, or gives it to the next that compares.
    if (isAhead && isOvertaken(local, socketBefore)) throw this.#overtaken(local, connection);
    const session = isAhead ? local : this.#continued(record, request);
    // Otherwise what is here is of the record, which is older than what its last owner wrote to the room.
    const isKnown = session.room !== undefined;
    this.#attach(session, request, isAhead ? local.epoch + 1 : record.epoch);
    session.order = Math.max(session.order, record.order) + 1;
    session.unsynced = isAhead;
    const state = await this.#enter(session, record.room, isKnown).catch((error: unknown) => {
      // It may be written that this node has heard of them.
      if (error instanceof UnavailableError)
        for (const text of parked) parking.park(peerId, text, { deadNode: context.name });
      throw error;
    });
    if (state === 'unavailable' && socketOf(session) !== connection) throw this.#overtaken(session, connection, parked);
    if (state === 'unavailable') return { ...this.#resumeHere(session, request), parked };
    if (registry.get(peerId) !== session) {
      // Moved on, or ended, while the answer was on its way.
      pending.addSession(record.room, session);
      throw sessionUnknown('That session is over; join again.');
    }
    writer.resumed(session, record.room, isKnown ? state : this.#adopt(session, state));
    // Until its new login is stored, what is decided of it is decided of the one before.
    if (session.savedOrder < session.order) void writer.put(session).catch(ignoreUnavailable);
    const stored = state.members.find((member) => member.peerId === peerId);
    // By a later resume on another node; or the store of sessions lost resumes that the room knows.
    if (stored && isLater(stored, session)) void repair.contest(session, stored).catch(ignoreUnavailable);
    context.counters.resumes++;
    return { session, parked };
  }

  #over(): RefusalError {
    this.#parts.context.counters.resumesFailed++;
    return sessionUnknown('That session is over; join again.');
  }

  /** @returns `unavailable`: it is in the room here, and the store could not be written. @throws UnavailableError: it is in no room */
  async #enter(session: Session, roomId: string, isKnown: boolean): Promise<RoomState | 'unavailable'> {
    const { context, quota } = this.#parts;
    const member = memberRecord(session, context.name);
    try {
      // Its quota ends by itself after a day; a session may live longer, and under another login session.
      const [state] = await Promise.all([
        this.#rejoin(roomId, member, session, isKnown ? {} : { info: 'present' }),
        quota.claimAgain(session).catch(ignoreUnavailable),
      ]);
      return state;
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      if (session.room) return 'unavailable';
      this.#detachOutside(session, roomId);
      throw error;
    }
  }

  /** A later resume was answered before this one: that socket has the session, and gets what this one took from the mailbox. */
  #overtaken(session: Session, connection: ClientSocket, parked: readonly string[] = []): RefusalError {
    const { context, parking } = this.#parts;
    if (session.state.kind === 'attached') for (const text of parked) session.state.connection.send(text);
    else for (const text of parked) parking.park(session.peerId, text);
    connection.abandon('fenced');
    return context.unavailable();
  }

  /** The session of a record that this node took over: as it is here, unless others owned it since. */
  #continued(record: SessionRecord, { secret, identity }: ResumeRequest): Session {
    const { registry, terminator, parking } = this.#parts;
    const { peerId, epoch } = record;
    const local = registry.get(peerId);
    if (local?.room && local.epoch + 1 === epoch) return local;
    terminator.fence(peerId, epoch);
    const { guest, given, ...info } = JSON.parse(record.info) as MemberInfo;
    const metadata = withoutGiven(info.metadata, given);
    return {
      ...{ tokenGrants: identity.grants, granted: '' },
      ...{ peerId, secret, identity, guest, epoch, metadata, state: { kind: 'ended' } },
      joinedAt: info.joinedAt,
      ...{ room: undefined, asksAt: undefined, order: 0, savedOrder: 0, unsynced: false },
      // This node may have had frames for it on their way before it came here: what comes next waits behind them.
      parking: parking.isParking(peerId),
    };
  }

  /** What it said of itself last is what its room has: see `info` of {@link JoinRule}. @returns `state` with what is decided of its login of now */
  #adopt(session: Session, state: RoomState): RoomState {
    const record = state.members.find(({ peerId }) => peerId === session.peerId);
    if (!record || record.epoch !== session.epoch) return state;
    const info = JSON.parse(record.info) as MemberInfo;
    session.metadata = withoutGiven(info.metadata, info.given);
    session.joinedAt = info.joinedAt;
    const [from, to] = [info.loginSession, session.identity.loginSession];
    const others = state.members.filter(({ peerId }) => peerId !== session.peerId);
    const tokens = { was: info.byToken, is: byToken(session.tokenGrants) };
    const logins = { from, to, ...tokens, stays: () => hasLogin(others, from) };
    const granted = state.granted && carryLogin(state.granted, logins);
    setGranted(session, granted?.get(to) ?? '');
    // The rest of it is from the token: what is stored may be of an older one.
    if (memberRecord(session, this.#parts.context.name).info !== record.info) session.order++;
    return granted ? { ...state, granted } : state;
  }

  /** Taken over, but not in its room: its client asks again, or it leaves after its grace as any other. */
  #detachOutside(session: Session, roomId: string): void {
    const { context, registry, pending } = this.#parts;
    if (session.state.kind !== 'attached') return;
    const over = () => {
      registry.forget(session);
      pending.addSession(roomId, session);
    };
    session.state = { kind: 'detached', grace: context.clock.setTimeout(over, context.settings.grace) };
  }

  /** The membership may have been removed an instant ago, or lost with its Redis: the session is the proof of it. */
  async #rejoin(
    room: string,
    member: MemberRecord,
    session: Session,
    keep: Pick<JoinRule, 'info'>,
  ): Promise<RoomState> {
    const { loginSession } = session.identity;
    const rule: JoinRule = { limit: 0, loginSession, ...keep };
    const result = await this.#parts.writer.enter(room, member, rule);
    if (!result.ok) throw new RefusalError('session_unknown', 'The room is over.');
    session.savedOrder = Math.max(session.savedOrder, member.order);
    return result.state;
  }

  /** While the backplane is away only the node that holds the session can continue it. */
  #resumeHere(local: Session | undefined, request: ResumeRequest): Resumed {
    const { context, writer } = this.#parts;
    if (!local?.room || local.state.kind === 'ended') throw context.unavailable();
    if (local.secret !== request.secret || local.identity.userId !== request.identity.userId)
      throw sessionUnknown('That session is over; join again.');
    this.#attach(local, request, local.epoch);
    writer.showAsItIs(local);
    // The store still has it away.
    local.order++;
    local.unsynced = true;
    context.counters.resumes++;
    return { session: local, parked: [] };
  }

  #attach(session: Session, { identity, connection }: ResumeRequest, epoch: number): void {
    const { context, registry } = this.#parts;
    const { state } = session;
    if (state.kind === 'detached') context.clock.clearTimeout(state.grace);
    if (state.kind === 'attached' && state.connection !== connection) state.connection.abandon('fenced');
    session.state = { kind: 'attached', connection };
    setToken(session, identity);
    session.epoch = epoch;
    registry.add(session);
  }
}

function socketOf(session: Session | undefined): ClientSocket | undefined {
  return session?.state.kind === 'attached' ? session.state.connection : undefined;
}

/** Whether a later resume has the session: it is in no room any more, or on a socket that it was not on when the store was asked. */
function isOvertaken(session: Session, socketBefore: ClientSocket | undefined): boolean {
  const socket = socketOf(session);
  // Without a socket it waits for its client: in its room, or outside of it since the store did not take it back in.
  return socket !== undefined && (session.room === undefined || socket !== socketBefore);
}

function sessionUnknown(message: string): RefusalError {
  return new RefusalError('session_unknown', message, { field: '/sessionToken' });
}
