/** Shapes of recordings in the server API. */
import { RECORDING_ID, RecordingLayout } from '@tandem/service/recordings';
import Type, { type Static } from 'typebox';
import { RoomParams } from './schemas.ts';

const RecordingId = Type.String({ pattern: RECORDING_ID, maxLength: 40 });
/** Of a file of a recording. */
const FileName = Type.String({ pattern: '^[a-z0-9-]{1,64}\\.(webm|opus|mp4)$', maxLength: 80 });
const Time = (description: string) => Type.String({ maxLength: 40, description: `${description} RFC 3339.` });

const Layout = Type.Enum(
  RecordingLayout.anyOf.map((one) => one.const),
  {
    description: 'How the film shows people: all alike, or who speaks large and the others beside. Default grid.',
  },
);
export const RecordingStart = Type.Object({ layout: Type.Optional(Layout) }, { additionalProperties: false });
export type RecordingStart = Static<typeof RecordingStart>;

export const RecordingFile = Type.Object({
  name: FileName,
  kind: Type.Union([Type.Literal('composed'), Type.Literal('track')], {
    description: 'All of the room in one picture and one sound, or one track of one person as it was sent.',
  }),
  bytes: Type.Integer({ minimum: 0 }),
  startSeconds: Type.Number({ minimum: 0, description: 'Of its first frame, from the beginning of the recording.' }),
  peerId: Type.Optional(Type.String()),
  userId: Type.Optional(Type.String()),
  slot: Type.Optional(Type.Union([Type.Literal('audio'), Type.Literal('video'), Type.Literal('screen')])),
});

export const Recording = Type.Object(
  {
    recordingId: RecordingId,
    roomId: Type.String(),
    status: Type.Enum(['starting', 'recording', 'processing', 'ready', 'failed'], {
      description:
        'starting: no media node records yet. recording. processing: it is over, its files are being made. ready. failed: there is no composed file.',
    }),
    startedAt: Time('When it was started.'),
    layout: Layout,
    startedBy: Type.String({ description: 'Id of the API key, or `user:` and the user id.' }),
    durationSeconds: Type.Optional(Type.Number({ minimum: 0, description: 'Of the composed file. Once it is ready.' })),
    error: Type.Optional(Type.String({ description: 'Why it failed.' })),
    files: Type.Array(RecordingFile, { description: 'Once it is ready.' }),
  },
  { $id: 'Recording' },
);
export type Recording = Static<typeof Recording>;

export const RecordingPage = Type.Object({
  recordings: Type.Array(Type.Ref('Recording#'), { description: 'The latest first.' }),
  nextCursor: Type.Optional(Type.String({ description: 'Of the next page. Absent on the last one.' })),
});

export const RecordingQuery = Type.Object(
  {
    limit: Type.Optional(Type.String({ pattern: '^(100|[1-9][0-9]?)$', description: '1 to 100. Default 20.' })),
    cursor: Type.Optional(RecordingId),
  },
  { additionalProperties: false },
);
export type RecordingQuery = Static<typeof RecordingQuery>;

export const RecordingParams = Type.Object({ roomId: RoomParams.properties.roomId, recordingId: RecordingId });
export type RecordingParams = Static<typeof RecordingParams>;
export const FileParams = Type.Object({ ...RecordingParams.properties, name: FileName });
export type FileParams = Static<typeof FileParams>;

export const FileQuery = Type.Object(
  {
    link: Type.Optional(
      Type.Literal('true', { description: 'For pages, which read no redirect: its address as JSON.' }),
    ),
  },
  { additionalProperties: false },
);
export type FileQuery = Static<typeof FileQuery>;

/** In place of a redirect. */
export const FileLink = Type.Object({
  url: Type.String({ description: 'Good for `seconds`, for all who have it.' }),
  seconds: Type.Integer(),
});
