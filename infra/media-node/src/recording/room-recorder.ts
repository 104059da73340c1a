/**
 * Records one room of this node. First everybody in it sees that it is recorded, then the engine writes: a file for each track of each
 * connection, which is passed on to the store in closed parts while it grows. So what is lost with a node is the part that was not closed.
 * A store that is slow or away holds up neither the end of a recording nor the word of it.
 */
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PeerInfo } from '@tandem/rtc';
import {
  type NodeDocument,
  prefixOf,
  type RecordingEnd,
  type RecordingStore,
  type RunningRecording,
  waitingOf,
} from '@tandem/service/recordings';
import type { Engine, EngineRoom } from '../engine.ts';
import { isEncrypted } from '../is-encrypted.ts';

export interface RecorderSettings {
  readonly store: RecordingStore;
  /** Longest time between two parts, ms. */
  readonly partMs: number;
  /** With less free space than this the recording ends, bytes. */
  readonly minFreeBytes: number;
  /** It ended here although its record says that it goes on. */
  over(roomId: string, id: string): Promise<unknown>;
}

export interface RoomRecorderHost {
  readonly roomId: string;
  readonly epoch: number;
  readonly people: ReadonlyMap<string, PeerInfo>;
  /** Tells the room since when it is recorded; undefined: no longer. Settles when the room has been told. */
  announce(since: number | undefined): Promise<void>;
  /** The room knows at present that this node records it. */
  readonly isAnnounced: boolean;
  /** The engine's room of now. */
  room(): Promise<EngineRoom>;
  /** It began or ended. */
  changed(): void;
  readonly say: (event: string, more?: Record<string, unknown>) => void;
}

/** Largest part, bytes: what a read of the file has in memory. */
const MAX_PART_BYTES = 8 * 1024 * 1024;
/** Most connections of people that one recording has on this node. */
const MAX_PEOPLE = 10_000;
/** How long the rest of a recording is offered to a store that does not take it, ms: a node that leaves waits for it. */
const OFFERED_MS = 60_000;
const OFFER_AGAIN_MS = 5000;

interface Copied {
  readonly folder: string;
  bytes: number;
  parts: number;
}

interface Running {
  readonly recording: RunningRecording;
  readonly people: NodeDocument['people'];
  /** Of them those that the store knows. */
  written: number;
  /** How the names of this node's files of this recording begin. */
  readonly name: string;
  readonly files: Map<string, Copied>;
  /** Folders of the engines that have written. */
  readonly folders: Set<string>;
  timer: NodeJS.Timeout | undefined;
  /** A pass of its files to the store waits for its turn. */
  isDue: boolean;
}

export class RoomRecorder {
  readonly #host: RoomRecorderHost;
  readonly #settings: RecorderSettings;
  #running: Running | undefined;
  /** Was ended here, so that it does not begin again before its record is gone. */
  #over: string | undefined;
  #engine: Engine;
  /** What the room hears and the engine does, one step at a time. */
  #steps: Promise<void> = Promise.resolve();
  /** What the store gets, one thing at a time. No step waits for it. */
  #keeping: Promise<void> = Promise.resolve();

  constructor(settings: RecorderSettings, engine: Engine, host: RoomRecorderHost) {
    this.#settings = settings;
    this.#engine = engine;
    this.#host = host;
  }

  /** What is recorded now. */
  get recording(): RunningRecording | undefined {
    return this.#running?.recording;
  }

