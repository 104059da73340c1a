/** Which recordings are over and not composed yet. */
import { NodeDocument, prefixOf, RECORDING_ID, type RecordingStore, readDocument } from '@tandem/service/recordings';

export interface Waiting {
  readonly roomId: string;
  readonly id: string;
}

/** A node that has said nothing for this time is gone, and a room that has moved is with no other, ms. */
export const SILENT_MS = 120_000;

export async function findWork(store: RecordingStore, now = Date.now()): Promise<Waiting[]> {
  const waiting: Waiting[] = [];
  const isId = new RegExp(RECORDING_ID);
  for (const folder of await store.folders('rooms/')) {
    const roomId = Buffer.from(folder, 'base64url').toString();
    for (const id of await store.folders(`rooms/${folder}/`)) {
      if (!isId.test(id)) continue;
      const names = (await store.list(prefixOf(roomId, id), { below: false })).map(({ key }) => key);
      if (names.some((name) => name.endsWith('/composed.json'))) continue;
      if (await isOver(store, names, now)) waiting.push({ roomId, id });
    }
  }
  return waiting;
}

async function isOver(store: RecordingStore, names: readonly string[], now: number): Promise<boolean> {
  const nodes = names.filter((name) => /\/node-\d+\.json$/.test(name));
  const documents = await Promise.all(nodes.map((name) => readDocument(store, name, NodeDocument)));
  const known = documents.filter((document) => document !== undefined);
  if (known.length === 0) return false;
  const isSilent = known.every(({ updatedAt }) => now - updatedAt > SILENT_MS);
  const hasEnded = known.some(({ why }) => why !== undefined && why !== 'moved');
  const isQuiet = known.every(({ endedAt, updatedAt }) => endedAt !== undefined || now - updatedAt > SILENT_MS);
  return isSilent || (isQuiet && hasEnded);
}
