/**
 * Tells backends that a recording is ready, or failed. Composers have no way to the cache, on purpose; a signaling node reads what they keep. Each node
 * looks; one that has taken a recording has it alone for a while. Told again after a crash, the event has the same id.
 */

import { beginningOf, forgetUnready, lookLater, prefixOf, takeUnready, type Unready } from '@tandem/service/recordings';
import { outboxKey, partitionOf, type RecordingOver, writeRecordingEntry } from '@tandem/service/room-events';
import { type RecordingParts, readRecording } from './api/recording-records.ts';
import type { Recording } from './api/recording-schemas.ts';

/** How often each node looks whether one is due, ms. */
const LOOK_MS = 5000;
/** One that is not over is looked at again after a tenth of its age, within these, ms. */
const SOONEST_MS = 5000;
const LATEST_MS = 300_000;
/** One that is not over then gets no event; one that cannot be read then has failed, ms. */
const GIVEN_UP_MS = 7 * 86_400_000;
/** As OUTBOX_LENGTH of room.lua. */
const OUTBOX_LENGTH = 20_000;

export interface RecordingEndsOptions extends RecordingParts {
  readonly failed: (error: unknown) => void;
}

/** Looks until it is disposed of. */
export function tellRecordingEnds(options: RecordingEndsOptions): Disposable {
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    await tellDue(options, Date.now()).catch(options.failed);
    busy = false;
  }, LOOK_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** One look. @param now ms since the epoch @throws when the store or Redis is away, after all others were told */
export async function tellDue(parts: RecordingParts, now: number): Promise<void> {
  const taken = await takeUnready(parts.redis, now);
  // One of which something cannot be read keeps none of the others from being told.
  const results = await Promise.allSettled(taken.map((one) => tell(parts, one, now)));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
}

async function tell(parts: RecordingParts, one: Unready, now: number): Promise<void> {
  const { redis } = parts;
  const age = now - beginningOf(one.id);
  const later = () => lookLater(redis, one, now + Math.min(LATEST_MS, Math.max(SOONEST_MS, age / 10)));
  let recording: Recording | undefined;
  try {
    recording = await read(parts, one);
  } catch (error) {
    if (age > GIVEN_UP_MS) return over(parts, one, { status: 'failed' });
    await later();
    throw error;
  }
  if (!recording) return forgetUnready(redis, one);
  const { status, durationSeconds } = recording;
  if (status === 'ready' || status === 'failed')
    return over(parts, one, { status, ...(durationSeconds === undefined ? {} : { durationSeconds }) });
  return age > GIVEN_UP_MS ? forgetUnready(redis, one) : later();
}

/** @returns undefined when it was deleted @throws when it cannot be read now: what keeps it is away, refuses, or has something else there */
async function read(parts: RecordingParts, { roomId, id }: Unready): Promise<Recording | undefined> {
  const recording = await readRecording(parts, roomId, id);
  if (!recording && (await parts.store.text(`${prefixOf(roomId, id)}recording.json`)) !== undefined)
    throw new Error(`recording ${id}: recording.json has another form`);
  return recording;
}

async function over(
  { redis }: RecordingParts,
  one: Unready,
  end: Pick<RecordingOver, 'status' | 'durationSeconds'>,
): Promise<void> {
  const entry = writeRecordingEntry(one.roomId, { recordingId: one.id, ...end });
  await redis.xadd(outboxKey('tandem', partitionOf(one.roomId)), 'MAXLEN', '~', OUTBOX_LENGTH, '*', 'e', entry);
  return forgetUnready(redis, one);
}
