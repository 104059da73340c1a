/**
 * What two peers say to each other inside `offer`, `answer`, `ice-candidate` and `message`, which the server relays unread: the pair
 * protocol. Rules P-… of docs/pair-protocol.md; docs/pair-protocol.schema.json is made of these.
 */
import Type, { type Static } from 'typebox';

/** Far more than a call has; beyond it a counter could not be counted up any more. */
const Counter = (description: string) => Type.Integer({ minimum: 0, maximum: 1_000_000_000, description });
const MessageId = Type.String({ minLength: 1, maxLength: 64 });

/** `sdp` of `offer` and `answer`. */
export const PairDescription = Type.Object(
  {
    type: Type.Union([Type.Literal('offer'), Type.Literal('answer')]),
    sdp: Type.String({ maxLength: 65_536, description: 'Session description (RFC 8866, RFC 8829).' }),
    gen: Type.Optional(Counter('Generation of the connection, from 1 (P-5).')),
    n: Type.Optional(Counter('Number of this offer within the generation, from 1 (P-6).')),
    to: Type.Optional(Counter('Number of the offer that this answer answers (P-6).')),
  },
  { $id: 'PairDescription', description: '`sdp` of the frames `offer` and `answer`.' },
);
export type PairDescription = Static<typeof PairDescription>;

/** `candidate` of `ice-candidate`. */
export const PairCandidate = Type.Object(
  {
    candidate: Type.String({ maxLength: 2048, description: 'RFC 8839 section 5.1.' }),
    sdpMid: Type.Optional(Type.Union([Type.String({ maxLength: 256 }), Type.Null()])),
    sdpMLineIndex: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: 65_535 }), Type.Null()])),
    usernameFragment: Type.Optional(Type.Union([Type.String({ maxLength: 256 }), Type.Null()])),
    gen: Type.Optional(Counter('Generation of the connection that it belongs to (P-8).')),
  },
  { $id: 'PairCandidate', description: '`candidate` of the frame `ice-candidate`.' },
);
export type PairCandidate = Static<typeof PairCandidate>;

const tandem = <T extends string>(kind: T) => Type.Literal(kind);

/** Text on the data channel, and `data` of the frame `message`. */
export const PairMessage = Type.Union(
  [
    Type.Object(
      {
        tandem: tandem('chat'),
        id: MessageId,
        text: Type.String({ description: '4000 UTF-16 units at most; longer ones are cut.' }),
        at: Type.Number({ description: 'ms since the epoch, by the sender’s clock.' }),
        private: Type.Optional(Type.Boolean({ description: 'To this peer alone.' })),
      },
      { description: 'A chat line. Acknowledged (P-13).' },
    ),
    Type.Object(
      { tandem: tandem('data'), id: MessageId, data: Type.Unknown() },
      { description: 'App data. Acknowledged.' },
    ),
    Type.Object({ tandem: tandem('ack'), id: MessageId }, { description: 'That message arrived.' }),
    Type.Object(
      { tandem: tandem('reaction'), emoji: Type.String({ minLength: 1, maxLength: 32 }) },
      { description: 'Shown for a moment; may be lost.' },
    ),
    Type.Object(
      { tandem: tandem('history-ask'), id: MessageId },
      { description: 'From a peer that has just joined: the chat before it came? May be left unanswered.' },
    ),
    Type.Object(
      {
        tandem: tandem('history'),
        id: MessageId,
        lines: Type.Array(Type.Object({ id: MessageId, name: Type.String(), text: Type.String(), at: Type.Number() }), {
          description: 'The last 200 at most.',
        }),
      },
      { description: 'The answer, with the id of the question.' },
    ),
    Type.Object(
      {
        tandem: tandem('file'),
        id: MessageId,
        name: Type.String(),
        size: Type.Integer({ minimum: 1, maximum: 5_242_880 }),
      },
      { description: 'A file begins; `size` in bytes. Over the channel only.' },
    ),
    Type.Object(
      { tandem: tandem('file-part'), id: MessageId, n: Counter('From 0.'), data: Type.String({ maxLength: 32_768 }) },
      { description: 'Its next bytes in base64, 24 KiB at most.' },
    ),
    Type.Object(
      {
        tandem: tandem('file-state'),
        id: MessageId,
        state: Type.Union([Type.Literal('begun'), Type.Literal('whole'), Type.Literal('dropped')]),
      },
      {
        description:
          'What became of a file, from who receives it, over the channel only. A sender takes `dropped` for the end of it.',
      },
    ),
    Type.Object(
      { tandem: tandem('want'), video: Type.Integer({ minimum: 0, maximum: 4320 }) },
      { description: 'The tallest picture that the sender wants of the receiver’s camera, in lines; 0: none.' },
    ),
    Type.Object(
      { tandem: tandem('quality'), view: Type.Object({}, { additionalProperties: true }) },
      { description: 'What the sender hears and sees of the receiver: mos, loss, jitter (ms), fps, bitrate (bit/s).' },
    ),
  ],
  { $id: 'PairMessage', description: 'Text on the data channel, and `data` of the frame `message`.' },
);
export type PairMessage = Static<typeof PairMessage>;
