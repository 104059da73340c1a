/** One recording: its tracks, and all of them as one film. What it was made of goes only when both are kept. */
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
import { readTracks, type Track, type Work } from './tracks.ts';

export interface ComposeOptions extends Omit<Work, 'folder'> {
  readonly id: string;
  /** Is it still ours? */
  readonly holds: () => Promise<boolean>;
  /** Writable, with space for twice the recording. */
  readonly workDir: string;
}

/** Keeps that it failed, too. @throws when the store is away, or the signal came */
export async function composeRecording({ id, workDir, holds, ...more }: ComposeOptions): Promise<ComposedDocument> {
  const { store, signal, say, prefix } = more;
  const folder = await mkdtemp(join(workDir, 'compose-'));
  const work: Work = { ...more, folder };
  try {
    const files: ComposedDocument['files'] = [];
    const about = await readDocument(store, `${prefix}recording.json`, RecordingDocument);
    const beginning = about?.startedAt ?? 0;
    const tracks = await readTracks(work);
    let document: ComposedDocument;
    try {
      // Connections that were there already begin with the recording.
      const first = Math.min(...tracks.map(({ startAt }) => startAt));
      const from = Number.isFinite(first) ? Math.max(beginning, first) : beginning;
      const film = join(folder, 'composed.webm');
      const durationMs = Math.round(
        await makeFilm(work, tracks, { beginning: from, layout: about?.layout ?? 'grid', path: film }),
      );
      files.push(await keep(store, prefix, film, { name: 'composed.webm', startMs: 0 }));
      for (const [i, track] of tracks.entries()) files.push(await keepTrack(store, prefix, track, i, from));
      document = { at: Date.now(), durationMs, files };
    } catch (error) {
      if (signal.aborted) throw error;
      // Paths of this machine are of no use to who reads it.
      const why = String(error instanceof Error ? error.message : error)
        .replaceAll(folder, '')
        .slice(0, 500);
      document = { at: Date.now(), durationMs: 0, files: [], error: why };
    }
    if (!(await holds())) throw new Error('another composer has it now');
    // Deleted meanwhile: then nothing of it comes back.
    if ((await store.text(`${prefix}recording.json`)) === undefined) {
      for (const kept of [prefix, waitingOf(prefix)]) await store.remove(kept);
      return document;
    }
    await store.put(`${prefix}composed.json`, JSON.stringify(document));
    if (document.error === undefined) await store.remove(`${prefix}parts/`);
    await store.remove(waitingOf(prefix));
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
