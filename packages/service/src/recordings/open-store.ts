import { FolderStore } from './folder-store.ts';
import type { RecordingStore } from './store.ts';

const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/;

/** @param where a folder, or `s3://BUCKET` @throws Error for an address that is neither */
export async function openRecordingStore(where: string): Promise<RecordingStore> {
  if (!where.includes('://')) return new FolderStore(where);
  const bucket = BUCKET.exec(where)?.[1];
  if (bucket === undefined) throw new Error(`RECORDINGS: "${where}" is no place. Fix: a folder, or s3://BUCKET.`);
  // Only who keeps recordings in a bucket loads the client of it.
  const { S3Store } = await import('./s3-store.ts');
  return new S3Store(bucket);
}
