/**
 * What is kept of a recording, and under which key. `rooms/<room>/<id>/` has
 *
 * - `recording.json`: {@link RecordingDocument}, written by who starts it,
 * - `node-<epoch>.json`: {@link NodeDocument}, of each media node that served the room meanwhile, written anew with each part,
 * - `parts/<file>/<number>`: what Janus wrote (.mjr), cut into closed parts; all parts of a file in order are the file,
 * - `composed.json`: {@link ComposedDocument}, once that is done, and the files that it names.
 *
 * `waiting/<room>/<id>/` is there until it is composed, so that who composes looks at no recording of before:
 *
 * - `begun`: by who starts it,
 * - `ended`: by the media node with which it ended, for who is called by that (infra/src/recordings.ts),
 * - `claims/<composer>/at`: who composes it.
 */
import { createHash, randomBytes } from 'node:crypto';
import Type, { type Static, type TSchema } from 'typebox';
import { Check } from 'typebox/value';
import { RECORDING_ID, StartedBy } from './running.ts';
import type { RecordingStore } from './store.ts';

const Time = Type.Integer({ minimum: 0, description: 'ms since the epoch.' });

/** How the film shows people: all alike, or who speaks large and the others beside. */
export const RecordingLayout = Type.Union([Type.Literal('grid'), Type.Literal('speaker')]);
export type RecordingLayout = Static<typeof RecordingLayout>;

export const RecordingDocument = Type.Object({
  id: Type.String({ pattern: RECORDING_ID }),
  roomId: Type.String({ minLength: 1, maxLength: 128 }),
  startedAt: Time,
  startedBy: StartedBy,
  layout: Type.Optional(RecordingLayout),
});
export type RecordingDocument = Static<typeof RecordingDocument>;

/** Why a node records no more. `moved`: the room is on another node, which records it. */
export type RecordingEnd = 'stopped' | 'ended' | 'moved' | 'encrypted' | 'disk-full';

export const NodeDocument = Type.Object({
  epoch: Type.Integer({ minimum: 1 }),
  people: Type.Array(
    Type.Object({
      n: Type.Integer({ minimum: 1, description: 'Its files begin with `<epoch>-<n>-`.' }),
      peerId: Type.String({ maxLength: 64 }),
      userId: Type.Optional(Type.String({ maxLength: 128 })),
      name: Type.Optional(Type.String({ maxLength: 64 })),
    }),
  ),
  updatedAt: Time,
  endedAt: Type.Optional(Time),
  why: Type.Optional(Type.String({ maxLength: 32 })),
});
export type NodeDocument = Static<typeof NodeDocument>;

export const ComposedDocument = Type.Object({
  at: Time,
  durationMs: Type.Integer({ minimum: 0 }),
  files: Type.Array(
    Type.Object({
      name: Type.String({ pattern: '^[a-z0-9-]{1,64}\\.(webm|opus|mp4)$' }),
      bytes: Type.Integer({ minimum: 0 }),
      peerId: Type.Optional(Type.String({ maxLength: 64, description: 'Whose track it is. Absent: all of them.' })),
      userId: Type.Optional(Type.String({ maxLength: 128 })),
      slot: Type.Optional(Type.Union([Type.Literal('audio'), Type.Literal('video'), Type.Literal('screen')])),
      startMs: Type.Integer({ minimum: 0, description: 'Of its first frame, from the beginning of the recording.' }),
    }),
  ),
  error: Type.Optional(Type.String({ maxLength: 500, description: 'It failed: there is no composed file.' })),
  parts: Type.Optional(
    Type.Integer({
      minimum: 0,
      description: 'Number of parts of which it was made, when a node had not said that it has ended: more may come.',
    }),
  ),
  isSomeLost: Type.Optional(
    Type.Boolean({ description: 'Of some track nothing could be made: all parts stay. Default false.' }),
  ),
});
export type ComposedDocument = Static<typeof ComposedDocument>;

/** Sorts by time, and cannot be guessed. */
export const newRecordingId = () => `${Date.now().toString(36).padStart(9, '0')}${randomBytes(10).toString('hex')}`;

/** When a recording with this id was begun, ms since the epoch. */
export const beginningOf = (id: string) => Number.parseInt(id.slice(0, 9), 36);

/** A name of a file has at most 255 bytes. */
const MAX_ROOM_KEY = 200;

/**
 * A room may be called anything in any script: in keys it is base64url of its name, or `h-` and base64url of its SHA-256 where that is too
 * long (45 characters, which base64url of no name has).
 */
function keyOfRoom(roomId: string): string {
  const name = Buffer.from(roomId).toString('base64url');
  return name.length <= MAX_ROOM_KEY ? name : `h-${createHash('sha256').update(roomId).digest('base64url')}`;
}

export const prefixOfRoom = (roomId: string) => `rooms/${keyOfRoom(roomId)}/`;
export const prefixOf = (roomId: string, id: string) => `${prefixOfRoom(roomId)}${id}/`;
/** Until it is composed. @param prefix of the recording, as {@link prefixOf} */
export const waitingOf = (prefix: string) => `waiting/${prefix.slice('rooms/'.length)}`;

/** A document that is not there, or not as it should be, is undefined. */
export async function readDocument<T extends TSchema>(
  store: RecordingStore,
  key: string,
  schema: T,
): Promise<Static<T> | undefined> {
  const text = await store.text(key);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Check(schema, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
