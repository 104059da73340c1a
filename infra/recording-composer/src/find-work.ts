/** Which recordings are over and not composed yet. */
import {
  ComposedDocument,
  NodeDocument,
  RECORDING_ID,
  RecordingDocument,
  type RecordingStore,
  readDocument,
  waitingOf,
} from '@tandem/service/recordings';
import { CLAIM_MS } from './claim.ts';

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
/** A node that was taken for dead may only have had no way to the store. What it brings within this time after the film was made is in another one, ms. */
export const KEPT_MS = 86_400_000;

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
    // The mark goes last: while it is there, the rest is tried again.
    else if (state === 'deleted') for (const kept of [prefix, folder]) await store.remove(kept);
    else if (state === 'done') await store.remove(folder);
    else if (state === 'final') for (const kept of [`${prefix}parts/`, folder]) await store.remove(kept);
    else if (state === 'goes on') isMoreSoon ||= hasEnded;
  }
  return { over, isMoreSoon };
}

/**
 * - `goes on`: a node records it, or passes on what it has,
 * - `over`: it is to be composed,
 * - `kept`: it is composed, and more may come of a node that is silent,
 * - `final`: nothing more comes, and its film needs its parts no more,
 * - `done`: nothing is to be done,
 * - `deleted`.
 */
type State = 'goes on' | 'over' | 'kept' | 'final' | 'done' | 'deleted';

async function stateOf(store: RecordingStore, prefix: string, now: number): Promise<State> {
  const text = await store.text(`${prefix}recording.json`);
  // Its document comes after its first mark. And who composes it puts files there until it sees that it was deleted.
  if (text === undefined) return (await isMarkedLately(store, prefix, now)) ? 'goes on' : 'deleted';
  const about = await readDocument(store, `${prefix}recording.json`, RecordingDocument);
  const names = (await store.list(prefix, { below: false })).map(({ key }) => key);
  if (names.some((name) => name.endsWith('/composed.json'))) return composedState(store, prefix, now);
  // Of a later release: its composer will come.
  if (!about) return 'goes on';
  const known = await readNodes(store, prefix);
  if (known.length === 0) return now - about.startedAt > NEVER_BEGUN_MS ? 'done' : 'goes on';
  return isOver(known, now) ? 'over' : 'goes on';
}

async function composedState(store: RecordingStore, prefix: string, now: number): Promise<State> {
  const composed = await readDocument(store, `${prefix}composed.json`, ComposedDocument);
  if (composed?.parts === undefined) return 'done';
  const nodes = await readNodes(store, prefix);
  if ((await countParts(store, prefix)) > composed.parts) return isOver(nodes, now) ? 'over' : 'goes on';
  if (!haveEnded(nodes) && now - composed.at < KEPT_MS) return 'kept';
  return composed.error === undefined && !composed.isSomeLost ? 'final' : 'done';
}

/** What the nodes that recorded it say. @throws when the store is away */
export async function readNodes(store: RecordingStore, prefix: string): Promise<NodeDocument[]> {
  const names = (await store.list(prefix, { below: false })).map(({ key }) => key);
  const nodes = names.filter((name) => /\/node-\d+\.json$/.test(name));
  const documents = await Promise.all(nodes.map((name) => readDocument(store, name, NodeDocument)));
  return documents.filter((document) => document !== undefined);
}

export const countParts = async (store: RecordingStore, prefix: string): Promise<number> =>
  (await store.list(`${prefix}parts/`)).length;

/** Each has said that it has passed on all that it had. */
export const haveEnded = (nodes: readonly NodeDocument[]): boolean =>
  nodes.every(({ endedAt }) => endedAt !== undefined);

async function isMarkedLately(store: RecordingStore, prefix: string, now: number): Promise<boolean> {
  return (await store.list(waitingOf(prefix))).some(({ at }) => now - at < CLAIM_MS);
}

function isOver(nodes: readonly NodeDocument[], now: number): boolean {
  const isSilent = nodes.every(({ updatedAt }) => now - updatedAt > SILENT_MS);
  const hasEnded = nodes.some(({ why }) => why !== undefined && why !== 'moved');
  const isQuiet = nodes.every(({ endedAt, updatedAt }) => endedAt !== undefined || now - updatedAt > SILENT_MS);
  return isSilent || (isQuiet && hasEnded);
}
