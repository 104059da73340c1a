/**
 * Call report: what one browser tells of one leg (its call with one peer), at the end of it and every few minutes during it.
 * `POST /reports`. It carries no personal data: no user, room, peer, address or device name, and every text is from a closed
 * list or a short pattern, so nothing else fits in.
 */
import Type, { type Static } from 'typebox';

/** Largest body of `POST /reports`, bytes. */
export const MAX_REPORT_BYTES = 16_384;

/** Why a leg did not come up, or ended badly. */
export const FAILURE_REASONS = [
  'ice-failed',
  'dtls-failed',
  'signaling-unreachable',
  'token-refused',
  'room-full',
  'media-denied',
  'timeout',
  'peer-gone',
  'other',
] as const;

/** What people may say was wrong, when they rate a call. */
export const RATING_ISSUES = ['audio', 'video', 'drop', 'delay', 'echo', 'other'] as const;

const ms = (description: string, maximum = 86_400_000) =>
  Type.Optional(Type.Number({ minimum: 0, maximum, description }));

export const CallLeg = Type.Object(
  {
    outcome: Type.Union([Type.Literal('connected'), Type.Literal('failed'), Type.Literal('abandoned')], {
      description: '`failed`: never connected. `abandoned`: a person left before it could.',
    }),
    phase: Type.Union([Type.Literal('interim'), Type.Literal('end')], {
      description: '`interim` reports count for quality only; each leg sends one `end`.',
    }),
    setupMs: ms('From the intent to call until media could flow (ICE and DTLS connected).', 300_000),
    durationMs: ms('How long it was connected so far.', 604_800_000),
    failure: Type.Optional(
      Type.Unsafe<(typeof FAILURE_REASONS)[number]>(Type.Union(FAILURE_REASONS.map((r) => Type.Literal(r)))),
    ),
    dropped: Type.Optional(Type.Boolean({ description: 'It connected, then ended without a hang-up.' })),
    mos: Type.Optional(
      Type.Number({ minimum: 1, maximum: 5, description: 'Estimated MOS of received audio (ITU-T G.107), median.' }),
    ),
    rttMs: ms('Round trip of the selected pair, median.', 60_000),
    lossPercent: Type.Optional(Type.Number({ minimum: 0, maximum: 100, description: 'Received packets lost.' })),
    path: Type.Optional(
      Type.Union([Type.Literal('host'), Type.Literal('srflx'), Type.Literal('prflx'), Type.Literal('relay')], {
        description: 'Local candidate type of the selected pair.',
      }),
    ),
    relayProtocol: Type.Optional(Type.Union([Type.Literal('udp'), Type.Literal('tcp'), Type.Literal('tls')])),
    iceRestarts: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
    topology: Type.Optional(
      Type.Union([Type.Literal('mesh'), Type.Literal('sfu')], {
        description: 'How media came at the end: from the peer, or by a media node. Default mesh.',
      }),
    ),
    firstPictureMs: ms('From the peer’s arrival until its first picture was decoded.', 300_000),
    pictureMs: ms('How long pictures of it came, frozen ones too.', 604_800_000),
    frozenMs: ms('For how long of that the picture stood still.', 604_800_000),
    keyframeRequests: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Keyframes of that picture asked for (RTCP PLI).' }),
    ),
  },
  { additionalProperties: false },
);

export const CallReport = Type.Object(
  {
    version: Type.Literal(1),
    client: Type.String({ pattern: '^[A-Za-z0-9.+-]{1,32}$', description: 'Version of the client software.' }),
    region: Type.Optional(
      Type.String({ pattern: '^[a-z0-9-]{1,24}$', description: 'Region of the service that the client was given.' }),
    ),
    roomSize: Type.Integer({ minimum: 1, maximum: 1000, description: 'Most people in the room at once.' }),
    /** Of the signaling session: how often it was resumed, and how often that did not work. */
    resumes: Type.Optional(
      Type.Object(
        { ok: Type.Integer({ minimum: 0, maximum: 1000 }), failed: Type.Integer({ minimum: 0, maximum: 1000 }) },
        { additionalProperties: false },
      ),
    ),
    /** Media nodes that the room was given: to how many this client connected, and to how many it did not or no more. */
    switches: Type.Optional(
      Type.Object(
        { ok: Type.Integer({ minimum: 0, maximum: 1000 }), failed: Type.Integer({ minimum: 0, maximum: 1000 }) },
        { additionalProperties: false },
      ),
    ),
    sampling: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: 1, description: 'Share of calls that report. Default 1.' }),
    ),
    legs: Type.Array(CallLeg, { maxItems: 32 }),
    rating: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 5, description: 'How people found the call; 5 is great.' }),
    ),
    issues: Type.Optional(
      Type.Array(Type.Unsafe<(typeof RATING_ISSUES)[number]>(Type.Union(RATING_ISSUES.map((i) => Type.Literal(i)))), {
        maxItems: 6,
        description: 'What they say was wrong.',
      }),
    ),
  },
  { additionalProperties: false, description: 'Body of POST /reports.' },
);
export type CallReport = Static<typeof CallReport>;
export type CallLeg = Static<typeof CallLeg>;
export type FailureReason = (typeof FAILURE_REASONS)[number];
