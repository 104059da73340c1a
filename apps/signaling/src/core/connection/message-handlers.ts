/** Messages that the fast path does not take: each is checked by its schema and carried out by the function of its type. */
import { type ClientMessageMap, mayEnter } from '@tandem/protocol';
import { isMediaPeer } from '../../backplane/types.ts';
import { SplicedFrame } from '../../wire/spliced-frame.ts';
import { RefusalError } from '../errors.ts';
import { withoutGiven } from '../rooms/grants.ts';
import { isAudience, saidInRoom, withProvenClaims } from '../rooms/member-record.ts';
import { entryOf } from '../rooms/notifications.ts';
import { replaceMetadata } from '../rooms/replace-metadata.ts';
import { isRestricted } from '../rooms/restriction.ts';
import { grantsOf } from '../rooms/show-grants.ts';
import { tokenEnds } from '../rooms/token-ends.ts';
import { lookInto } from '../sessions/room-look.ts';
import { type Call, type Handler, type HandlerParts, memberOf, roomOf } from './call.ts';
import type { Connection, ConnectionHost } from './connection.ts';
import { admit, closeRoom, done, grant, kick, mute, refuse, setEntry } from './moderation-handlers.ts';
import { resume } from './resume-handler.ts';
import { checkMessage, isKnownType } from './validate.ts';

/** Charged for a read of a room whose size is not known here. */
const UNSEEN_ROOM_BYTES = 65_536;

/** Of the room that it is in: what the store answers to a write there. */
const roomBytes = ({ session }: Connection) => session.room?.bytes ?? 0;

/** Bytes that the node and the store send for a message beside the message itself (S-18). */
const COSTS: { readonly [T in keyof ClientMessageMap]?: (connection: Connection, frame: Buffer) => number } = {
  // A client that connects joins once; one that leaves and joins again has a room read each time.
  join: ({ session }) => session.room?.bytes ?? (session.joinedAt === undefined ? 0 : UNSEEN_ROOM_BYTES),
  look: () => UNSEEN_ROOM_BYTES,
  update: (connection, frame) => roomBytes(connection) + frame.length * (connection.session.room?.members.size ?? 0),
  kick: roomBytes,
  grant: roomBytes,
  'set-entry': roomBytes,
  admit: roomBytes,
  refuse: roomBytes,
};

/** @returns what connections call with such a message */
export function createMessageHandler(parts: HandlerParts): ConnectionHost['handle'] {
  return ({ connection, message, bytes, header }) => {
    const { type } = message;
    if (!isKnownType(type)) throw new RefusalError('unknown_type', `This server does not know '${type.slice(0, 64)}'.`);
    checkMessage(type, message);
    const cost = COSTS[type]?.(connection, bytes) ?? 0;
    // Who waits for the answer to a `ref` gets one (S-45).
    if (cost > 0 && 'ref' in message) connection.pay(cost);
    else if (cost > 0 && !connection.affords(cost)) return undefined;
    const handler = handlers[type] as Handler<typeof type>;
    const pending = handler({ parts, connection, message: message as never, bytes, header });
    if (type !== 'ping') connection.fresh = false;
    return pending ?? undefined;
  };
}

const join: Handler<'join'> = async (call) => {
  const { parts, connection, message } = call;
  const { session, identity } = connection;
  const { roomId } = message;
  checkRoomGrant(connection, roomId);
  if (session.room && session.room.id !== roomId)
    throw new RefusalError('already_joined', `Leave ${session.room.id} first.`, { field: '/roomId' });
  const said = message.metadata && { ...session.metadata, ...message.metadata };
  const metadata = said && withProvenClaims(session, session.room ? saidInRoom(session, said) : said);
  // What is kept is bounded, not only what is added; what a backend says of it has a bound of its own.
  if (metadata) checkMetadata(call, withoutGiven(metadata, ['fromBackend', ...Object.keys(identity.given ?? {})]));
  if (session.room) {
    answerJoined(connection, roomId);
    if (metadata && JSON.stringify(metadata) !== JSON.stringify(session.metadata))
      await replaceMetadata(parts, session, metadata);
    return;
  }
  if (metadata) session.metadata = metadata;
  await parts.joiner.join(session, roomId, () => answerJoined(connection, roomId));
  // Only now is it known what the room lets its people do.
  if (session.metadata?.screen === true && isRestricted(connection, 'share'))
    await replaceMetadata(parts, session, session.metadata);
};

function checkRoomGrant({ identity }: Connection, roomId: string): void {
  if (!mayEnter(identity.grants, roomId))
    throw new RefusalError('forbidden', `Your token does not grant room ${roomId}.`, { field: '/roomId' });
}

