/** Who may enter a room, and what becomes of those who ask to: what a moderator in the room decides. */

import type { EntryAnswer, EntryRequest } from '../../backplane/entry-requests.ts';
import { RESTRICTABLE, type RestrictedPart, type RoomEntry, type RoomRules } from '../../backplane/room-settings.ts';
import { ignoreUnavailable } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import { RefusalError } from '../errors.ts';
import type { SessionControl } from '../messaging/control-messages.ts';
import type { Outbox } from '../messaging/outbox.ts';
import type { Room, Session } from '../model.ts';
import type { MembershipWriter } from '../rooms/membership-writer.ts';
import type { SessionRegistry } from './session-registry.ts';

/** Tries of a change, when others change the settings at the same time. */
const MAX_TRIES = 5;
/** Seconds that settings which no backend made are kept in an empty room: the next people meet an open one. */
const EMPTY_SECONDS = 1;
const NO_RULES: Omit<RoomRules, 'entry'> = {
  ...{ maxPeers: 0, closesAt: 0, endsAt: 0, keptUntil: 0 },
  emptyMs: EMPTY_SECONDS * 1000,
};

export interface RoomEntriesParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly writer: MembershipWriter;
  readonly outbox: Outbox;
}

/** Who comes in, and what people who are no moderators may do; what is absent stays. */
export type EntryChange = { readonly entry: RoomEntry } & { readonly [P in RestrictedPart]?: boolean };

export class RoomEntries {
  readonly #parts: RoomEntriesParts;
  constructor(parts: RoomEntriesParts) {
    this.#parts = parts;
  }

  /**
   * Changes the settings of the room, also those that its backend made. When it opens, those who ask come in.
   * @throws UnavailableError, and RefusalError `unavailable` when others change them at the same time
   */
  async set(room: Room, change: EntryChange): Promise<void> {
    const { entry } = change;
    const { context, writer } = this.#parts;
    const before = await context.backplane.readRoom(room.id, -1);
    for (let tries = 0; ; tries++) {
      const [found] = await context.backplane.describeRooms([room.id]);
      const { rules = NO_RULES, doc = `{"emptyTimeoutSeconds":${EMPTY_SECONDS}}`, revision } = found?.settings ?? {};
      const restricted = RESTRICTABLE.filter((part) => !(change[part] ?? rules.restricted?.includes(part) !== true));
      const changed = { ...JSON.parse(doc), locked: entry === 'locked', waitingRoom: entry === 'ask', restricted };
      const settings = { rules: { ...rules, entry, restricted }, doc: JSON.stringify(changed) };
      const { kind } = await context.backplane.writeSettings(room.id, settings, revision ?? 'new');
      if (kind === 'written') break;
      if (tries === MAX_TRIES) throw context.unavailable();
    }
    // First: should the rest fail, a second request finds no one waiting.
    if (entry === 'open') for (const entryRequest of before?.waiting ?? []) this.#tell(room.id, entryRequest, true);
    await writer.announce(room.id);
  }

  /** @throws RefusalError `unknown_peer` when that peer does not ask, UnavailableError */
  async decide(room: Room, peerId: string, kind: 'admit' | 'refuse'): Promise<void> {
    const { context } = this.#parts;
    const { admissionTime, refusalTime } = context.settings;
    const entryRequest = await this.#answer(room.id, peerId, {
      kind,
      ms: kind === 'admit' ? admissionTime : refusalTime,
    });
    if (!entryRequest) throw new RefusalError('unknown_peer', 'No such peer asks to come in.', { field: '/peerId' });
    this.#tell(room.id, entryRequest, kind === 'admit');
  }

  /** A session was refused with `room_waiting`. */
  async asked(session: Session, roomId: string): Promise<void> {
    session.asksAt = roomId;
    // Its socket went while the write was on its way.
    if (session.state.kind === 'ended') await this.withdraw(session);
  }

  /** It asks no more: it left, or its socket is gone. */
  async withdraw(session: Session): Promise<void> {
    const { asksAt } = session;
    if (asksAt === undefined) return;
    session.asksAt = undefined;
    // Otherwise it is forgotten after ENTRY_REQUEST_TTL_MS.
    await this.#answer(asksAt, session.peerId, { kind: 'withdraw', ms: 0 }).catch(ignoreUnavailable);
  }

  async #answer(roomId: string, peerId: string, answer: EntryAnswer): Promise<EntryRequest | undefined> {
    const { context, writer } = this.#parts;
    const entryRequest = await context.backplane.answerEntryRequest(roomId, peerId, answer);
    // It is decided, and cannot be again: nodes see it when they compare the room.
    if (entryRequest) await writer.announce(roomId).catch(ignoreUnavailable);
    return entryRequest;
  }

  #tell(room: string, { peerId, node }: EntryRequest, admitted: boolean): void {
    const message = { t: 'admission', peerId, room, admitted } as const;
    if (node === this.#parts.context.name) this.onAdmission(message);
    else this.#parts.outbox.control(node, message);
  }

  /** A session of this node may come in, or was refused. Should this be lost, its next join says so. */
  onAdmission({ peerId, room, admitted }: Extract<SessionControl, { t: 'admission' }>): void {
    const session = this.#parts.registry.get(peerId);
    if (session?.asksAt !== room || session.state.kind !== 'attached') return;
    session.asksAt = undefined;
    session.state.connection.sendMessage({ type: 'admission', roomId: room, admitted });
  }
}