  /** What the record of the room says: begins, ends, or goes on. Settles when that is so, and the store has what there was for it. */
  async follow(wanted: RunningRecording | undefined): Promise<void> {
    await this.#step(async () => {
      const now = this.#running;
      if (now && now.recording.id !== wanted?.id) await this.#end(now, 'stopped');
      if (wanted && wanted.id === this.#running?.recording.id) return;
      if (wanted && wanted.id !== this.#over) await this.#begin(wanted);
      // The node came with the word that it records, or the word came late, and meanwhile somebody has ended it.
      else if (this.#host.isAnnounced) await this.#host.announce(undefined);
    });
    await this.#keeping;
  }

  /** The room is with another engine of this node. */
  engineChanged(engine: Engine): void {
    this.#engine = engine;
    if (this.#running) void this.#step(() => this.#record());
  }

  /** Somebody came, or says something new of itself: what is sealed between people is not recorded. */
  peopleChanged(): void {
    const now = this.#running;
    if (now && isEncrypted(this.#host.people)) void this.#step(() => this.#end(now, 'encrypted'));
  }

  /** The node serves the room no more. Settles when nothing more is written; what the store is to get of it may go on: {@link kept}. */
  close(why: RecordingEnd): Promise<void> {
    return this.#step(async () => {
      if (this.#running) await this.#end(this.#running, why);
    });
  }

  /** Settles when the store has what there was for it by now, or has not taken it. */
  get kept(): Promise<void> {
    return this.#keeping;
  }

  #step(work: () => Promise<void>): Promise<void> {
    this.#steps = this.#after(this.#steps, work);
    return this.#steps;
  }

  #keep(work: () => Promise<void>): Promise<void> {
    this.#keeping = this.#after(this.#keeping, work);
    return this.#keeping;
  }

  #after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    return before.then(work).catch((error: unknown) => {
      this.#host.say('media.recording-failed', { roomId: this.#host.roomId, error: String(error) });
    });
  }

  async #begin(recording: RunningRecording): Promise<void> {
    const { epoch, roomId, people, say } = this.#host;
    if (isEncrypted(people)) {
      this.#over = recording.id;
      await this.#settings.over(roomId, recording.id);
      return;
    }
    const name = `${recording.id}-${randomUUID().slice(0, 8)}`;
    const files = new Map();
    const running: Running = {
      ...{ recording, people: [], written: 0, name, files, folders: new Set() },
      ...{ timer: undefined, isDue: false },
    };
    this.#running = running;
    try {
      await this.#host.announce(recording.startedAt);
    } catch (error) {
      // Without the word that it records it does not. The next look at the record tries again.
      this.#running = undefined;
      throw error;
    }
    say('media.recording', { roomId, epoch, recording: recording.id });
    this.#host.changed();
    void this.#keep(() => this.#write(running));
    running.timer = setInterval(() => this.#pass(running), this.#settings.partMs);
    await this.#record();
  }

  async #record(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.folders.add(this.#engine.recordings);
    const room = await this.#host.room();
    await room.record((publisher) => this.#nameOf(running, publisher));
  }

  #nameOf({ people, name }: Running, peerId: string): string | undefined {
    const person = this.#host.people.get(peerId);
    if (!person || people.length >= MAX_PEOPLE) return undefined;
    const n = people.length + 1;
    const { userId } = person;
    const shown = person.metadata?.name;
    people.push({ n, peerId, ...(userId ? { userId } : {}), ...(shown ? { name: shown.slice(0, 64) } : {}) });
    return `${name}-${n}`;
  }

  /** A part of each file that has grown; what a slow store has not taken by the next time goes with that. */
  #pass(running: Running): void {
    void this.#step(async () => {
      if (await this.#isFull()) await this.#end(running, 'disk-full');
    });
    if (running.isDue) return;
    running.isDue = true;
    void this.#keep(async () => {
      running.isDue = false;
      if (this.#running !== running) return;
      await this.#copy(running);
      await this.#write(running);
    });
  }

  async #isFull(): Promise<boolean> {
    const space = await statfs(this.#engine.recordings).catch(() => undefined);
    return space !== undefined && space.bavail * space.bsize < this.#settings.minFreeBytes;
  }

  async #copy(running: Running): Promise<void> {
    const found: { readonly folder: string; readonly name: string }[] = [];
    for (const folder of running.folders) {
      const names = await readdir(folder).catch(() => []);
      for (const name of names) if (name.startsWith(`${running.name}-`)) found.push({ folder, name });
    }
    // First whose tracks they are: parts of somebody who is not written down are of no use when this node dies now.
    if (running.people.length > running.written) await this.#write(running);
    for (const { folder, name } of found) {
      const copied = running.files.get(name) ?? { folder, bytes: 0, parts: 0 };
      running.files.set(name, copied);
      await this.#copyFile(running, name, copied);
    }
  }

  async #copyFile(running: Running, name: string, copied: Copied): Promise<void> {
    const { roomId, epoch } = this.#host;
    // `<id>-<nonce>-<n>-video-1.mjr` is kept as `<epoch>-<n>-video-1`.
    const kept = `${epoch}-${name.slice(running.name.length + 1).replace(/\.mjr$/, '')}`;
    await using file = await open(join(copied.folder, name));
    const buffer = Buffer.alloc(Math.min(MAX_PART_BYTES, Math.max(1, (await file.stat()).size - copied.bytes)));
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, copied.bytes);
      if (bytesRead === 0) return;
      const key = `${prefixOf(roomId, running.recording.id)}parts/${kept}/${String(copied.parts + 1).padStart(6, '0')}`;
      await this.#settings.store.put(key, buffer.subarray(0, bytesRead));
      copied.bytes += bytesRead;
      copied.parts++;
    }
  }

  async #write(running: Running, end: { endedAt?: number; why?: RecordingEnd } = {}): Promise<void> {
    const { roomId, epoch } = this.#host;
    const document: NodeDocument = { epoch, people: [...running.people], updatedAt: Date.now(), ...end };
    await this.#settings.store.put(
      `${prefixOf(roomId, running.recording.id)}node-${epoch}.json`,
      JSON.stringify(document),
    );
    running.written = document.people.length;
  }

  async #end(running: Running, why: RecordingEnd): Promise<void> {
    if (this.#running !== running) return;
    clearInterval(running.timer);
    this.#running = undefined;
    this.#over = running.recording.id;
    const { roomId, epoch, say } = this.#host;
    // An engine that died has closed its files, too.
    await this.#host
      .room()
      .then((room) => room.record(undefined))
      .catch(() => {});
    await this.#host.announce(undefined).catch(() => {});
    this.#host.changed();
    say('media.recording-ended', { roomId, epoch, recording: running.recording.id, why });
    void this.#keep(() => this.#finish(running, why));
    if (why !== 'moved' && why !== 'stopped') await this.#settings.over(roomId, running.recording.id);
  }

  /** The rest of it. @throws when the store does not take it in time */
  async #finish(running: Running, why: RecordingEnd): Promise<void> {
    const endedAt = Date.now();
    const until = endedAt + OFFERED_MS;
    for (;;)
      try {
        await this.#copy(running);
        await this.#write(running, { endedAt, why });
        const waiting = waitingOf(prefixOf(this.#host.roomId, running.recording.id));
        if (why !== 'moved') await this.#settings.store.put(`${waiting}ended`, '');
        break;
      } catch (error) {
        if (Date.now() > until) throw error;
        await sleep(Math.min(OFFER_AGAIN_MS, this.#settings.partMs));
      }
    for (const [name, { folder }] of running.files) await rm(join(folder, name), { force: true });
  }
}
