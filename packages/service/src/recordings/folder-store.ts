/** Recordings in a folder of this machine, or one that several share. */
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { checkKey, type RecordingStore, type StoredFile } from './store.ts';

/** What is being written; no key ends so. */
const UNFINISHED = '~';

export class FolderStore implements RecordingStore {
  readonly #root: string;

  /** @param root is made when something is put */
  constructor(root: string) {
    this.#root = resolve(root);
  }

  #path(key: string): string {
    return join(this.#root, checkKey(key));
  }

  async put(key: string, body: Uint8Array | string): Promise<void> {
    await this.#write(key, (path) => writeFile(path, body, { mode: 0o600 }));
  }

  async putFile(key: string, path: string): Promise<void> {
    await this.#write(key, async (to) => {
      await copyFile(path, to);
      await chmod(to, 0o600);
    });
  }

  async #write(key: string, write: (path: string) => Promise<void>): Promise<void> {
    const path = this.#path(key);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const unfinished = `${path}.${randomBytes(6).toString('hex')}${UNFINISHED}`;
    try {
      await write(unfinished);
      await rename(unfinished, path);
    } catch (error) {
      await rm(unfinished, { force: true });
      throw error;
    }
  }

  async read(key: string): Promise<Readable | undefined> {
    const file = await orNothing(open(this.#path(key)));
    return file && createReadStream('', { fd: file });
  }

  text(key: string): Promise<string | undefined> {
    return orNothing(readFile(this.#path(key), 'utf8'));
  }

  async list(prefix: string, only?: { readonly below: false }): Promise<readonly StoredFile[]> {
    const entries = await orNothing(
      readdir(this.#path(prefix), { recursive: only === undefined, withFileTypes: true }),
    );
    const files = (entries ?? []).filter((entry) => entry.isFile() && !entry.name.endsWith(UNFINISHED));
    const found = await Promise.all(
      files.map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        const about = await orNothing(stat(path));
        return about ? [{ key: path.slice(this.#root.length + 1), bytes: about.size, at: about.mtimeMs }] : [];
      }),
    );
    return found.flat().sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  async folders(prefix: string): Promise<readonly string[]> {
    const entries = await orNothing(readdir(this.#path(prefix), { withFileTypes: true }));
    return (entries ?? [])
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  }

  async remove(prefix: string, last?: string): Promise<void> {
    const names = last === undefined ? [] : ((await orNothing(readdir(this.#path(prefix)))) ?? []);
    for (const name of names)
      if (name !== last) await rm(join(this.#path(prefix), name), { recursive: true, force: true });
    await rm(this.#path(prefix), { recursive: true, force: true });
  }

  async url(): Promise<undefined> {
    return undefined;
  }
}

async function orNothing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
