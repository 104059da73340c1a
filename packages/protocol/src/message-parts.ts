/** What the schemas of {@link ./messages.ts} have in common. */
import Type from 'typebox';
import { isRoomId, MAX_ROOM_ID_BYTES } from './names.ts';

export const PeerId = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Opaque identity of a session, unique, ordered.',
});
export const RoomId = Type.Refine(
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
export const MessageId = Type.Integer({ minimum: 1, description: 'Counted up from 1 by the sender, per addressee.' });
export const Metadata = Type.Object(
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
export const Peer = Type.Object(
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
export const Media = Type.Optional(
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
export const Entry = Type.Union([Type.Literal('open'), Type.Literal('ask'), Type.Literal('locked')], {
  description:
    'Who comes in: everybody, those whom a moderator admits, or no more people. Moderators (grant `kick`) always do, and who was admitted for an hour.',
});
export const May = {
  share: Type.Optional(
    Type.Boolean({ description: 'People without the grant `kick` may share a screen. Default true.' }),
  ),
  chat: Type.Optional(Type.Boolean({ description: 'They may write in the chat. Default true.' })),
  look: Type.Optional(Type.Boolean({ description: '`look` tells them names. Default true.' })),
};
export const Ref = Type.Optional(
  Type.Integer({
    minimum: 1,
    description: 'Number of a request, chosen by the client: `done` or `error` answers with it.',
  }),
);
export const Traceparent = Type.Optional(
  Type.String({ maxLength: 64, description: 'W3C trace context of the sender.' }),
);

export function message<T extends string, P extends Record<string, Type.TSchema>>(
  type: T,
  properties: P,
  description: string,
) {
  return Type.Object({ type: Type.Literal(type), ...properties }, { additionalProperties: true, description });
}

export const Base = Type.Optional(
  Type.Integer({
    minimum: 1,
    description: 'Lowest id that the sender may still deliver: below it all was acknowledged or given up. Default 1.',
  }),
);
export const directed = { peerId: PeerId, id: Type.Optional(MessageId), base: Base, traceparent: Traceparent };
export const TokenExpiresInMs = Type.Optional(
  Type.Integer({
    minimum: 0,
    description:
      'How long the access token of this socket is good, by the clock of the server, which closes it then (4002). Absent: without an end, or not told.',
  }),
);
export const Version = Type.Optional(
  Type.Number({
    description:
      'Of the room. A list shows the room as it is at its version; an event with a lower one than the last list is older, and in it.',
  }),
);
