/**
 * Records one room of this node. First everybody in it sees that it is recorded, then the engine writes: a file for each track of each
 * connection, which is passed on to the store in closed parts while it grows. So what is lost with a node is the part that was not closed.
 */
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
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
}

export class RoomRecorder {
  readonly #host: RoomRecorderHost;
  readonly #settings: RecorderSettings;
  #running: Running | undefined;
  /** Was ended here, so that it does not begin again before its record is gone. */
  #over: string | undefined;
  #engine: Engine;
  /** One step at a time. */
  #queue: Promise<void> = Promise.resolve();

  constructor(settings: RecorderSettings, engine: Engine, host: RoomRecorderHost) {
    this.#settings = settings;
    this.#engine = engine;
    this.#host = host;
  }

  /** What is recorded now. */
  get recording(): RunningRecording | undefined {
    return this.#running?.recording;
  }

  /** What the record of the room says: begins, ends, or goes on. Settles when that is so. */
  follow(wanted: RunningRecording | undefined): Promise<void> {
    return this.#step(async () => {
      const now = this.#running;
      if (now && now.recording.id !== wanted?.id) await this.#end(now, 'stopped');
      if (!wanted || wanted.id === this.#running?.recording.id || wanted.id === this.#over) return;
      await this.#begin(wanted);
    });
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

  /** The node serves the room no more. */
  close(why: RecordingEnd): Promise<void> {
    return this.#step(async () => {
      if (this.#running) await this.#end(this.#running, why);
    });
  }

  #step(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work).catch((error: unknown) => {
      this.#host.say('media.recording-failed', { roomId: this.#host.roomId, error: String(error) });
    });
    this.#queue = done;
    return done;
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
    const running: Running = { recording, people: [], written: 0, name, files, folders: new Set(), timer: undefined };
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
    await this.#write(running);
    await this.#record();
    running.timer = setInterval(() => void this.#step(() => this.#pass(running)), this.#settings.partMs);
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

  /** A part of each file that has grown. */
  async #pass(running: Running): Promise<void> {
    if (this.#running !== running) return;
    await this.#copy(running);
    await this.#write(running);
    if (await this.#isFull()) await this.#end(running, 'disk-full');
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
    await this.#copy(running);
    await this.#write(running, { endedAt: Date.now(), why });
    const waiting = waitingOf(prefixOf(roomId, running.recording.id));
    if (why !== 'moved') await this.#settings.store.put(`${waiting}ended`, '');
    for (const [name, { folder }] of running.files) await rm(join(folder, name), { force: true });
    if (why !== 'moved' && why !== 'stopped') await this.#settings.over(roomId, running.recording.id);
    say('media.recording-ended', { roomId, epoch, recording: running.recording.id, why });
  }
}