function answerJoined(connection: Connection, roomId: string): void {
  const { room, peerId } = connection.session;
  if (!room) return;
  const members = room.peers(peerId);
  const seen = connection.dialect === 'seed' ? { peers: members.map((p) => p.peerId), members } : { peers: members };
  connection.sendMessage({ type: 'joined', roomId, peerId, ...seen, ...room.media(), version: room.version });
  const { identity } = connection;
  if (isMediaPeer(peerId)) connection.sendMessage(tokenEnds(room.members.values()));
  if (connection.session.granted !== '') connection.sendMessage(grantsOf(identity));
  // Also when nothing is restricted any more: who comes back as somebody new may have heard otherwise.
  if (room.hasSettings) connection.sendMessage(entryOf(room, identity));
}

const look: Handler<'look'> = async ({ parts, connection, message }) => {
  const { roomId } = message;
  checkRoomGrant(connection, roomId);
  const inside = await parts.context.carry(() => lookInto(parts.context, connection.session, roomId));
  done(connection, message, inside);
};

const leave: Handler<'leave'> = async ({ parts, connection, message }) => {
  const { session } = connection;
  if (session.asksAt !== undefined && session.asksAt === message.roomId) {
    await parts.entries.withdraw(session);
    connection.sendMessage({ type: 'left', roomId: message.roomId });
    return;
  }
  const roomId = session.room?.id;
  // A leave that is said again may come behind the join of the next room.
  if (roomId === undefined || (message.roomId ?? roomId) !== roomId)
    throw new RefusalError('not_in_room', 'You are not in that room.', { field: '/roomId' });
  await parts.terminator.leave(session);
  connection.sendMessage({ type: 'left', roomId });
};

const update: Handler<'update'> = async (call) => {
  const { session } = call.connection;
  const metadata = saidInRoom(session, call.message.metadata);
  checkMetadata(call, metadata);
  await replaceMetadata(call.parts, session, metadata);
};

function checkMetadata({ parts }: Call<unknown>, metadata: unknown): void {
  const limit = parts.context.settings.maxMetadataBytes;
  if (Buffer.byteLength(JSON.stringify(metadata)) > limit)
    throw new RefusalError('too_large', `metadata may have ${limit} bytes as JSON.`, { field: '/metadata' });
}

type Directed = { readonly type: string; readonly peerId: string; readonly id?: number };

/** A directed frame that the fast path did not take: finds out why. */
function forward(call: Call<Directed>): void {
  const { parts, connection, message } = call;
  checkGrant(connection, message.type, message.peerId);
  checkChat(connection, message);
  const member = memberOf(roomOf(connection), message.peerId);
  parts.router.toMember(member, spliced(call), (refusal) => connection.refuse(refusal, message));
}

function broadcast(call: Call<unknown>): void {
  const { parts, connection, bytes, message } = call;
  checkGrant(connection, 'message');
  checkChat(connection, message);
  const room = roomOf(connection);
  // The first receiver is paid with the frame.
  if (room.members.size > 2) connection.pay(bytes.length * (room.members.size - 2));
  parts.router.toRoom(room, connection.session, spliced(call));
}

/** With what the server says of it behind everything the client wrote (see wire/spliced-frame.ts). */
function spliced({ connection, bytes, header }: Call<unknown>): SplicedFrame {
  return new SplicedFrame(bytes, 0, header.close, connection.suffix(header.type));
}

function checkGrant(connection: Connection, type: string, to = ''): void {
  const { identity, session } = connection;
  // Who only watches and listens answers the offers of the media node that it receives from.
  const publishes = type === 'offer' || (type === 'answer' && !isMediaPeer(to));
  if (publishes && isAudience(session))
    throw new RefusalError(
      'forbidden',
      identity.grants.publish === false
        ? 'Your token does not grant publishing.'
        : 'You have joined as audience: join again to send.',
    );
  if (identity.grants.data === false && type === 'message')
    throw new RefusalError('forbidden', 'Your token does not grant app messages.');
}

/** A line of the chat where moderators alone write, as the SDK sends it (docs/pair-protocol.md P-13). A sealed one is not seen here. */
function checkChat(connection: Connection, message: unknown): void {
  if (isRestricted(connection, 'chat') && isChatLine((message as { data?: unknown }).data))
    throw new RefusalError('forbidden', 'In this room moderators alone write in the chat.');
}

const isChatLine = (data: unknown) =>
  typeof data === 'object' && data !== null && 'tandem' in data && data.tandem === 'chat';

const handlers: { [T in keyof ClientMessageMap]: Handler<T> } = {
  join,
  look,
  leave,
  resume,
  update,
  kick,
  mute,
  grant,
  'close-room': closeRoom,
  'set-entry': setEntry,
  admit,
  refuse,
  offer: forward,
  answer: forward,
  'ice-candidate': forward,
  receipt: forward,
  'media-want': forward,
  'media-state': forward,
  message: (call) => (call.message.peerId === undefined ? broadcast(call) : forward(call as Call<Directed>)),
  ping: ({ connection, message }) =>
    connection.sendMessage({ type: 'pong', ...(message.t === undefined ? {} : { t: message.t }) }),
};
