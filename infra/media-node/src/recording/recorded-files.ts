/**
 * What this node has of one recording, and what of it the store has: files of the engine, which grow and are passed on in closed parts. A note beside
 * them says to the process after this one what it is to send, so that no file stays here for good.
 */
import { open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerInfo } from '@tandem/rtc';
import {
  NodeDocument,
  prefixOf,
  RECORDING_ID,
  type RecordingEnd,
  type RecordingStore,
  waitingOf,
} from '@tandem/service/recordings';
import Type, { type Static } from 'typebox';
import type { Say } from '../../../node-kit/retry.ts';

/** Largest part, bytes: what a read of the file has in memory. */
const MAX_PART_BYTES = 8 * 1024 * 1024;
/** Most connections of people that one recording has on this node. */
const MAX_PEOPLE = 10_000;
/** While much is passed on the store hears this often that the node lives, ms: silent for two minutes it is taken for dead. */
const BEAT_MS = 30_000;
/** How soon the rest of a recording is offered again to a store that did not take it, ms; after a minute less often. */
const OFFER_AGAIN_MS = 5000;
const OFFER_SELDOM_MS = 30_000;
const SOON_TRIES = 12;
/** As long as a composer waits for it (KEPT_MS of infra/recording-composer), ms. Then it is lost. */
const OFFERED_MS = 86_400_000;
/** A recording of a node that was silent for two minutes may be deleted: what comes this long after its end may be of one that is gone, ms. */
const LATE_MS = 60_000;

/** @see RecordedFiles */
export const Note = Type.Object({
  roomId: Type.String({ minLength: 1, maxLength: 128 }),
  /** Of the recording. */
  id: Type.String({ pattern: RECORDING_ID }),
  epoch: NodeDocument.properties.epoch,
  /** How the names of its files begin. */
  name: Type.String({ pattern: '^[0-9A-Za-z-]{1,64}$' }),
  people: NodeDocument.properties.people,
  /** Of the engines that have written. */
  folders: Type.Array(Type.String({ minLength: 1 })),
  /** What the store has of each file. */
  copied: Type.Record(
    Type.String(),
    Type.Object({ bytes: Type.Integer({ minimum: 0 }), parts: Type.Integer({ minimum: 0 }) }),
  ),
  end: Type.Optional(Type.Object({ endedAt: Type.Integer({ minimum: 0 }), why: Type.String({ maxLength: 32 }) })),
});
export type Note = Static<typeof Note>;

export interface FilesPlace {
  readonly store: RecordingStore;
  /** Longest time between two parts, ms. */
  readonly partMs: number;
  /** Folder of notes. Undefined: none are kept. */
  readonly notes?: string | undefined;
  readonly say: Say;
}

export class RecordedFiles {
  readonly #place: FilesPlace;
  readonly #note: Note;
  readonly #path: string | undefined;
  /** Of its people those that the store knows. */
  #written = 0;
  #writtenAt = 0;
  /** What the store gets, one thing at a time. */
  #queue: Promise<void> = Promise.resolve();
  #noting: Promise<void> = Promise.resolve();
  /** How often the store has not taken something of a file. */
  readonly #refusals = new Map<string, number>();
  /** A pass waits for its turn. */
  #isDue = false;

  constructor(place: FilesPlace, note: Note) {
    this.#place = place;
    this.#note = note;
    this.#path = place.notes === undefined ? undefined : join(place.notes, `${note.name}.json`);
  }

  /** Settles when the store has what there was for it by now, or has not taken it; after {@link end} when that is over. */
  get settled(): Promise<void> {
    return this.#queue;
  }

  addFolder(folder: string): void {
    const { folders } = this.#note;
    if (!folders.includes(folder)) folders.push(folder);
  }

  /** Of the files of a connection. @returns undefined when there are too many */
  nameOf(peerId: string, { userId, metadata }: PeerInfo): string | undefined {
    const { people, name } = this.#note;
    if (people.length >= MAX_PEOPLE) return undefined;
    const n = people.length + 1;
    const shown = metadata?.name;
    people.push({ n, peerId, ...(userId ? { userId } : {}), ...(shown ? { name: shown.slice(0, 64) } : {}) });
    void this.#keepNote();
    return `${name}-${n}`;
  }

  /** The store gets its first list. */
  begin(): void {
    void this.#keepNote();
    this.#then(() => this.#write());
  }

