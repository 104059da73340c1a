/** Where recordings are kept: a folder, or a bucket. Keys are ours alone: nothing that a person named is in one (see documents.ts). */
import type { Readable } from 'node:stream';

export interface StoredFile {
  readonly key: string;
  readonly bytes: number;
  /** When it was written, by the clock of the store, ms since the epoch. */
  readonly at: number;
}

export interface RecordingStore {
  /** Writes a file as a whole: a reader sees all of it or nothing. */
  put(key: string, body: Uint8Array | string): Promise<void>;
  /** The same, from a file of this machine. */
  putFile(key: string, path: string): Promise<void>;
  /** undefined: there is no such file. */
  read(key: string): Promise<Readable | undefined>;
  /** A small file as text; undefined: there is no such file. */
  text(key: string): Promise<string | undefined>;
  /** All files whose keys begin so, in the order of their keys. @param prefix ends with `/` @param only `below: false`: without those in folders */
  list(prefix: string, only?: { readonly below: false }): Promise<readonly StoredFile[]>;
  /** Names right below, without the `/`: folders. @param prefix ends with `/` */
  folders(prefix: string): Promise<readonly string[]>;
  /**
   * Removes all files whose keys begin so.
   * @param prefix ends with `/`
   * @param last name right below it that goes when all others have gone: as long as it is there, it is known that something is
   * @throws Error when one stays
   */
  remove(prefix: string, last?: string): Promise<void>;
  /** An address that gives the file to all who have it, for `seconds`; undefined: this store has none, read it. */
  url(key: string, as: { readonly fileName: string; readonly seconds: number }): Promise<string | undefined>;
}

const KEY = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/?$/;

/** @throws RangeError for what cannot be a key of ours: a bug, or somebody else's name that was not written as keyOfRoom does */
export function checkKey(key: string): string {
  if (key.length > 512 || !KEY.test(key)) throw new RangeError('no key of a recording');
  return key;
}
