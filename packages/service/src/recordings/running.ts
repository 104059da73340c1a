/**
 * Which rooms are recorded now. `tandem:{media}:recording:<room>` is JSON of {@link RunningRecording}: set by who starts it, kept alive by the
 * media node that serves the room, and gone when somebody stops it or no node serves the room any more.
 */
import Type, { type Static } from 'typebox';
import { Check } from 'typebox/value';
import type { RedisClient } from '../redis.ts';

export const RECORDING_ID = '^[0-9a-z]{16,40}$';

/** Id of the API key, or `user:` and the user id, each of at most 128 characters. */
export const StartedBy = Type.String({ maxLength: 'user:'.length + 128 });

export const RunningRecording = Type.Object({
  id: Type.String({ pattern: RECORDING_ID }),
  startedAt: Type.Integer({ minimum: 1, description: 'ms since the epoch.' }),
  startedBy: StartedBy,
});
export type RunningRecording = Static<typeof RunningRecording>;

const keyOf = (room: string) => `tandem:{media}:recording:${room}`;
/** A recording that no media node keeps alive is over after this time, s. */
const RECORDING_SECONDS = 120;

function parse(text: string | null): RunningRecording | undefined {
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Check(RunningRecording, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** @throws when Redis is away */
export async function readRunning(redis: RedisClient, room: string): Promise<RunningRecording | undefined> {
  return parse(await redis.get(keyOf(room)));
}

/** Of two that begin at once one stands. @returns that one @throws when Redis is away */
export async function beginRecording(
  redis: RedisClient,
  room: string,
  recording: RunningRecording,
): Promise<RunningRecording> {
  const text = JSON.stringify(recording);
  const before = await redis.set(keyOf(room), text, 'EX', RECORDING_SECONDS, 'NX', 'GET');
  return parse(before) ?? recording;
}

const IF_SAME = (then: string) => `
local text = redis.call('GET', KEYS[1])
if not text or cjson.decode(text).id ~= ARGV[1] then return 0 end
${then}
return 1`;
const KEEP = IF_SAME("redis.call('EXPIRE', KEYS[1], ARGV[2])");
const END = IF_SAME("redis.call('DEL', KEYS[1])");

/** The media node that records says so again. @returns whether it still is to */
export async function keepRecording(redis: RedisClient, room: string, id: string): Promise<boolean> {
  return (await redis.eval(KEEP, 1, keyOf(room), id, RECORDING_SECONDS)) === 1;
}

/** @returns false when that recording was over already */
export async function endRecording(redis: RedisClient, room: string, id: string): Promise<boolean> {
  return (await redis.eval(END, 1, keyOf(room), id)) === 1;
}
