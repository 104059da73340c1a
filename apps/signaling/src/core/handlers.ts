/** One function for each message a client may send. Returns a promise when later frames must wait for it. */
import { type ClientMessageMap, mayEnter, type PeerMetadata, type ServerMessage } from '@tandem/protocol';
import { ignoreUnavailable, isMediaPeer } from '../backplane/types.ts';
import type { FrameHeader } from '../wire/frame-scanner.ts';
import { SplicedFrame } from '../wire/spliced-frame.ts';
import type { Connection, IncomingMessage } from './connection.ts';
import { Refusal } from './errors.ts';
import type { SignalingNode } from './node.ts';
import { type Member, type Room, withProvenName } from './room.ts';
import { parseSessionToken, type Session, sessionToken } from './session.ts';
import { checkMessage, isKnownType } from './validate.ts';

type Handler<T extends keyof ClientMessageMap> = (
  connection: Connection,
  message: ClientMessageMap[T],
  bytes: Buffer,
  header: FrameHeader,
) => Promise<void> | void;

/** @throws Refusal */
export function handle(
  connection: Connection,
  message: IncomingMessage,
  bytes: Buffer,
  header: FrameHeader,
): Promise<void> | undefined {
  const { type } = message;
  if (!isKnownType(type)) throw new Refusal('unknown_type', `This server does not know '${type.slice(0, 64)}'.`);
  checkMessage(type, message);
  const pending = (handlers[type] as Handler<typeof type>)(connection, message as never, bytes, header);
  if (type !== 'ping') connection.fresh = false;
  return pending ?? undefined;
}

const handlers: { [T in keyof ClientMessageMap]: Handler<T> } = {
  join,
  leave,
  resume,
  update,
  kick,
  mute,
  'close-room': closeRoom,
  offer: relay,
  answer: relay,
  'ice-candidate': relay,
  receipt: relay,
  'media-want': relay,
  'media-state': relay,
  message: (connection, message, bytes, header) =>
    message.peerId === undefined
      ? broadcast(connection, bytes, header)
      : relay(connection, message as RelayedMessage, bytes, header),
  ping: (connection, message) =>
    connection.sendMessage({ type: 'pong', ...(message.t === undefined ? {} : { t: message.t }) }),
};

type RelayedMessage = { type: string; peerId: string; id?: number };

/** With what the server says of it behind everything the client wrote (see wire/spliced-frame.ts). */
function spliced(connection: Connection, bytes: Buffer, header: FrameHeader): SplicedFrame {
  return new SplicedFrame(bytes, 0, header.close, connection.suffix(header.type));
}

/** Whatever relay-frame.ts would not take: finds out why. */
function relay(connection: Connection, message: RelayedMessage, bytes: Buffer, header: FrameHeader): void {
  checkGrant(connection, message.type, message.peerId);
  const member = memberOf(roomOf(connection), message.peerId);
  connection.node.router.toMember(member, spliced(connection, bytes, header), (refusal) =>
    connection.refuse(refusal, message),
  );
}

function broadcast(connection: Connection, bytes: Buffer, header: FrameHeader): void {
  checkGrant(connection, 'message');
  const room = roomOf(connection);
  connection.payFanOut(bytes.length, room.members.size - 1);
  connection.node.router.toRoom(room, connection.session, spliced(connection, bytes, header));
}

function checkGrant(connection: Connection, type: string, to = ''): void {
  const { grants } = connection.identity;
  // Who only watches and listens answers the offers of the media node that it receives from.
  const publishes = type === 'offer' || (type === 'answer' && !isMediaPeer(to));
  if (grants.publish === false && publishes) throw new Refusal('forbidden', 'Your token does not grant publishing.');
  if (grants.data === false && type === 'message')
    throw new Refusal('forbidden', 'Your token does not grant app messages.');
}

async function join(connection: Connection, message: ClientMessageMap['join']): Promise<void> {
  const { node, session, identity } = connection;
  const { roomId } = message;
  if (!mayEnter(identity.grants, roomId))
    throw new Refusal('forbidden', `Your token does not grant room ${roomId}.`, { field: '/roomId' });
  if (session.room && session.room.id !== roomId)
    throw new Refusal('already_joined', `Leave ${session.room.id} first.`, { field: '/roomId' });
  const metadata = message.metadata && withProvenName(identity, { ...session.metadata, ...message.metadata });
  // What is kept is bounded, not only what is added.
  if (metadata) checkMetadata(connection, metadata);
  const answer = () => {
    const { room } = session;
    if (!room) return;
    const members = room.peers(session.peerId);
    const seen = connection.dialect === 'seed' ? { peers: members.map((p) => p.peerId), members } : { peers: members };
    connection.sendMessage({
      type: 'joined',
      roomId,
      peerId: session.peerId,
      ...seen,
      ...room.media(),
      version: room.version,
    });
  };
  if (session.room) {
    answer();
    if (metadata && JSON.stringify(metadata) !== JSON.stringify(session.metadata))
      await replaceMetadata(connection, metadata);
    return;
  }
  if (metadata) session.metadata = metadata;
  await node.sessions.join(session, roomId, answer);
}

