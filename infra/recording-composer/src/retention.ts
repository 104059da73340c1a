/** What is kept no longer: old recordings, and what killed composers left. A bucket of the cloud has a lifecycle for that; this is for folders, and servers of S3 without one. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RECORDING_ID, type RecordingStore, waitingOf } from '@tandem/service/recordings';

export const DAY_MS = 86_400_000;
/** Of an id: when it was begun (newRecordingId). */
const TIME_LETTERS = 9;

/**
 * Removes what was begun longer ago and is composed, with all its files.
 * @param keepMs how long a recording is kept
 * @returns ids of those that are gone
 */
export async function removeOld(store: RecordingStore, keepMs: number, now = Date.now()): Promise<string[]> {
  const isId = new RegExp(RECORDING_ID);
  const gone: string[] = [];
  for (const room of await store.folders('rooms/'))
    for (const id of await store.folders(`rooms/${room}/`)) {
      // A folder of somebody else is not ours to remove.
      if (!isId.test(id) || Number.parseInt(id.slice(0, TIME_LETTERS), 36) > now - keepMs) continue;
      const prefix = `rooms/${room}/${id}/`;
      if ((await store.list(waitingOf(prefix))).length > 0) continue;
      await store.remove(prefix);
      gone.push(id);
    }
  return gone;
}

/** Beginning of the names of folders in which a composer works. */
export const WORK_PREFIX = 'compose-';
/** Longer than one program of a composer runs (MAX_RUN_MS of program.ts), each of which writes another file into its folder, ms. */
const ABANDONED_MS = 7 * 3600_000;

/** Removes working folders of composers that were killed, each of up to twice a recording. Never rejects. @returns their names */
export async function removeAbandoned(workDir: string, now = Date.now()): Promise<string[]> {
  const gone: string[] = [];
  for (const name of await readdir(workDir).catch(() => [])) {
    if (!name.startsWith(WORK_PREFIX)) continue;
    const path = join(workDir, name);
    try {
      if (now - (await stat(path)).mtimeMs < ABANDONED_MS) continue;
      await rm(path, { recursive: true, force: true });
      gone.push(name);
    } catch {
      // Of another user.
    }
  }
  return gone;
}
