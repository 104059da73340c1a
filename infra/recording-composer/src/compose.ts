/** One recording: its tracks, and all of them as one film. What it was made of goes only when all of them are kept. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ComposedDocument,
  RecordingDocument,
  type RecordingStore,
  readDocument,
  waitingOf,
} from '@tandem/service/recordings';
import { makeFilm } from './film.ts';
import { countParts, haveEnded, readNodes } from './find-work.ts';
import { checkSpace, isOfMachine } from './program.ts';
import { WORK_PREFIX } from './retention.ts';
import { readTracks, type Track, type Work } from './tracks.ts';

export interface ComposeOptions extends Omit<Work, 'folder'> {
  readonly id: string;
  /** Is it still ours? */
  readonly holds: () => Promise<boolean>;
  /** Writable, with space for twice the recording. */
  readonly workDir: string;
}

/** Another composer has taken it meanwhile. */
export class LostClaimError extends Error {}

/** A node has brought more of it meanwhile. */
export class GrownError extends Error {}

/** Keeps that it failed, too. @throws when the store is away, this machine lacks something, or the signal came; LostClaimError, GrownError */
export async function composeRecording({ id, workDir, holds, ...more }: ComposeOptions): Promise<ComposedDocument> {
  const { store, signal, say, prefix } = more;
  const folder = await mkdtemp(join(workDir, WORK_PREFIX));
  const work: Work = { ...more, folder };
  try {
    const about = await readDocument(store, `${prefix}recording.json`, RecordingDocument);
    const beginning = about?.startedAt ?? 0;
    const parts = await countParts(store, prefix);
    const { tracks, isSomeLost } = await readTracks(work);
    await checkSpace(folder);
    // Connections that were there already begin with the recording.
    const first = Math.min(...tracks.map(({ startAt }) => startAt));
    const from = Number.isFinite(first) ? Math.max(beginning, first) : beginning;
    const film = join(folder, 'composed.webm');
    const made: Pick<ComposedDocument, 'durationMs' | 'error'> = await makeFilm(work, tracks, {
      beginning: from,
      layout: about?.layout ?? 'grid',
      path: film,
    }).then(
      (ms) => ({ durationMs: Math.round(ms) }),
      (error: unknown) => {
        if (signal.aborted || isOfMachine(error)) throw error;
        // Paths of this machine are of no use to who reads it.
        const text = String(error instanceof Error ? error.message : error).replaceAll(folder, '');
        return { durationMs: 0, error: text.slice(0, 500) };
      },
    );
    await checkSpace(folder);
    const files: ComposedDocument['files'] = [];
    if (made.error === undefined) {
      files.push(await keep(store, prefix, film, { name: 'composed.webm', startMs: 0 }));
      for (const [i, track] of tracks.entries()) files.push(await keepTrack(store, prefix, track, i, from));
    }
    const isLast = haveEnded(await readNodes(store, prefix));
    if ((await countParts(store, prefix)) > parts) throw new GrownError('a node has brought more of it meanwhile');
    const more = { ...(isLast ? {} : { parts }), ...(isSomeLost ? { isSomeLost } : {}) };
    const document: ComposedDocument = { at: Date.now(), files, ...made, ...more };
    const isOurs = await holds();
    if (isOurs) await store.put(`${prefix}composed.json`, JSON.stringify(document));
    // Asked after all that is written. Deleted meanwhile: then nothing of it comes back, also when another composes it now.
    if ((await store.text(`${prefix}recording.json`)) === undefined) {
      for (const kept of [prefix, waitingOf(prefix)]) await store.remove(kept);
      return document;
    }
    if (!isOurs) throw new LostClaimError('another composer has it now');
    if (isLast) {
      if (document.error === undefined && !isSomeLost) await store.remove(`${prefix}parts/`);
      await store.remove(waitingOf(prefix));
    }
    say('composer.composed', { recording: id, durationMs: document.durationMs, error: document.error });
    return document;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function keepTrack(store: RecordingStore, prefix: string, track: Track, i: number, from: number) {
  const { path, ending, slot, peerId, userId, startAt } = track;
  const about = { slot, peerId, ...(userId === undefined ? {} : { userId }) };
  const name = `track-${i + 1}-${slot}.${ending}`;
  return keep(store, prefix, path, { name, startMs: Math.max(0, Math.round(startAt - from)), ...about });
}

async function keep(
  store: RecordingStore,
  prefix: string,
  path: string,
  about: Omit<ComposedDocument['files'][number], 'bytes'>,
): Promise<ComposedDocument['files'][number]> {
  await store.putFile(`${prefix}${about.name}`, path);
  return { ...about, bytes: (await stat(path)).size };
}