  /** A part of each file that has grown; what a slow store has not taken by the next time goes with that. */
  pass(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#then(async () => {
      this.#isDue = false;
      if (this.#note.end) return;
      await this.#copy();
      await this.#write();
    });
  }

  /** Nothing more is written: the rest goes to the store, however long that does not take it, up to a day; then the files go. */
  end(why: RecordingEnd, endedAt = Date.now()): void {
    this.#note.end ??= { endedAt, why };
    void this.#keepNote();
    this.#then(() => this.#finish());
  }

  #then(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.#complain(error));
  }

  #complain(error: unknown): void {
    this.#place.say('media.recording-failed', { roomId: this.#note.roomId, error: String(error) });
  }

  async #finish(): Promise<void> {
    const until = Date.now() + OFFERED_MS;
    for (let tries = 0; ; tries++)
      try {
        await this.#offerRest();
        break;
      } catch (error) {
        const isGivenUp = Date.now() > until;
        if (tries === 0 || isGivenUp) this.#complain(error);
        if (isGivenUp) break;
        const ms = Math.min(tries < SOON_TRIES ? OFFER_AGAIN_MS : OFFER_SELDOM_MS, this.#place.partMs);
        await sleep(ms, undefined, { ref: false });
      }
    for (const { folder, name } of await this.#files()) await rm(join(folder, name), { force: true });
    await this.#noting;
    if (this.#path !== undefined) await rm(this.#path, { force: true });
  }

  /** @throws when the store does not take it */
  async #offerRest(): Promise<void> {
    const { end, roomId, id } = this.#note;
    await this.#copy();
    await this.#write(end);
    // Who composes removes what has come back of a recording that was deleted.
    const isLate = end !== undefined && Date.now() - end.endedAt > LATE_MS;
    if (end?.why !== 'moved' || isLate) await this.#place.store.put(`${waitingOf(prefixOf(roomId, id))}ended`, '');
  }

  async #files(): Promise<{ readonly folder: string; readonly name: string }[]> {
    const found = [];
    for (const folder of this.#note.folders) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names) if (name.startsWith(`${this.#note.name}-`)) found.push({ folder, name });
    }
    return found;
  }

  async #copy(): Promise<void> {
    const found = await this.#files();
    // First whose tracks they are: parts of somebody who is not written down are of no use when this node dies now.
    if (this.#note.people.length > this.#written) await this.#write();
    // One that the store refuses each time holds up no other.
    const refusals = ({ name }: { name: string }) => this.#refusals.get(name) ?? 0;
    for (const { folder, name } of found.sort((a, b) => refusals(a) - refusals(b)))
      await this.#copyFile(folder, name).catch((error: unknown) => {
        this.#refusals.set(name, refusals({ name }) + 1);
        throw error;
      });
  }

  async #copyFile(folder: string, name: string): Promise<void> {
    const { roomId, id, epoch, copied } = this.#note;
    // `<id>-<nonce>-<n>-video-1.mjr` is kept as `<epoch>-<n>-video-1`.
    const kept = `${epoch}-${name.slice(this.#note.name.length + 1).replace(/\.mjr$/, '')}`;
    await using file = await open(join(folder, name));
    const { bytes: before } = copied[name] ?? { bytes: 0 };
    const buffer = Buffer.alloc(Math.min(MAX_PART_BYTES, Math.max(1, (await file.stat()).size - before)));
    for (;;) {
      const { bytes, parts } = copied[name] ?? { bytes: 0, parts: 0 };
      const { bytesRead } = await file.read(buffer, 0, buffer.length, bytes);
      if (bytesRead === 0) return;
      const key = `${prefixOf(roomId, id)}parts/${kept}/${String(parts + 1).padStart(6, '0')}`;
      await this.#place.store.put(key, buffer.subarray(0, bytesRead));
      copied[name] = { bytes: bytes + bytesRead, parts: parts + 1 };
      // Before the next one: a process after this writes at most this part anew.
      await this.#keepNote();
      if (Date.now() - this.#writtenAt > BEAT_MS) await this.#write();
    }
  }

  async #write(end: Note['end'] = undefined): Promise<void> {
    const { roomId, id, epoch, people } = this.#note;
    const document: NodeDocument = { epoch, people: [...people], updatedAt: Date.now(), ...end };
    await this.#place.store.put(`${prefixOf(roomId, id)}node-${epoch}.json`, JSON.stringify(document));
    this.#written = document.people.length;
    this.#writtenAt = document.updatedAt;
  }

  /** One that cannot be written goes: by an old one parts would be written twice. Never rejects. */
  #keepNote(): Promise<void> {
    const path = this.#path;
    if (path === undefined) return Promise.resolve();
    this.#noting = this.#noting.then(async () => {
      try {
        await writeFile(`${path}~`, JSON.stringify(this.#note), { mode: 0o600 });
        await rename(`${path}~`, path);
      } catch (error) {
        this.#complain(error);
        for (const one of [path, `${path}~`]) await rm(one, { force: true }).catch(() => {});
      }
    });
    return this.#noting;
  }
}
