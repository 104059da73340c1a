/** What a moderator may ask for: kick, mute, let speak, close the room, decide who comes in. */
import { type GrantsChange, isSilenced, type RoomGrants } from '../../backplane/room-grants.ts';
import { isMediaPeer } from '../../backplane/types.ts';
import { RefusalError } from '../errors.ts';
import type { Member, Room } from '../model.ts';
import { type Handler, memberOf, roomOf, unknownPeer } from './call.ts';
import type { Connection } from './connection.ts';

export const kick: Handler<'kick'> = async ({ parts, connection, message }) => {
  const { context, terminator } = parts;
  const { room, member } = moderated(connection, message.peerId);
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
  const { publish, kick } = message;
  const isOwn = member.peerId === connection.session.peerId;
  const givesUp = isOwn && publish !== true && kick !== true;
  if (!givesUp) checkModerator(connection);
  // Who was made a moderator in the room makes no other, and unmakes none.
  if (!givesUp && kick !== undefined && connection.session.tokenGrants.kick !== true)
    throw new RefusalError('forbidden', 'Your token does not grant moderation (`kick`): you have it of a moderator.');
  // A media node's agent is no person.
  if (isMediaPeer(member.peerId)) throw unknownPeer();
  const { loginSession } = member.info;
  const target = { peerId: member.peerId, loginSession };
  await context.carry(async () => {
    for (let tries = 0; ; tries++) {
      const before = room.granted.get(loginSession) ?? '';
      const change = {
        ...(kick === undefined ? {} : { kick }),
        ...speakChange(connection, { member, publish, before }),
      };
      const outcome = await context.backplane.changeGrants(room.id, target, { ...change, before });
      if (outcome === 'absent') throw unknownPeer();
      // Also when it is stale: then this node has not read yet what was decided meanwhile.
      await writer.announce(room.id);
      if (outcome === 'changed') break;
      if (tries === MAX_TRIES) throw context.unavailable();
    }
  });
  done(connection, message);
};

/** Tries of a decision, when others decide of the same person at the same time. */
const MAX_TRIES = 5;

interface SpeakRequest {
  readonly member: Member;
  readonly publish: boolean | undefined;
  readonly before: RoomGrants;
}

function speakChange(connection: Connection, { member, publish, before }: SpeakRequest): Pick<GrantsChange, 'publish'> {
  if (publish === undefined) return {};
  return { publish: publish ? letSpeak(connection, member, before) : letWatch(member) };
}

/** What the token grants or a moderator took, a moderator gives again; more than that needs the grant `invite`. */
function letSpeak({ identity }: Connection, { info }: Member, before: RoomGrants): true | 'again' {
  if (!info.listener && !isSilenced(before)) return 'again';
  if (identity.grants.invite !== true)
    throw new RefusalError('forbidden', 'Your token does not grant letting those speak who may only watch (`invite`).');
  return true;
}

/** Of somebody whose token does not let them speak no more is kept: with a token that does, they may. */
const letWatch = ({ info }: Member) => (info.listener ? null : 'watch');

export const closeRoom: Handler<'close-room'> = async ({ parts, connection, message }) => {
  const { context, closer } = parts;
  checkModerator(connection);
  const room = roomOf(connection);
  const empty = () => context.backplane.closeRoom(room.id);
  // Answered before the session of the moderator ends as well.
  await context.carry(() => closer.close(empty, message.reason, () => done(connection, message)));
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

function moderated(connection: Connection, peerId: string): { room: Room; member: Member } {
  checkModerator(connection);
  const room = roomOf(connection);
  return { room, member: memberOf(room, peerId) };
}
