/**
 * The wire contract of `signal.v1`: every message as a schema, one source for types, validation and AsyncAPI.
 *
 * Rules that hold for all of them (docs/service-contracts.md has them numbered):
 * - One JSON object per text frame, with a string `type`.
 * - An unknown `type` gets `error {code: 'unknown_type'}` and nothing else happens; unknown fields are carried, not refused.
 * - *Directed* messages name a `peerId`: the addressee on the way in, the sender (set by the server) on the way out.
 * - Directed messages may carry `id`, a positive integer that the sender counts up from 1 per addressee; the addressee
 *   answers `receipt {peerId, id}` (cumulative: everything up to `id` arrived). The server relays both blindly.
 */
import Type, { type Static, type TObject } from 'typebox';
import { isRoomId, MAX_ROOM_ID_BYTES } from './names.ts';

const PeerId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Opaque identity of a session, unique, ordered.',
});
const RoomId = Type.Refine(
  Type.String({
    minLength: 1,
    maxLength: MAX_ROOM_ID_BYTES,
    pattern: '^[\\p{L}\\p{M}\\p{Nd}._~-]+$',
    description:
      'Room id: letters, marks and digits of any script, . _ ~ - (1 to 128 bytes of UTF-8), neither `.` nor `..`. Outside of ASCII only in the form that `roomIdOf` (names.ts) gives: NFKC, case folded, nothing invisible.',
  }),
  isRoomId,
  () =>
    'must be as roomIdOf gives it: NFKC, lower case, nothing invisible, at most 128 bytes of UTF-8; and neither . nor ..',
);
const MessageId = Type.Integer({ minimum: 1, description: 'Counted up from 1 by the sender, per addressee.' });
const Metadata = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 64, description: 'Display name.' })),
    audio: Type.Optional(Type.Boolean({ description: 'Microphone is on.' })),
    video: Type.Optional(Type.Boolean({ description: 'Camera is on.' })),
    screen: Type.Optional(Type.Boolean({ description: 'Screen is shared.' })),
    audience: Type.Optional(
      Type.Boolean({
        description: 'Sends nothing until it joins again, whatever it is granted meanwhile: it is treated as audience.',
      }),
    ),
    moderator: Type.Optional(
      Type.Boolean({ description: 'Has the grant `kick`. Said by the server; what a client says of it is dropped.' }),
    ),
    moderatorByToken: Type.Optional(
      Type.Boolean({
        description:
          'Has that grant by its own token: who was made a moderator in the room does not remove it (S-51). Said by the server; what a client says of it is dropped.',
      }),
    ),
    fromBackend: Type.Optional(
      Type.Array(Type.String(), {
        description:
          'Names of the fields here that the backend says (A-14). Said by the server; what a client says of it is dropped. Any other field is what a client says of itself.',
      }),
    ),
  },
  { additionalProperties: true, description: 'What a peer says of itself to its room. At most 2 KiB as JSON.' },
);
const Peer = Type.Object(
  {
    peerId: PeerId,
    userId: Type.Optional(Type.String({ description: '`sub` of its token.' })),
    name: Type.Optional(
      Type.String({
        description:
          'Display name that its token proves; `metadata.name` is the same. Absent: `metadata.name` is self-chosen.',
      }),
    ),
    metadata: Type.Optional(Metadata),
    audience: Type.Optional(
      Type.Boolean({ description: 'Receives only: its token does not grant `publish`. It has no pairs.' }),
    ),
    away: Type.Optional(Type.Boolean({ description: 'Detached: its socket is gone, its session still lives.' })),
  },
  { description: 'One member of a room.' },
);
const Media = Type.Optional(
  Type.Object(
    {
      peerId: PeerId,
      epoch: Type.Integer({ minimum: 1, description: 'Grows with each node that takes the room over.' }),
      recording: Type.Optional(
        Type.Integer({
          minimum: 1,
          description:
            'The node records what is said and shown since then, ms since the epoch. Absent: the room is not recorded.',
        }),
      ),
    },
    {
      description:
        'The media node that serves the room: its peer takes offers with `leg: "up"` and makes those with `leg: "down"`. It is no entry of `peers`. Absent: a mesh.',
    },
  ),
);
const Entry = Type.Union([Type.Literal('open'), Type.Literal('ask'), Type.Literal('locked')], {
  description:
    'Who comes in: everybody, those whom a moderator admits, or no more people. Moderators (grant `kick`) always do, and who was admitted for an hour.',
});
const May = {
  share: Type.Optional(
    Type.Boolean({ description: 'People without the grant `kick` may share a screen. Default true.' }),
  ),
  chat: Type.Optional(Type.Boolean({ description: 'They may write in the chat. Default true.' })),
  look: Type.Optional(Type.Boolean({ description: '`look` tells them names. Default true.' })),
};
const Ref = Type.Optional(
  Type.Integer({
    minimum: 1,
    description: 'Number of a request, chosen by the client: `done` or `error` answers with it.',
  }),
);
const Traceparent = Type.Optional(Type.String({ maxLength: 64, description: 'W3C trace context of the sender.' }));

