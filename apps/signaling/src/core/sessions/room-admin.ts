/** What a backend does to a room of any node: look, tell, remove, end. */
import type { ServerMessage } from '@tandem/protocol';
import type { GrantsChange, GrantsOutcome } from '../../backplane/room-grants.ts';
import type { MemberRecord, RoomState } from '../../backplane/types.ts';
import type { NodeContext } from '../context.ts';
import type { Router } from '../messaging/router.ts';
import type { Member, MemberInfo } from '../model.ts';
import type { MembershipWriter } from '../rooms/membership-writer.ts';
import type { RoomCloser } from './room-closer.ts';
import type { SessionRegistry } from './session-registry.ts';
import type { SessionTerminator } from './terminate.ts';

export interface RoomAdminParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly router: Router;
  readonly terminator: SessionTerminator;
  readonly closer: RoomCloser;
  readonly writer: MembershipWriter;
}

export interface PeerRemoval {
  readonly reason?: string | undefined;
  /** Default: none. Of a guest only the login is kept out: any client may take its id. */
  readonly ban?: { readonly of: 'login' | 'user'; readonly ms: number } | undefined;
}

export interface PeerMove {
  readonly to: string;
  /** Of the token that it enters with. */
  readonly loginSession: string;
  /** What its client hears. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Topic of the server message that says where to go. */
export const MOVE_TOPIC = 'move';

export class RoomAdmin {
  readonly #parts: RoomAdminParts;
  constructor(parts: RoomAdminParts) {
    this.#parts = parts;
  }

  /** Who is in a room, by the store. @throws UnavailableError */
  async members(roomId: string): Promise<readonly MemberRecord[]> {
    return (await this.read(roomId)).members;
  }

  /** The same, with what is decided of login sessions there. @throws UnavailableError */
  async read(roomId: string): Promise<Required<Pick<RoomState, 'members' | 'granted'>>> {
    const state = await this.#parts.context.backplane.readRoom(roomId, -1);
    return { members: state?.members ?? [], granted: state?.granted ?? new Map() };
  }

  /** Ends everybody's session in it, and its settings go. @throws UnavailableError */
  forgetRoom(roomId: string): Promise<void> {
    return this.#parts.closer.forget(roomId);
  }

  /** @throws UnavailableError */
  async removePeer(roomId: string, { peerId, node, info }: MemberRecord, { reason, ban }: PeerRemoval): Promise<void> {
    const { loginSession, guest, userId } = JSON.parse(info) as MemberInfo;
    const isOfUser = ban?.of === 'user' && guest === undefined;
    await this.#parts.terminator.expel(
      { peerId, node, room: roomId },
      {
        ...{ close: 'kicked', left: 'kicked', said: reason },
        ...(ban ? { ban: { loginSession, ms: ban.ms, ...(isOfUser ? { userId } : {}) } } : {}),
      },
    );
  }

  /** Changes what a peer's login may do in a room beside its token, and what is said of it. @throws UnavailableError */
  async changeGrants(roomId: string, { peerId, info }: MemberRecord, change: GrantsChange): Promise<GrantsOutcome> {
    const { context, writer } = this.#parts;
    const { loginSession } = JSON.parse(info) as MemberInfo;
    const outcome = await context.backplane.changeGrants(roomId, { peerId, loginSession }, change);
    if (outcome === 'changed') await writer.announce(roomId);
    return outcome;
  }

  /** Sends a peer to another room, whose lock does not bind it, and out of this one. @throws UnavailableError */
  async movePeer(roomId: string, peer: MemberRecord, { to, loginSession, data }: PeerMove): Promise<void> {
    const { context, terminator } = this.#parts;
    await context.backplane.expectMove(to, loginSession);
    const target = { peerId: peer.peerId, node: peer.node, room: roomId };
    const first = { type: 'server_message', topic: MOVE_TOPIC, data } as const;
    await terminator.expel(target, { close: 'kicked', left: 'moved', said: 'moved', first });
  }

  /** Sends a message to members of any node; it waits for those who are away. */
  send(members: readonly MemberRecord[], message: ServerMessage): void {
    const frame = JSON.stringify(message);
    for (const record of members) this.#parts.router.toMember(this.#memberOf(record), frame);
  }

  #memberOf({ peerId, node, epoch, order, awayFor, info }: MemberRecord): Member {
    const session = this.#parts.registry.get(peerId);
    return {
      ...{ peerId, node, epoch, order, away: awayFor > 0, infoJson: info, info: JSON.parse(info) as MemberInfo },
      ...{ detachedFrom: '', session },
    };
  }
}
