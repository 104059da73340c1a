/** What the server sends. Rules of all messages: ./messages.ts. */
import Type, { type TObject } from 'typebox';
import {
  Entry,
  May,
  Media,
  MessageId,
  Metadata,
  message,
  Peer,
  PeerId,
  Ref,
  RoomId,
  TokenExpiresInMs,
  Traceparent,
  Version,
} from './message-parts.ts';
import { Answer, IceCandidate, MediaState, MediaWant, Offer, Receipt } from './relayed-messages.ts';

/** Server to client. Relayed types appear here with `peerId` = the sender. */
export const ServerMessages = {
  welcome: message(
    'welcome',
    {
      peerId: PeerId,
      sessionToken: Type.String({ description: 'Secret of this session, for `resume`.' }),
      heartbeat: Type.Object({
        interval: Type.Integer({ description: 'Interval of the pings of the server, ms.' }),
        timeout: Type.Integer({ description: 'Silence after which the socket counts as dead, ms.' }),
      }),
      limits: Type.Object({
        maxFrameBytes: Type.Integer(),
        maxRoomSize: Type.Integer(),
        messagesPerSecond: Type.Integer(),
        graceSeconds: Type.Integer({ description: 'How long a session survives after its socket closes, s.' }),
      }),
      node: Type.String({ description: 'Name of the signaling node.' }),
      tokenExpiresInMs: TokenExpiresInMs,
    },
    'First frame from the server on a new session.',
  ),
  resumed: message(
    'resumed',
    {
      peerId: PeerId,
      sessionToken: Type.String(),
      node: Type.String(),
      tokenExpiresInMs: TokenExpiresInMs,
      roomId: Type.Optional(RoomId),
      peers: Type.Array(Peer, { description: 'The room as it is now, without me.' }),
      media: Media,
      version: Version,
      parked: Type.Integer({ description: 'Number of parked messages that follow right behind this frame.' }),
    },
    'Answer to `resume`.',
  ),
  joined: message(
    'joined',
    {
      roomId: RoomId,
      peerId: PeerId,
      peers: Type.Union([Type.Array(Peer), Type.Array(PeerId)], {
        description:
          'Everybody else in the room. On a socket that was opened without the subprotocol: their ids alone.',
      }),
      members: Type.Optional(
        Type.Array(Peer, { description: 'Everybody else in the room, where `peers` has ids alone.' }),
      ),
      media: Media,
      version: Version,
    },
    'You are in.',
  ),
  left: message('left', { roomId: RoomId }, 'You are out (answer to `leave`).'),
  peer_joined: message('peer_joined', { ...Peer.properties, version: Version }, 'Somebody came in.'),
  peer_left: message(
    'peer_left',
    { peerId: PeerId, reason: Type.Optional(Type.String()), version: Version },
    'Somebody is gone: `left`, `timeout`, `kicked`, `moved`, `revoked`.',
  ),
  peer_away: message(
    'peer_away',
    { peerId: PeerId, version: Version },
    'Its socket is gone; its media may well go on.',
  ),
  peer_back: message(
    'peer_back',
    { peerId: PeerId, version: Version },
    'It resumed: repeat to it what it did not acknowledge.',
  ),
  peer_updated: message(
    'peer_updated',
    { peerId: PeerId, metadata: Metadata, version: Version },
    'It says something new of itself.',
  ),
  room: message(
    'room',
    { roomId: RoomId, peers: Type.Array(Peer), media: Media, version: Version },
    'Snapshot of the room, sent when earlier updates may have been lost: replace your view.',
  ),
  entry: message(
    'entry',
    {
      roomId: RoomId,
      entry: Entry,
      ...May,
      waiting: Type.Array(Peer, {
        description:
          'Who asks to come in, the first first. Of `metadata` only the name. Empty for others than moderators.',
      }),
    },
    'Who may enter the room, what people without the grant `kick` may do, and to moderators who asks to come in. Sent to moderators and media nodes at each change, to everybody when what they may do changes; behind `resumed`, and behind `joined` where something is restricted, to moderators and media nodes also where it is not open.',
  ),
  admission: message(
    'admission',
    { roomId: RoomId, admitted: Type.Boolean() },
    'A moderator has decided about you, who was refused with `room_waiting`: join again, or ask no more.',
  ),
  offer: Offer,
  answer: Answer,
  'ice-candidate': IceCandidate,
  'media-want': MediaWant,
  'media-state': MediaState,
  receipt: Receipt,
  message: message(
    'message',
    { peerId: PeerId, id: Type.Optional(MessageId), traceparent: Traceparent, data: Type.Any() },
    'Application message from a peer.',
  ),
  pong: message('pong', { t: Type.Optional(Type.Number()) }, 'Answer to `ping`.'),
  done: message(
    'done',
    {
      replyTo: Type.String({ description: '`type` of the request.' }),
      ref: Ref,
      count: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: 'To `look`: how many people are in. Of more than 50, a media node may be one of them.',
        }),
      ),
      names: Type.Optional(
        Type.Array(Type.String(), {
          description: 'To `look`: display names of those who have one, at most 12. Absent: the room does not tell.',
        }),
      ),
    },
    'Answer to a request that carries `ref` (`kick`, `mute`, `grant`, `close-room`, `set-entry`, `admit`, `refuse`, `look`): it is carried out.',
  ),
  draining: message(
    'draining',
    { reconnectWithin: Type.Integer({ description: 'ms; pick a random moment inside.' }) },
    'This node goes away: resume elsewhere.',
  ),
  kicked: message(
    'kicked',
    { reason: Type.Optional(Type.String()) },
    'A moderator or a revocation ended you; close code 4003 or 4001 follows.',
  ),
  mute_requested: message(
    'mute_requested',
    { peerId: PeerId, kind: Type.Union([Type.Literal('audio'), Type.Literal('video')]) },
    'A moderator asks you to mute.',
  ),
  grants: message(
    'grants',
    {
      publish: Type.Boolean(),
      data: Type.Boolean(),
      kick: Type.Boolean(),
      invite: Type.Optional(Type.Boolean()),
      metadata: Type.Optional(
        Type.Record(Type.String(), Type.Unknown(), {
          description: 'What the backend says of you in this room; part of your metadata, whatever you say there.',
        }),
      ),
    },
    'The backend or a moderator has changed what you may do in this room, or what is said of you; this is how it is now.',
  ),
  server_message: message(
    'server_message',
    { topic: Type.String({ minLength: 1, maxLength: 64 }), data: Type.Unknown() },
    'The backend of the deployment tells you something, by the server API. Clients skip topics that they do not know.',
  ),
  error: message(
    'error',
    {
      code: Type.String({ description: 'One of ERROR_CODES.' }),
      message: Type.String({ description: 'For people; names the field and the fix.' }),
      field: Type.Optional(Type.String({ description: 'JSON pointer into your message.' })),
      replyTo: Type.Optional(Type.String({ description: '`type` of the message refused.' })),
      peerId: Type.Optional(PeerId),
      id: Type.Optional(MessageId),
      ref: Ref,
      retryAfter: Type.Optional(Type.Integer({ description: 'ms until a retry makes sense.' })),
    },
    'Your message was refused; nothing else changed.',
  ),
} as const satisfies Record<string, TObject>;
