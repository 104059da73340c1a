/** Shapes of the API; OpenAPI is made of them. Problems name the wrong field. */
// What OpenAPI adds to a route's schema.
import type {} from '@fastify/swagger';
import Type, { type Static } from 'typebox';
import { MAX_URL_LENGTH } from '../delivery/address-guard.ts';
import { SIGNATURES } from '../delivery/signature.ts';
import { EVENT_TYPES } from '../events/room-fold.ts';

const problem = {
  description: 'RFC 9457 problem details.',
  content: { 'application/problem+json': { schema: { $ref: 'ProblemDetails#' } } },
};
/** Problem answers of a route: its own, and what any route answers; `default` is an unexpected failure. */
export const problems = (...codes: number[]) =>
  Object.fromEntries([...codes, 400, 401, 403, 429, 503, 'default'].map((code) => [code, problem]));

const Types = Type.Array(Type.Enum([...EVENT_TYPES]), {
  maxItems: EVENT_TYPES.length,
  uniqueItems: true,
  description: 'Which events. Default: all but `peer.updated`. `events.dropped` comes always.',
});
const Rooms = Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
  minItems: 1,
  maxItems: 32,
  description:
    'Room ids; a trailing `*` matches any rest. Default: the rooms of the API key, which it cannot go beyond.',
});
const Url = Type.String({
  maxLength: MAX_URL_LENGTH,
  description:
    'https, port 443, at a public address; without user, password and fragment. Or the URL of a FIFO queue of Amazon SQS that the deployment allows (EVENT_QUEUES).',
});
const Description = Type.String({ maxLength: 200, description: 'Yours.' });

const Signature = Type.Enum([...SIGNATURES], {
  description:
    'How its webhooks are signed (Standard Webhooks). `v1`: HMAC-SHA256 with a secret that both sides keep. `v1a`: Ed25519; only the service can sign, and what the receiver keeps is no secret. It stays as it is. Default `v1`.',
});

export const EndpointBody = Type.Object(
  {
    url: Url,
    types: Type.Optional(Types),
    rooms: Type.Optional(Rooms),
    description: Type.Optional(Description),
    signature: Type.Optional(Signature),
  },
  { additionalProperties: false },
);
export type EndpointBody = Static<typeof EndpointBody>;

export const EndpointPatch = Type.Object(
  {
    url: Type.Optional(Url),
    types: Type.Optional(Types),
    rooms: Type.Optional(Rooms),
    description: Type.Optional(Description),
    state: Type.Optional(
      Type.Enum(['active', 'disabled'], {
        description: 'What happens while it is disabled is not told later; see replay.',
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type EndpointPatch = Static<typeof EndpointPatch>;

export const WebhookEndpoint = Type.Object(
  {
    id: Type.String(),
    url: Url,
    types: Types,
    rooms: Rooms,
    description: Description,
    state: Type.Enum(['active', 'disabled', 'gone'], { description: '`gone`: it answered 410.' }),
    createdAt: Type.String(),
    signature: Signature,
    publicKeys: Type.Array(Type.String(), {
      description:
        'Of `v1a`: `whpk_…`, those that it is signed for now; after a rotation also the one before, for a day. Else none.',
    }),
  },
  { $id: 'WebhookEndpoint' },
);

const Secret = Type.String({
  description:
    'What verifies the webhooks. Of `v1` it signs them too: `whsec_…`, shown this once. Of `v1a` it is the public key, `whpk_…`.',
});
export const EndpointCreated = Type.Object({ endpoint: Type.Ref('WebhookEndpoint#'), secret: Secret });
export const EndpointList = Type.Object({ endpoints: Type.Array(Type.Ref('WebhookEndpoint#')) });
export const SecretAnswer = Type.Object({ secret: Secret });
export const TestAnswer = Type.Object({
  delivered: Type.Boolean(),
  status: Type.Optional(Type.Integer({ description: 'Of the answer, when it was 2xx.' })),
  reason: Type.Optional(
    Type.String({ description: 'Why not, in a word: `status_500`, `timeout`, `address_refused`, …' }),
  ),
});

export const EndpointParams = Type.Object({ endpointId: Type.String({ minLength: 1, maxLength: 64 }) });
export type EndpointParams = Static<typeof EndpointParams>;

export const DeliveryQuery = Type.Object(
  {
    status: Type.Enum(['failed', 'waiting'], {
      description: '`failed`: given up, the latest 100. `waiting`: rooms whose first event was tried and failed.',
    }),
  },
  { additionalProperties: false },
);
export type DeliveryQuery = Static<typeof DeliveryQuery>;
export const DeliveryList = Type.Object({
  deliveries: Type.Array(
    Type.Object({
      roomId: Type.Optional(Type.String()),
      eventId: Type.Optional(Type.String({ description: 'Absent: older than what is kept.' })),
      reason: Type.String({ description: 'Of the last try, in a word.' }),
      tries: Type.Optional(Type.Integer()),
      at: Type.Optional(Type.String({ description: 'When it was given up.' })),
    }),
  ),
});

const Time = (description: string) => Type.String({ maxLength: 40, format: 'date-time', description });
export const ReplayBody = Type.Object(
  {
    after: Time('Events from then on. RFC 3339.'),
    before: Type.Optional(Time('Until then. Default: now.')),
    types: Type.Optional(Types),
    roomId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
);
export type ReplayBody = Static<typeof ReplayBody>;
export const ReplayAnswer = Type.Object({ events: Type.Integer({ description: 'How many are sent again.' }) });

export const EventQuery = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        maxLength: 40,
        description:
          '`nextCursor` of a page, `id` of a stream’s event, or an RFC 3339 time. Default: from the oldest that is kept.',
      }),
    ),
    roomId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    types: Type.Optional(
      Type.String({ maxLength: 200, description: 'Comma-separated. Default: all but `peer.updated`.' }),
    ),
    limit: Type.Optional(
      Type.String({ pattern: '^(500|[1-4][0-9]{2}|[1-9][0-9]?)$', description: '1 to 500. Default 100.' }),
    ),
  },
  { additionalProperties: false },
);
export type EventQuery = Static<typeof EventQuery>;
export const EventPage = Type.Object({
  events: Type.Array(Type.Unknown({ description: 'As webhooks bring them: same ids, same bodies.' })),
  nextCursor: Type.String({ description: 'For `after`. A page may be short, or empty, and have later ones.' }),
  more: Type.Boolean({ description: 'There are later events already. False: ask again when there may be some.' }),
});
export const Empty = Type.Null({ description: 'Done.' });
