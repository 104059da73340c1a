/** What a moderator may ask for: kick, mute, let speak, close the room, decide who comes in. */
import type { ClientMessageMap } from '@tandem/protocol';
import { type GrantsChange, isSilenced, type RoomGrants } from '../../backplane/room-grants.ts';
import { isMediaPeer } from '../../backplane/types.ts';
import { RefusalError } from '../errors.ts';
import type { Member, Room } from '../model.ts';
import { moderatesByToken } from '../rooms/grants.ts';
import { type Handler, memberOf, roomOf, unknownPeer } from './call.ts';
import type { Connection } from './connection.ts';

export const kick: Handler<'kick'> = async ({ parts, connection, message }) => {
  const { context, terminator } = parts;
  const { room, member } = moderated(connection, message.peerId);
  checkOutranks(connection, personOf(room, member));
  const ban = {
    loginSession: member.info.loginSession,
    // Any client may take a guest's id: only the guest's login is kept out.
    ...(member.info.guest === undefined ? { userId: member.info.userId } : {}),
    ms: context.settings.banTime,
  };
  await context.carry(() =>
    terminator.expel(
      { peerId: member.peerId, node: member.node, room: room.id },
      { close: 'kicked', left: 'kicked', said: message.reason, ban },
    ),
  );
  done(connection, message);
};

export const mute: Handler<'mute'> = ({ parts, connection, message }) => {
  const { member } = moderated(connection, message.peerId);
  parts.router.toMember(
    member,
    JSON.stringify({ type: 'mute_requested', peerId: connection.session.peerId, kind: message.kind }),
    (refusal) => connection.refuse(refusal, message),
  );
  done(connection, message);
};

export const grant: Handler<'grant'> = async ({ parts, connection, message }) => {
  const { context, writer } = parts;
  const room = roomOf(connection);
  const member = memberOf(room, message.peerId);
  checkMayGrant(connection, message, member);
  // A media node's agent is no person.
  if (isMediaPeer(member.peerId)) throw unknownPeer();
  const { loginSession } = member.info;
  const target = { peerId: member.peerId, loginSession };
  let before = room.granted.get(loginSession) ?? '';
  await context.carry(async () => {
    for (let tries = 0; ; tries++) {
      const change = changeOf(connection, { member, message, before });
      const outcome = await context.backplane.changeGrants(room.id, target, { ...change, before });
      if (outcome === 'absent') throw unknownPeer();
      const state = await writer.announce(room.id);
      if (outcome === 'changed') break;
      if (tries === MAX_TRIES) throw context.unavailable();
      // Of the store, which may have lost or ended what this node knows; and so may the moderator have lost the grant.
      before = state?.granted?.get(loginSession) ?? '';
      checkMayGrant(connection, message, member);
    }
  });
  done(connection, message);
};

/** Tries of a decision, when others decide of the same person at the same time. */
const MAX_TRIES = 5;

type GrantRequest = ClientMessageMap['grant'];

/** @throws RefusalError */
function checkMayGrant(connection: Connection, { peerId, publish, kick }: GrantRequest, member: Member): void {
  if (publish === undefined && kick === undefined)
    throw new RefusalError('bad_message', 'grant says publish, kick or both.', { field: '/publish' });
  if (peerId === connection.session.peerId && publish !== true && kick !== true) return;
  checkModerator(connection);
  // Who was made a moderator in the room makes no other, and unmakes none.
  if (kick !== undefined && connection.session.tokenGrants.kick !== true)
    throw new RefusalError('forbidden', 'Your token does not grant moderation (`kick`): you have it of a moderator.');
  if (publish === false) checkOutranks(connection, [member]);
}

interface Decision {
  readonly member: Member;
  readonly message: GrantRequest;
  readonly before: RoomGrants;
}

function changeOf(connection: Connection, { member, message: { publish, kick }, before }: Decision): GrantsChange {
  const speaks = publish ? letSpeak(connection, member, before) : letWatch(member, before);
  return { ...(kick === undefined ? {} : { kick }), ...(publish === undefined ? {} : { publish: speaks }) };
}

/** What the token grants or a moderator took, a moderator gives again; more than that needs the grant `invite`. */
function letSpeak({ identity }: Connection, { info }: Member, before: RoomGrants): true | 'again' {
  if (!info.listener && !isSilenced(before)) return 'again';
  if (identity.grants.invite !== true)
    throw new RefusalError('forbidden', 'Your token does not grant letting those speak who may only watch (`invite`).');
  return true;
}

/**
 * Of somebody whose token does not let them speak no more is kept: with a token that does, they may. What a backend decided stays its decision, so
 * that a moderator does not give back what that took.
 */
function letWatch({ info }: Member, before: RoomGrants): 'watch' | null | undefined {
  if (isSilenced(before)) return undefined;
  return info.listener ? null : 'watch';
}

export const closeRoom: Handler<'close-room'> = async ({ parts, connection, message }) => {
  const { context, closer } = parts;
  checkModerator(connection);
  const room = roomOf(connection);
  // Answered before the session of the moderator ends as well.
  await context.carry(() => closer.close(room.id, message.reason, () => done(connection, message)));
};

export const setEntry: Handler<'set-entry'> = async ({ parts, connection, message }) => {
  const { context, entries } = parts;
  checkModerator(connection);
  const room = roomOf(connection);
  await context.carry(() => entries.set(room, message));
  done(connection, message);
};

const decide =
  (kind: 'admit' | 'refuse'): Handler<'admit' | 'refuse'> =>
  async ({ parts, connection, message }) => {
    const { context, entries } = parts;
    checkModerator(connection);
    const room = roomOf(connection);
    await context.carry(() => entries.decide(room, message.peerId, kind));
    done(connection, message);
  };
export const admit = decide('admit');
export const refuse = decide('refuse');

/** Answers a request that asked for an answer. */
export function done(connection: Connection, { type, ref }: { type: string; ref?: number }, answer = {}): void {
  if (ref !== undefined) connection.sendMessage({ type: 'done', replyTo: type, ref, ...answer });
}

function checkModerator(connection: Connection): void {
  if (connection.identity.grants.kick !== true)
    throw new RefusalError('forbidden', 'Your token does not grant moderation (`kick`).');
}

/**
 * Who was made a moderator in the room does not remove, or silence, one who is it by token.
 * @throws RefusalError
 */
function checkOutranks(connection: Connection, people: readonly Member[]): void {
  if (moderatesByToken(connection.session)) return;
  if (people.some(({ info }) => info.metadata?.moderatorByToken === true))
    throw new RefusalError('forbidden', 'That person moderates by their token (`kick`): you have it of a moderator.');
}

/** The members that a kick of this one keeps out, once they leave: a proven user's are one person. */
function personOf(room: Room, member: Member): Member[] {
  const { guest, userId } = member.info;
  if (guest !== undefined) return [member];
  return [...room.members.values()].filter(({ info }) => info.guest === undefined && info.userId === userId);
}

function moderated(connection: Connection, peerId: string): { room: Room; member: Member } {
  checkModerator(connection);
  const room = roomOf(connection);
  return { room, member: memberOf(room, peerId) };
}
