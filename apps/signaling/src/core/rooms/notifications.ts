/** What the clients of this node receive about a room. */
import type { PeerInfo, ServerMessage } from '@tandem/protocol';
import type { RestrictedPart } from '../../backplane/room-settings.ts';
import { isMediaPeer } from '../../backplane/types.ts';
import type { Identity } from '../identity.ts';
import type { Member, MemberInfo, Room, Session } from '../model.ts';
import { tokenEnds } from './token-ends.ts';

/** To every attached session of this node in the room, except the one that the message is about. */
export function tellRoom(room: Room, message: ServerMessage & { peerId: string }): void {
  // A media node is no peer but part of the room's state: clients that know none see nothing of it.
  if (isMediaPeer(message.peerId)) {
    sendSnapshot(room);
    return;
  }
  let text: string | undefined;
  for (const session of room.locals) {
    if (session.peerId === message.peerId || session.state.kind !== 'attached') continue;
    text ??= JSON.stringify({ ...message, version: room.version });
    session.state.connection.tell(text);
  }
  const about = room.members.get(message.peerId);
  if (about?.away) tellTokenEnds(room, [about]);
}

/** Of these members, to the media nodes of this node in the room. */
function tellTokenEnds(room: Room, members: readonly Member[]): void {
  for (const { peerId, state } of room.locals)
    if (isMediaPeer(peerId) && state.kind === 'attached') state.connection.tell(JSON.stringify(tokenEnds(members)));
}

/** Moderators decide who comes in; media nodes show the room to viewers, who are not in it. */
export const hearsEntry = ({ identity, peerId }: Pick<Session, 'identity' | 'peerId'>): boolean =>
  identity.grants.kick === true || isMediaPeer(peerId);

/** Who comes in, to those of this node in the room who {@link hearsEntry hear it}, and to moderators who asks to. */
export function tellModerators(room: Room): void {
  for (const session of room.locals)
    if (session.state.kind === 'attached' && hearsEntry(session))
      session.state.connection.tell(JSON.stringify(entryOf(room, session.identity)));
}

/** What moderators alone may do, to everybody else of this node in the room. */
export function tellRestrictions(room: Room): void {
  for (const { state, identity } of room.locals)
    if (state.kind === 'attached' && identity.grants.kick !== true)
      state.connection.tell(JSON.stringify(entryOf(room, identity)));
}

/** The settings of the room that its people see; who asks to come in only for moderators. */
export function entryOf(room: Room, { grants }: Pick<Identity, 'grants'>): ServerMessage {
  const asking = grants.kick === true ? room.waiting : [];
  const waiting = asking.map(({ peerId, info }): PeerInfo => ({ ...(JSON.parse(info) as PeerInfo), peerId }));
  const isFree = (part: RestrictedPart) => !room.restricted.includes(part);
  const may = { share: isFree('share'), chat: isFree('chat'), look: isFree('look') };
  return { type: 'entry', roomId: room.id, entry: room.entry, ...may, waiting };
}

/** The whole room, to every attached session of this node in it. */
export function sendSnapshot(room: Room): void {
  for (const { state, peerId } of room.locals) {
    if (state.kind !== 'attached') continue;
    const message: ServerMessage = {
      type: 'room',
      roomId: room.id,
      peers: room.peers(peerId),
      ...room.media(),
      version: room.version,
    };
    state.connection.tell(JSON.stringify(message));
  }
  tellTokenEnds(room, [...room.members.values()]);
}

/** What is stored of a member, as it is now. @returns whether clients were told of a difference */
export function showInfo(room: Room, member: Member, infoJson: string): boolean {
  if (infoJson === member.infoJson) return false;
  const { info: before } = member;
  member.infoJson = infoJson;
  member.info = JSON.parse(infoJson) as MemberInfo;
  const { metadata = {}, audience } = member.info;
  // A new login session of the same user is no news.
  const isNews = JSON.stringify(metadata) !== JSON.stringify(before.metadata ?? {});
  if (isNews) tellRoom(room, { type: 'peer_updated', peerId: member.peerId, metadata });
  if (audience !== before.audience) sendSnapshot(room);
  return isNews;
}
