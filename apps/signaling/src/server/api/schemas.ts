/** Shapes of the server API; OpenAPI is made of them. Problems name the wrong field. */
// What OpenAPI adds to a route's schema.
import type {} from '@fastify/swagger';
import Type, { type Static } from 'typebox';

/** A reference keeps the shape once in OpenAPI. */
const problem = {
  description: 'RFC 9457 problem details.',
  content: { 'application/problem+json': { schema: { $ref: 'ProblemDetails#' } } },
};
/** Problem answers of a route: its own, and what any route answers; `default` is an unexpected failure. */
export const problems = (...codes: number[]) =>
  Object.fromEntries([...codes, 400, 401, 403, 429, 503, 'default'].map((code) => [code, problem]));

/** Bytes of `metadata` as JSON. */
export const MAX_METADATA_BYTES = 4096;
/** Bytes as JSON of what a backend says of a peer. The node of each member reads that of all. */
export const MAX_PEER_METADATA_BYTES = 512;
/** Longest ban, s: that of the longest record in the store. */
export const MAX_BAN_SECONDS = 86_400;

const RoomId = Type.String({
  minLength: 1,
  maxLength: 128,
  description:
    'Letters and digits of any script, `.` `_` `~` `-`; 128 bytes at most; neither `.` nor `..` (rule S-29).',
});
const PeerId = Type.String({ minLength: 1, maxLength: 128 });
const Time = (description: string) => Type.String({ maxLength: 40, description: `${description} RFC 3339.` });
const Reason = Type.String({ maxLength: 200, description: 'Reaches the peer in `kicked`.' });

const MaxPeers = Type.Integer({
  minimum: 1,
  maximum: 1000,
  description: 'Most people at once. Default: the limit of the service, which it cannot raise.',
});
const Locked = Type.Boolean({
  description: 'No new people come in but moderators (grant `kick`); members stay. Default false.',
});
const WaitingRoom = Type.Boolean({
  description:
    'New people wait until a moderator in the room (grant `kick`) lets them in. `locked` counts before it. Default false.',
});
const EmptyTimeoutSeconds = Type.Integer({
  minimum: 1,
  maximum: 2_592_000,
  description:
    'How long the room is kept while it is empty, s. Default: until a day after expiresAt and endAt, or else 86,400.',
});
const ExpiresAt = Time('From then on no new people come in.');
const EndAt = Time('Then all are removed (close code 4009), within 20 s.');
const Metadata = Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
  maxProperties: 64,
  description: `Yours; clients never see it. ${MAX_METADATA_BYTES} bytes as JSON at most.`,
});
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\p{Cc}\\p{Cs}]+$' }), {
  maxItems: 16,
  uniqueItems: true,
  description: 'To find rooms by.',
});

export const RoomBody = Type.Object(
  {
    roomId: Type.Optional(RoomId),
    maxPeers: Type.Optional(MaxPeers),
    locked: Type.Optional(Locked),
    waitingRoom: Type.Optional(WaitingRoom),
    emptyTimeoutSeconds: Type.Optional(EmptyTimeoutSeconds),
    expiresAt: Type.Optional(ExpiresAt),
    endAt: Type.Optional(EndAt),
    metadata: Type.Optional(Metadata),
    tags: Type.Optional(Tags),
  },
  { additionalProperties: false },
);
export type RoomBody = Static<typeof RoomBody>;

const orNull = <T extends Type.TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
export const RoomPatch = Type.Object(
  {
    maxPeers: orNull(MaxPeers),
    locked: orNull(Locked),
    waitingRoom: orNull(WaitingRoom),
    emptyTimeoutSeconds: orNull(EmptyTimeoutSeconds),
    expiresAt: orNull(ExpiresAt),
    endAt: orNull(EndAt),
    metadata: orNull(Metadata),
    tags: orNull(Tags),
  },
  { additionalProperties: false, description: 'Merge patch (RFC 7396): null takes a setting away.' },
);
export type RoomPatch = Static<typeof RoomPatch>;

export const Room = Type.Object(
  {
    roomId: RoomId,
    sid: Type.Optional(
      Type.String({ description: 'Tells this use of the room from others of its name. Absent while it is empty.' }),
    ),
    createdAt: Type.Optional(Time('When it was created here. Absent for a room that was only joined.')),
    startedAt: Type.Optional(Time('When the first of those who are in came in.')),
    numPeers: Type.Integer({ description: 'People in it now, also those who are away for a moment.' }),
    maxPeers: Type.Optional(MaxPeers),
    locked: Locked,
    waitingRoom: WaitingRoom,
    emptyTimeoutSeconds: Type.Optional(EmptyTimeoutSeconds),
    expiresAt: Type.Optional(ExpiresAt),
    endAt: Type.Optional(EndAt),
    metadata: Metadata,
    tags: Tags,
  },
  { $id: 'Room' },
);
export type Room = Static<typeof Room>;

export const RoomPage = Type.Object({
  rooms: Type.Array(Type.Ref('Room#')),
  nextCursor: Type.Optional(Type.String({ description: 'Of the next page. Absent on the last one.' })),
});

