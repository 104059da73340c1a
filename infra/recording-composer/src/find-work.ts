/** Which recordings are over and not composed yet. */
import {
  NodeDocument,
  RECORDING_ID,
  RecordingDocument,
  type RecordingStore,
  readDocument,
} from '@tandem/service/recordings';

export interface Waiting {
  readonly id: string;
  /** Of the recording, in the store. */
  readonly prefix: string;
}

export interface WorkFound {
  readonly over: readonly Waiting[];
  /** Some have ended, and a node may still be passing on what it has of them. */
  readonly isMoreSoon: boolean;
}

/** A node that has said nothing for this time is gone, and a room that has moved is with no other, ms. */
export const SILENT_MS = 120_000;
/** One that no node has begun by then never was one, ms. */
const NEVER_BEGUN_MS = 3600_000;

const IN_WAITING = /^(waiting\/[^/]+\/([^/]+)\/)(.+)$/;

export async function findWork(store: RecordingStore, now = Date.now()): Promise<WorkFound> {
  const isId = new RegExp(RECORDING_ID);
  const folders = new Map<string, { id: string; hasEnded: boolean }>();
  for (const { key } of await store.list('waiting/')) {
    const [, folder = '', id = '', name] = IN_WAITING.exec(key) ?? [];
    if (!isId.test(id)) continue;
    const hasEnded = folders.get(folder)?.hasEnded || name === 'ended';
    folders.set(folder, { id, hasEnded });
  }
  const over: Waiting[] = [];
  let isMoreSoon = false;
  for (const [folder, { id, hasEnded }] of folders) {
    const prefix = `rooms/${folder.slice('waiting/'.length)}`;
    const state = await stateOf(store, prefix, now);
    if (state === 'over') over.push({ id, prefix });
    else if (state === 'gone') await store.remove(folder);
    else isMoreSoon ||= hasEnded;
  }
  return { over, isMoreSoon };
}

async function stateOf(store: RecordingStore, prefix: string, now: number): Promise<'over' | 'gone' | 'goes on'> {
  const about = await readDocument(store, `${prefix}recording.json`, RecordingDocument);
  const names = (await store.list(prefix, { below: false })).map(({ key }) => key);
  if (!about || names.some((name) => name.endsWith('/composed.json'))) {
    // Whose document comes after its mark: the mark alone may be a second old.
    const isNew = !about && (await isYoung(store, prefix, now));
    return isNew ? 'goes on' : 'gone';
  }
  const nodes = names.filter((name) => /\/node-\d+\.json$/.test(name));
  const documents = await Promise.all(nodes.map((name) => readDocument(store, name, NodeDocument)));
  const known = documents.filter((document) => document !== undefined);
  if (known.length === 0) return now - about.startedAt > NEVER_BEGUN_MS ? 'gone' : 'goes on';
  return isOver(known, now) ? 'over' : 'goes on';
}

async function isYoung(store: RecordingStore, prefix: string, now: number): Promise<boolean> {
  const marks = await store.list(`waiting/${prefix.slice('rooms/'.length)}`);
  return marks.some(({ key, at }) => key.endsWith('/begun') && now - at < SILENT_MS);
}

function isOver(nodes: readonly NodeDocument[], now: number): boolean {
  const isSilent = nodes.every(({ updatedAt }) => now - updatedAt > SILENT_MS);
  const hasEnded = nodes.some(({ why }) => why !== undefined && why !== 'moved');
  const isQuiet = nodes.every(({ endedAt, updatedAt }) => endedAt !== undefined || now - updatedAt > SILENT_MS);
  return isSilent || (isQuiet && hasEnded);
}