function message<T extends string, P extends Record<string, Type.TSchema>>(
  type: T,
  properties: P,
  description: string,
) {
  return Type.Object({ type: Type.Literal(type), ...properties }, { additionalProperties: true, description });
}

const Base = Type.Optional(
  Type.Integer({
    minimum: 1,
    description: 'Lowest id that the sender may still deliver: below it all was acknowledged or given up. Default 1.',
  }),
);
const directed = { peerId: PeerId, id: Type.Optional(MessageId), base: Base, traceparent: Traceparent };

/** Messages that the server relays to one peer without looking at their payload. */
export const Offer = message(
  'offer',
  { ...directed, sdp: Type.Any({ description: 'Session description: string or {type, sdp}.' }) },
  'Session description offer (JSEP).',
);
export const Answer = message(
  'answer',
  { ...directed, sdp: Type.Any({ description: 'Session description: string or {type, sdp}.' }) },
  'Session description answer (JSEP).',
);
export const IceCandidate = message(
  'ice-candidate',
  { ...directed, candidate: Type.Any({ description: 'RTCIceCandidateInit, or null for end of candidates.' }) },
  'One ICE candidate (RFC 8838 trickle).',
);
export const Receipt = message(
  'receipt',
  { peerId: PeerId, id: MessageId },
  'Everything up to `id` arrived, in order.',
);
export const MediaWant = message(
  'media-want',
  {
    ...directed,
    want: Type.Optional(
      Type.Any({
        description:
          '{gen, restarts, others, layers: [{peerId, slot, layer}]}: opens the connection of generation `gen` on which the media node sends, and says in which layer (off, low, mid, high). Replaces earlier wishes.',
      }),
    ),
  },
  'To the media node of the room: what to receive.',
);
export const MediaState = message(
  'media-state',
  {
    ...directed,
    state: Type.Optional(
      Type.Any({
        description:
          '{mode, epoch}. From a media node: serving, engine-lost, closing. Between peers: served (your media reaches me by the node). To a media node: gone.',
      }),
    ),
  },
  'What of the media tier is true now.',
);
export const AppMessage = message(
  'message',
  {
    peerId: Type.Optional(PeerId),
    id: Type.Optional(MessageId),
    traceparent: Traceparent,
    data: Type.Any({ description: 'Any JSON.' }),
  },
  'Application message, to one peer (`peerId`) or to everybody else in the room (no `peerId`).',
);