export const RoomQuery = Type.Object(
  {
    prefix: Type.Optional(Type.String({ maxLength: 128, description: 'Beginning of the room ids.' })),
    tag: Type.Optional(
      Type.String({
        maxLength: 64,
        description: 'Only rooms with that tag. A page may then be short of `limit`, or empty, and have a next one.',
      }),
    ),
    limit: Type.Optional(Type.String({ pattern: '^(1000|[1-9][0-9]{0,2})$', description: '1 to 1000. Default 100.' })),
    cursor: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  { additionalProperties: false },
);
export type RoomQuery = Static<typeof RoomQuery>;

export const RoomParams = Type.Object({ roomId: RoomId });
export type RoomParams = Static<typeof RoomParams>;
export const PeerParams = Type.Object({ roomId: RoomId, peerId: PeerId });
export type PeerParams = Static<typeof PeerParams>;

export const RemoveQuery = Type.Object(
  {
    reason: Type.Optional(Reason),
    ban: Type.Optional(
      Type.Union([Type.Literal('none'), Type.Literal('login'), Type.Literal('user')], {
        description:
          'Who is kept out of the room: none (default), this login session, or every login of the user (of a guest the login: a guest’s id proves nothing).',
      }),
    ),
    banSeconds: Type.Optional(
      Type.String({ pattern: '^[1-9][0-9]{0,4}$', description: `1 to ${MAX_BAN_SECONDS}. Default 3600.` }),
    ),
  },
  { additionalProperties: false },
);
export type RemoveQuery = Static<typeof RemoveQuery>;

export const MuteBody = Type.Object(
  { kind: Type.Union([Type.Literal('audio'), Type.Literal('video')], { description: 'Microphone or camera.' }) },
  { additionalProperties: false },
);
export type MuteBody = Static<typeof MuteBody>;

const Grant = (description: string) => Type.Optional(Type.Union([Type.Boolean(), Type.Null()], { description }));
export const PeerPatch = Type.Object(
  {
    grants: Type.Optional(
      Type.Object(
        {
          publish: Grant('May send media. Null: as its token says.'),
          data: Grant('May send app messages. Null: as its token says.'),
          kick: Grant('Is a moderator. Null: as its token says.'),
          invite: Grant('As a moderator, lets those speak whose token does not. Null: as its token says.'),
        },
        { additionalProperties: false, minProperties: 1 },
      ),
    ),
    metadata: Type.Optional(
      Type.Union(
        [Type.Record(Type.String({ minLength: 1, maxLength: 64 }), Type.Unknown(), { maxProperties: 32 }), Type.Null()],
        {
          description: `Said of it to its room, whatever its client says: merge patch (RFC 7396) of the outermost fields. Null takes a field, or all, away. ${MAX_PEER_METADATA_BYTES} bytes as JSON at most; no field that the protocol knows (\`name\`, \`audio\` and so on).`,
        },
      ),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type PeerPatch = Static<typeof PeerPatch>;

export const MoveBody = Type.Object(
  {
    roomId: RoomId,
    token: Type.Optional(
      Type.String({
        maxLength: 8192,
        description: 'A token of that user for that room, which its client gets. Default: it enters with its own.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type MoveBody = Static<typeof MoveBody>;

export const Peer = Type.Object(
  {
    peerId: PeerId,
    userId: Type.String(),
    name: Type.Optional(Type.String({ description: 'Display name that the token proves.' })),
    guest: Type.Boolean({ description: 'The user id is self-chosen.' }),
    away: Type.Boolean({ description: 'Its connection is lost, and it may come back.' }),
    joinedAt: Type.Optional(
      Time(
        'When it came into the room; a connection that was lost and is back does not change it. Absent where a node of an older version took its join.',
      ),
    ),
    metadata: Type.Optional(Type.Unknown({ description: 'What it says of itself, and what a backend says of it.' })),
    grants: Type.Optional(
      Type.Object(
        {
          publish: Type.Optional(Type.Boolean()),
          data: Type.Optional(Type.Boolean()),
          kick: Type.Optional(Type.Boolean()),
          invite: Type.Optional(Type.Boolean()),
        },
        { description: 'What a backend or a moderator decided in this room, beside its token. Absent: nothing.' },
      ),
    ),
  },
  { $id: 'Peer' },
);
export type Peer = Static<typeof Peer>;
export const PeerList = Type.Object({ peers: Type.Array(Type.Ref('Peer#')) });

export const MessageBody = Type.Object(
  {
    topic: Type.String({ minLength: 1, maxLength: 64 }),
    data: Type.Unknown({ description: 'Any JSON, 8,192 bytes at most.' }),
    peerIds: Type.Optional(Type.Array(PeerId, { maxItems: 100, description: 'Only to these. Default: all.' })),
    userIds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 100, description: 'Only to these users.' }),
    ),
  },
  { additionalProperties: false },
);
export type MessageBody = Static<typeof MessageBody>;
export const MessageAnswer = Type.Object({
  recipients: Type.Integer({ description: 'Peers that it was sent to; who is away gets it when back.' }),
});

export const Empty = Type.Null({ description: 'Done.' });
