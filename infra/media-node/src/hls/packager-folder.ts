/**
 * The media node's side of the folder that it shares with its packager ({@link ../../../hls-packager/src/shared-folder.ts}). An intruder in the
 * packager can write there anything: links, pipes, files of any size. So nothing is followed, waited for, or read beyond its bound.
 */
import { constants } from 'node:fs';
import { chmod, mkdir, open, readdir, rename, rmdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALIVE, DESCRIPTION, ENDED, isFolderId } from '../../../hls-packager/src/shared-folder.ts';

/** The packager enters it and may not write there: each room's folder is the node's. */
const SHARED_MODE = 0o750;
/** The packager, a user of its own in the node's group, writes there. */
const ROOM_MODE = 0o770;
const DESCRIPTION_MODE = 0o640;
/** Between two looks whether packaging has ended, ms. */
const LOOK_MS = 200;
/** Longer than the packager gives its program to end, ms. */
const STOP_MS = 7000;
const MAX_REASON_BYTES = 1024;

export interface Packaging extends AsyncDisposable {
  /** Settles with the reason when the packager has ended it by itself. */
  readonly ended: Promise<string>;
}

/** Makes the folder, or removes the rooms that a node left there, and nothing else. */
export async function openShared(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, SHARED_MODE);
  for (const name of (await readdir(folder)).filter(isFolderId)) await removeRoom(join(folder, name));
}

/** Says that the node lives: a packager that is stopped goes on for it until {@link endShared}, or until the node is silent. */
export const showAlive = (folder: string): Promise<void> => writeFile(join(folder, ALIVE), '');

export const endShared = (folder: string): Promise<void> => unlink(join(folder, ALIVE)).catch(() => {});

export async function makeRoom(folder: string): Promise<void> {
  await mkdir(folder);
  // mkdir's mode is cut by the umask.
  await chmod(folder, ROOM_MODE);
}

/** Removes a room's folder with its files. A folder in it stays, as its maker could put a link in its place meanwhile. */
export async function removeRoom(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) await unlink(join(folder, name)).catch(() => {});
  await rmdir(folder).catch(() => {});
}

/** @returns undefined when there is no such file, it is none, or larger than `most` bytes */
export async function readShared(path: string, most: number): Promise<Buffer | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    await using file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile() || stat.size > most) return undefined;
    // It may grow while it is read.
    const buffer = Buffer.alloc(stat.size);
    const { bytesRead } = await file.read(buffer, 0, stat.size, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return undefined;
  }
}

/** Writes a file of its own, whatever lies there by that name. @throws when a name comes back at once */
async function writeNew(path: string, text: string): Promise<void> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  await unlink(path).catch(() => {});
  await using file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, DESCRIPTION_MODE);
  await file.writeFile(text);
  // The mode of open is cut by the umask.
  await file.chmod(DESCRIPTION_MODE);
}

/** Lets the packager make HLS of what comes, in a folder of {@link makeRoom}, until it is disposed of. */
export async function beginPackaging(folder: string, description: string): Promise<Packaging> {
  const file = join(folder, DESCRIPTION);
  await writeNew(`${file}.new`, description);
  // Whole, or not there.
  await rename(`${file}.new`, file);
  const ended = Promise.withResolvers<string>();
  const looking = setInterval(async () => {
    const why = await readShared(join(folder, ENDED), MAX_REASON_BYTES);
    // One that is empty is being written.
    if (why && why.length > 0) ended.resolve(why.toString('utf8'));
  }, LOOK_MS);
  void ended.promise.then(() => clearInterval(looking));
  return {
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      await unlink(file).catch(() => {});
      await Promise.race([ended.promise, sleep(STOP_MS, undefined, { ref: false })]);
      clearInterval(looking);
      await unlink(join(folder, ENDED)).catch(() => {});
    },
  };
}
