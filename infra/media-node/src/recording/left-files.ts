/** Files of recordings that a process before this one left on this machine: what is known of them is sent, the others go. */
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/value';
import { type FilesPlace, Note, RecordedFiles } from './recorded-files.ts';

/**
 * Begins to send them. To be called before anything is recorded.
 * @param folders of the engines @returns those that are sent @throws Error when the folder of notes cannot be had
 */
export async function sendLeftFiles(
  place: FilesPlace & { readonly notes: string },
  folders: readonly string[],
): Promise<readonly RecordedFiles[]> {
  await mkdir(place.notes, { recursive: true, mode: 0o700 });
  const left: RecordedFiles[] = [];
  const known: string[] = [];
  for (const name of await readdir(place.notes)) {
    const path = join(place.notes, name);
    const note = await readNote(path);
    if (note?.name !== name.slice(0, -'.json'.length)) {
      await rm(path, { force: true });
      continue;
    }
    known.push(`${note.name}-`);
    const files = new RecordedFiles(place, note);
    // The room may go on with another node.
    files.end('moved', Math.round((await stat(path)).mtimeMs));
    left.push(files);
  }
  for (const folder of folders)
    for (const name of await readdir(folder).catch(() => []))
      if (name.endsWith('.mjr') && !known.some((one) => name.startsWith(one)))
        await rm(join(folder, name), { force: true });
  if (left.length > 0) place.say('media.recordings-left', { recordings: left.length });
  return left;
}

async function readNote(path: string): Promise<Note | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Check(Note, note) ? note : undefined;
  } catch {
    return undefined;
  }
}