async function leave(connection: Connection, message: ClientMessageMap['leave']): Promise<void> {
  const { session } = connection;
  const roomId = session.room?.id;
  // A leave that is said again may come behind the join of the next room.
  if (roomId === undefined || (message.roomId ?? roomId) !== roomId)
    throw new Refusal('not_in_room', 'You are not in that room.', { field: '/roomId' });
  await connection.node.sessions.leave(session);
  connection.sendMessage({ type: 'left', roomId });
}

async function resume(connection: Connection, message: ClientMessageMap['resume']): Promise<void> {
  const { node } = connection;
  if (!connection.fresh)
    throw new Refusal('bad_message', 'resume must be the first frame of a socket.', { field: '/type' });
  const token = parseSessionToken(message.sessionToken);
  if (!token) throw new Refusal('session_unknown', 'That is no session token.', { field: '/sessionToken' });
  const unused = connection.session;
  connection.hold();
  let unread: readonly string[] = [];
  try {
    const { session, parked } = await connection.whileResuming(
      node.sessions.resume(token.peerId, token.secret, connection.identity, connection),
    );
    connection.session = session;
    node.sessions.discard(unused);
    if (!connection.closed) connection.sendMessage(resumedMessage(node, session, parked.length));
    unread = connection.release(parked);
  } finally {
    connection.release();
  }
  if (!connection.closed) return;
  // The socket went while the resume was on its way; another one may have resumed since.
  const { session } = connection;
  const { state } = session;
  if (state.kind === 'attached' && state.connection === connection)
    node.track(node.sessions.release(session, connection));
  // The mailbox is empty now, and nobody has read what was in it.
  for (const text of unread) node.router.park(session.peerId, text);
}

/** With the room as it is in the moment that this is sent. */
function resumedMessage(node: SignalingNode, session: Session, parked: number): ServerMessage {
  const { peerId, room } = session;
  return {
    type: 'resumed',
    peerId,
    sessionToken: sessionToken(session),
    node: node.name,
    ...(room ? { roomId: room.id, version: room.version } : {}),
    peers: room?.peers(peerId) ?? [],
    ...room?.media(),
    parked,
  };
}

async function update(connection: Connection, { metadata }: ClientMessageMap['update']): Promise<void> {
  checkMetadata(connection, metadata);
  await replaceMetadata(connection, withProvenName(connection.identity, metadata));
}

async function replaceMetadata({ node, session }: Connection, metadata: PeerMetadata): Promise<void> {
  session.metadata = metadata;
  session.order++;
  if (!session.room) return;
  node.membership.showLocally(session, { metadata });
  // With the backplane away it is kept, and written when that is back.
  await node.membership.put(session).catch(ignoreUnavailable);
}

async function kick(connection: Connection, message: ClientMessageMap['kick']): Promise<void> {
  const { node } = connection;
  const { room, member } = moderated(connection, message.peerId);
  await node.carry(() =>
    node.sessions.expel(
      { peerId: member.peerId, node: member.node, room: room.id },
      'kicked',
      'kicked',
      message.reason,
      // A guest's id is anybody's: only its login is kept out.
      {
        loginSession: member.info.loginSession,
        ...(member.info.guest === undefined ? { userId: member.info.userId } : {}),
        ms: node.settings.banTime,
      },
    ),
  );
  done(connection, message);
}

/** Answers a request that asked for an answer. */
function done(connection: Connection, { type, ref }: { type: string; ref?: number }): void {
  if (ref !== undefined) connection.sendMessage({ type: 'done', replyTo: type, ref });
}

function mute(connection: Connection, message: ClientMessageMap['mute']): void {
  const { member } = moderated(connection, message.peerId);
  connection.node.router.toMember(
    member,
    JSON.stringify({ type: 'mute_requested', peerId: connection.session.peerId, kind: message.kind }),
    (refusal) => connection.refuse(refusal, message),
  );
  done(connection, message);
}

async function closeRoom(connection: Connection, message: ClientMessageMap['close-room']): Promise<void> {
  const { node } = connection;
  checkKick(connection);
  const room = roomOf(connection);
  await node.carry(async () => {
    const members = await node.membership.close(room);
    // Before it ends the one who asked as well.
    done(connection, message);
    for (const member of members)
      await node.sessions.expel(
        { peerId: member.peerId, node: member.node, room: '' },
        'roomClosed',
        'closed',
        message.reason,
      );
  });
}

function checkKick(connection: Connection): void {
  if (connection.identity.grants.kick !== true)
    throw new Refusal('forbidden', 'Your token does not grant moderation (`kick`).');
}

function moderated(connection: Connection, peerId: string): { room: Room; member: Member } {
  checkKick(connection);
  const room = roomOf(connection);
  return { room, member: memberOf(room, peerId) };
}

function roomOf(connection: Connection): Room {
  const { room } = connection.session;
  if (!room) throw new Refusal('not_in_room', 'Join a room first.');
  return room;
}

function memberOf(room: Room, peerId: string): Member {
  const member = room.members.get(peerId);
  if (!member) throw new Refusal('unknown_peer', 'No such peer in your room.', { field: '/peerId' });
  return member;
}

function checkMetadata(connection: Connection, metadata: unknown): void {
  const limit = connection.node.settings.maxMetadataBytes;
  if (Buffer.byteLength(JSON.stringify(metadata)) > limit)
    throw new Refusal('too_large', `metadata may have ${limit} bytes as JSON.`, { field: '/metadata' });
}
