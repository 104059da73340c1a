/** The tracks of a recording: closed parts back into what Janus wrote, and that into files that any player opens. */
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { NodeDocument, RecordingStore } from '@tandem/service/recordings';
import { readNodes } from './find-work.ts';
import { type MjrHeader, readMjrHeader } from './mjr.ts';
import { isOfMachine, runProgram } from './program.ts';

export type Slot = 'audio' | 'video' | 'screen';

export interface Track {
  readonly peerId: string;
  readonly userId?: string;
  readonly slot: Slot;
  readonly path: string;
  /** Ending of the file that it became. */
  readonly ending: 'opus' | 'webm' | 'mp4';
  /** ms since the epoch. */
  readonly startAt: number;
  readonly durationMs: number;
}

export interface Work {
  readonly store: RecordingStore;
  /** Of the recording, in the store. */
  readonly prefix: string;
  /** Empty folder of this work alone. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (event: string, more?: Record<string, unknown>) => void;
}

const ENDINGS = { opus: 'opus', vp8: 'webm', h264: 'mp4' } as const;

export interface TracksRead {
  readonly tracks: readonly Track[];
  /** Of some track nothing could be made: what was recorded of it must stay. */
  readonly isSomeLost: boolean;
}

/** Tracks that nothing was recorded of, or that cannot be read, are left out. @throws when the store is away, or this machine lacks something */
export async function readTracks(work: Work): Promise<TracksRead> {
  const { store, prefix, say, folder } = work;
  const people = await peopleOf(work);
  const parts = new Map<string, string[]>();
  for (const { key } of await store.list(`${prefix}parts/`)) {
    const [name = ''] = key.slice(`${prefix}parts/`.length).split('/');
    parts.set(name, [...(parts.get(name) ?? []), key]);
  }
  const tracks: Track[] = [];
  let isSomeLost = false;
  for (const [name, keys] of parts) {
    const person = people.get(name.split('-').slice(0, 2).join('-'));
    if (!person) continue;
    const mjr = join(folder, `${name}.mjr`);
    await concatenate(work, keys, mjr);
    try {
      const track = await readTrack(work, name, mjr, person);
      if (track) tracks.push(track);
    } catch (error) {
      if (isOfMachine(error)) throw error;
      isSomeLost = true;
      say('composer.track-lost', { track: name, error: String(error) });
    }
  }
  return { tracks: withoutOverlaps(tracks), isSomeLost };
}

async function peopleOf({ store, prefix }: Work): Promise<Map<string, NodeDocument['people'][number]>> {
  const found = new Map<string, NodeDocument['people'][number]>();
  for (const { epoch, people } of await readNodes(store, prefix))
    for (const person of people) found.set(`${epoch}-${person.n}`, person);
  return found;
}

async function readTrack(
  work: Work,
  name: string,
  mjr: string,
  { peerId, userId }: NodeDocument['people'][number],
): Promise<Track | undefined> {
  const { folder, signal } = work;
  const header = await readMjrHeader(mjr);
  if (!header) return undefined;
  const ending = ENDINGS[header.c];
  const path = join(folder, `${name}.${ending}`);
  await runProgram('janus-pp-rec', [mjr, path], signal);
  const duration = await durationOf(path, signal);
  if (!((await stat(path)).size > 0 && duration > 0)) return undefined;
  return {
    ...{ peerId, path, ending, slot: slotOf(header), startAt: header.u / 1000, durationMs: duration },
    ...(userId === undefined ? {} : { userId }),
  };
}

async function concatenate({ store }: Work, keys: readonly string[], path: string): Promise<void> {
  for (const [i, key] of keys.entries()) {
    const body = await store.read(key);
    if (body) await pipeline(body, createWriteStream(path, { flags: i === 0 ? 'w' : 'a' }));
  }
}

function slotOf({ t, d }: MjrHeader): Slot {
  if (t === 'a') return 'audio';
  return d === 'screen' ? 'screen' : 'video';
}

async function durationOf(path: string, signal: AbortSignal): Promise<number> {
  const asked = ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', path];
  return Math.round(Number(await runProgram('ffprobe', asked, signal)) * 1000) || 0;
}

/** A person whose room moves sends to both nodes for a while: of two tracks of a slot the later one counts. */
export function withoutOverlaps(tracks: readonly Track[]): Track[] {
  const sorted = tracks.toSorted((a, b) => a.startAt - b.startAt);
  return sorted.flatMap((track, i) => {
    const next = sorted.slice(i + 1).find((one) => one.peerId === track.peerId && one.slot === track.slot);
    const most = next ? next.startAt - track.startAt : Number.POSITIVE_INFINITY;
    const durationMs = Math.min(track.durationMs, most);
    return durationMs > 0 ? [{ ...track, durationMs }] : [];
  });
}
