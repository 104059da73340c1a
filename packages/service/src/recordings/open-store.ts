import { FolderStore } from './folder-store.ts';
import type { RecordingStore } from './store.ts';

/** @param where a folder */
export async function openRecordingStore(where: string): Promise<RecordingStore> {
  return new FolderStore(where);
}