/** Client to server. */
export const ClientMessages = {
  join: message(
    'join',
    { roomId: RoomId, metadata: Type.Optional(Metadata), traceparent: Traceparent },
    'Enter a room. One room per session.',
  ),
  look: message(
    'look',
    { roomId: RoomId, ref: Ref },
    'Ask who is in a room that I may enter, before I do; the people in it are not told. Answered by `done` with `count` and `names`, or refused as `join` would be.',
  ),
  leave: message('leave', { roomId: Type.Optional(RoomId) }, 'Leave the room (`roomId`: only if it is that one).'),
  offer: Offer,
  answer: Answer,
  'ice-candidate': IceCandidate,
  'media-want': MediaWant,
  'media-state': MediaState,
  receipt: Receipt,
  message: AppMessage,
  update: message('update', { metadata: Metadata }, 'Replace what I say of myself.'),
  resume: message(
    'resume',
    { sessionToken: Type.String({ minLength: 16, maxLength: 512 }), traceparent: Traceparent },
    'First frame of a new socket: continue an earlier session.',
  ),
  ping: message('ping', { t: Type.Optional(Type.Number()) }, 'Answered by `pong` with the same `t`.'),
  kick: message(
    'kick',
    { peerId: PeerId, reason: Type.Optional(Type.String({ maxLength: 200 })), ref: Ref },
    'Needs the `kick` grant.',
  ),
  mute: message(
    'mute',
    { peerId: PeerId, kind: Type.Union([Type.Literal('audio'), Type.Literal('video')]), ref: Ref },
    'Ask a peer to mute; needs the `kick` grant.',
  ),
  grant: message(
    'grant',
    { peerId: PeerId, publish: Type.Optional(Type.Boolean()), kick: Type.Optional(Type.Boolean()), ref: Ref },
    'Change what a peer may do in my room, beside what its token says: send picture and sound (`publish`; needs the `kick` grant, and `invite` for what its token does not grant), moderate (`kick`; needs it by my token).',
  ),
  'close-room': message(
    'close-room',
    { reason: Type.Optional(Type.String({ maxLength: 200 })), ref: Ref },
    'End the room for everybody; needs the `kick` grant.',
  ),
  'set-entry': message(
    'set-entry',
    { entry: Entry, ...May, ref: Ref },
    'Say who may enter the room that I am in, and what people without the grant may do in it (what is absent stays); needs the `kick` grant. Holds until the room is empty, or as long as its settings.',
  ),
  admit: message('admit', { peerId: PeerId, ref: Ref }, 'Let in who asks to; needs the `kick` grant.'),
  refuse: message(
    'refuse',
    { peerId: PeerId, ref: Ref },
    'Do not let in who asks to, who may not ask again for a minute; needs the `kick` grant.',
  ),
} as const satisfies Record<string, TObject>;

const Version = Type.Optional(
  Type.Number({
    description:
      'Of the room. A list shows the room as it is at its version; an event with a lower one than the last list is older, and in it.',
  }),
);

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
    },
    'First frame from the server on a new session.',
  ),
  resumed: message(
    'resumed',
    {
      peerId: PeerId,
      sessionToken: Type.String(),
      node: Type.String(),
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
    'Who may enter the room, what people without the grant `kick` may do, and to moderators who asks to come in. Sent to moderators at each change, to everybody when what they may do changes; behind `resumed`, and behind `joined` where something is restricted, to moderators also where it is not open.',
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

export type PeerInfo = Static<typeof Peer>;
export type RoomEntry = Static<typeof Entry>;
/** Shape of {@link PeerMetadata}: the fields that have a meaning here. */
export const PeerMetadataSchema = Metadata;
export type PeerMetadata = Static<typeof Metadata>;
type Messages<T extends Record<string, TObject>> = { [K in keyof T]: Static<T[K]> };
export type ClientMessageMap = Messages<typeof ClientMessages>;
export type ServerMessageMap = Messages<typeof ServerMessages>;
/** Any message a client may send. */
export type ClientMessage = ClientMessageMap[keyof ClientMessageMap];
/** Any message a server may send. */
export type ServerMessage = ServerMessageMap[keyof ServerMessageMap];
/** Types relayed to one peer with `peerId` rewritten to the sender. */
export const RELAYED_TYPES = [
  'offer',
  'answer',
  'ice-candidate',
  'media-want',
  'media-state',
  'receipt',
  'message',
] as const;
