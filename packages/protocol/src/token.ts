/** Claims of an access token, as auth issues and signaling verifies them. */
import Type, { type Static } from 'typebox';

/** What the bearer may do. Absent fields take the stated default. */
export const Grants = Type.Object(
  {
    rooms: Type.Optional(
      Type.Array(Type.String({ maxLength: 128 }), {
        maxItems: 32,
        description: 'Room names; a trailing `*` matches any rest. Default ["*"].',
      }),
    ),
    publish: Type.Optional(
      Type.Boolean({
        description:
          'May send media. Default true. Without it the bearer is audience: it sends no offers, and receives from a media node, which its room gets.',
      }),
    ),
    data: Type.Optional(Type.Boolean({ description: 'May send app messages. Default true.' })),
    kick: Type.Optional(
      Type.Boolean({ description: 'May kick, mute, let others only watch and close the room. Default false.' }),
    ),
    invite: Type.Optional(
      Type.Boolean({
        description: 'With `kick`: may let those speak whose token does not grant `publish`. Default false.',
      }),
    ),
    record: Type.Optional(
      Type.Boolean({
        description: 'May record its rooms, and list, fetch and delete their recordings. Default false.',
      }),
    ),
    media: Type.Optional(
      Type.Boolean({
        description: 'Is a media node: sends and receives for the room, and counts for nothing in it. Default false.',
      }),
    ),
    maxRoomSize: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: 1000,
        description:
          'Size of the rooms that this bearer enters, without their audience: the smallest that anybody in a room brought counts for everybody. Default: the server limit.',
      }),
    ),
    maxFrameBytes: Type.Optional(
      Type.Integer({ minimum: 1024, description: 'Frame limit. Default and ceiling: the server limit.' }),
    ),
    duplicate: Type.Optional(
      Type.Union([Type.Literal('newest'), Type.Literal('reject'), Type.Literal('allow')], {
        description:
          'Two live sockets with one `sub`+`session_id`: the newest wins (default), the second is refused, or both live.',
      }),
    ),
  },
  { additionalProperties: false },
);
export type Grants = Static<typeof Grants>;

/** JWT payload (RFC 7519 names where there are some). Times are seconds since the epoch. */
export const AccessClaims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  sub: Type.String({ minLength: 1, maxLength: 128, description: 'User id.' }),
  session_id: Type.String({ minLength: 1, maxLength: 64, description: 'Login session; revocable as a whole.' }),
  jti: Type.String({ minLength: 1, maxLength: 64 }),
  iat: Type.Integer(),
  exp: Type.Integer(),
  name: Type.Optional(Type.String({ maxLength: 64, description: 'Display name.' })),
  guest: Type.Optional(
    Type.Boolean({ description: '`sub` and `name` are self-chosen and prove nothing. Default false.' }),
  ),
  grants: Type.Optional(Grants),
});
export type AccessClaims = Static<typeof AccessClaims>;

/** Does `grants.rooms` allow `roomId`? */
export function mayEnter(grants: Grants | undefined, roomId: string): boolean {
  const rooms = grants?.rooms ?? ['*'];
  return rooms.some((r) => (r.endsWith('*') ? roomId.startsWith(r.slice(0, -1)) : r === roomId));
}

/** What a backend's token may be used for at the server API. */
export const API_SCOPES = [
  'rooms:read',
  'rooms:write',
  'peers:read',
  'peers:write',
  'messages:write',
  'tokens:mint',
  'events:read',
  'webhooks:write',
  'recordings:read',
  'recordings:write',
] as const;
export type ApiScope = (typeof API_SCOPES)[number];

/** `aud` of backend tokens, beside that of the access tokens of the same deployment: neither is good for the other. */
export const apiAudience = (audience: string) => `${audience}-api`;

/** Login session that stands in a backend token, for revocation: that of its API key. */
export const apiKeySession = (keyId: string) => `api-key:${keyId}`;

/** Claims of a backend token. Times are seconds since the epoch. */
export const BackendClaims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  sub: Type.String({ minLength: 1, maxLength: 128, description: 'Id of the API key.' }),
  session_id: Type.String({ minLength: 1, maxLength: 64, description: 'Of all tokens of the API key.' }),
  jti: Type.String({ minLength: 1, maxLength: 64 }),
  iat: Type.Integer(),
  exp: Type.Integer(),
  scope: Type.String({ maxLength: 512, description: 'Scopes, separated by spaces.' }),
  rooms: Type.Array(Type.String({ maxLength: 128 }), {
    maxItems: 32,
    description: 'Room ids; a trailing `*` matches any rest.',
  }),
});
export type BackendClaims = Static<typeof BackendClaims>;
