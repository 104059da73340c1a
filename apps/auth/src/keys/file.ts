/** Signing keys in a file: for development, and for one's own server where the file is made on purpose. */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type DocumentPlace, documentSource } from './document-source.ts';
import { type KeyDocument, parseKeyDocument, rotate, type Timetable } from './key-document.ts';
import type { KeySource } from './key-source.ts';

const code = (error: unknown) => (error as NodeJS.ErrnoException)?.code;

/** Whole or not at all, and readable by the owner only from its first byte. */
async function writeWhole(path: string, doc: KeyDocument): Promise<void> {
  const temporary = `${path}.${process.pid}.${Date.now()}.tmp`;
  const file = await open(temporary, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(doc, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

/** One process at a time; a lock left by a dead process is taken over after 10 s. */
async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`;
  for (let i = 0; ; i++) {
    try {
      await (await open(lock, 'wx', 0o600)).close();
      break;
    } catch (error) {
      if (code(error) !== 'EEXIST') throw error;
      const age = await stat(lock).then(
        (s) => Date.now() - s.mtimeMs,
        () => 0,
      );
      if (age > 10_000) await rm(lock, { force: true });
      else if (i > 300) throw new Error(`KEY_SOURCE: ${lock} is held; remove it if no auth process runs`);
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

async function read(path: string): Promise<KeyDocument | undefined> {
  try {
    const { mode } = await stat(path);
    if (mode & 0o077) throw new Error(`KEY_SOURCE: ${path} may be read by others; run: chmod 600 ${path}`);
    return parseKeyDocument(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (code(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * @param create make the file if it is missing (development, and the `keys init` command)
 * @throws (from load) when it is missing and may not be made, readable by others, or not a key document
 */
export function fileSource(path: string, timetable: Timetable, create: boolean): KeySource {
  return documentSource(filePlace(path, create), timetable);
}

/** Add a successor key to the file, whether one is due or not. */
export function rotateFile(path: string, timetable: Timetable, now: number): Promise<KeyDocument> {
  return filePlace(path, false).update(async (doc) => {
    if (!doc) throw missing(path);
    return rotate(doc, now, timetable);
  });
}

const missing = (path: string) =>
  new Error(`KEY_SOURCE: ${path} does not exist; make it with: npm run auth -- keys init ${path}`);

function filePlace(path: string, create: boolean): DocumentPlace {
  return {
    description: `file ${path}`,
    async read() {
      const doc = await read(path);
      if (!doc && !create) throw missing(path);
      return doc;
    },
    async update(change) {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      return locked(path, async () => {
        const present = await read(path);
        const next = await change(present);
        if (next !== present) await writeWhole(path, next);
        return next;
      });
    },
  };
}
