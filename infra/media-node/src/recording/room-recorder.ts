/**
 * Records one room of this node. First everybody in it sees that it is recorded, then the engine writes: a file for each track of each
 * connection, which is passed on to the store in closed parts while it grows. So what is lost with a node is the part that was not closed.
 * A store that is slow or away holds up neither the end of a recording nor the word of it.
 */
import { randomUUID } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import type { PeerInfo } from '@tandem/rtc';
import type { RecordingEnd, RecordingStore, RunningRecording } from '@tandem/service/recordings';
import type { Engine, EngineRoom } from '../engine.ts';
import { isEncrypted } from '../is-encrypted.ts';
import { RecordedFiles } from './recorded-files.ts';

export interface RecorderSettings {
  readonly store: RecordingStore;
  /** Longest time between two parts, ms. */
  readonly partMs: number;
  /** With less free space than this the recording ends, bytes. */
  readonly minFreeBytes: number;
  /** Folder of notes for the process after this one. Default: none are kept. */
  readonly notes?: string;
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

interface Running {
  readonly recording: RunningRecording;
  readonly files: RecordedFiles;
  timer: NodeJS.Timeout | undefined;
}

export class RoomRecorder {
  readonly #host: RoomRecorderHost;
  readonly #settings: RecorderSettings;
  #running: Running | undefined;
  /** What the record of the room said last. */
  #wanted: RunningRecording | undefined;
  /** The step that sees to it, while it waits for its turn. */
  #following: Promise<void> | undefined;
  #isClosed = false;
  /** Was ended here, so that it does not begin again before its record is gone. */
  #over: string | undefined;
  #engine: Engine;
  /** What the room hears and the engine does, one step at a time. */
  #steps: Promise<void> = Promise.resolve();
  /** Of what the store has not all. No step waits for it. */
  readonly #unkept = new Set<RecordedFiles>();

  constructor(settings: RecorderSettings, engine: Engine, host: RoomRecorderHost) {
    this.#settings = settings;
    this.#engine = engine;
    this.#host = host;
  }

  /** What is recorded now. */
  get recording(): RunningRecording | undefined {
    return this.#running?.recording;
  }

  /**
   * What the record of the room says: begins, ends, or goes on. Settles when that is so, and the store has what there was for it. Said while a step is
   * slow, the last word counts.
   */
  async follow(wanted: RunningRecording | undefined): Promise<void> {
    this.#wanted = wanted;
    this.#following ??= this.#step(async () => {
      this.#following = undefined;
      await this.#follow(this.#wanted);
    });
    await this.#following;
    await this.kept;
  }

  async #follow(wanted: RunningRecording | undefined): Promise<void> {
    const now = this.#running;
    if (now && now.recording.id !== wanted?.id) await this.#end(now, 'stopped');
    if (wanted && wanted.id === this.#running?.recording.id) return;
    if (wanted && wanted.id !== this.#over) await this.#begin(wanted);
    // The node came with the word that it records, or the word came late, and meanwhile somebody has ended it.
    else if (this.#host.isAnnounced) await this.#host.announce(undefined);
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
    this.#isClosed = true;
    return this.#step(async () => {
      if (this.#running) await this.#end(this.#running, why);
    });
  }

  /** Settles when the store has what there was for it by now, or has not taken it. */
  get kept(): Promise<void> {
    return Promise.all([...this.#unkept].map(({ settled }) => settled)).then(() => {});
  }

  #step(work: () => Promise<void>): Promise<void> {
    this.#steps = this.#steps.then(work).catch((error: unknown) => {
      this.#host.say('media.recording-failed', { roomId: this.#host.roomId, error: String(error) });
    });
    return this.#steps;
  }

  async #begin(recording: RunningRecording): Promise<void> {
    const { epoch, roomId, people, say } = this.#host;
    if (isEncrypted(people)) {
      this.#over = recording.id;
      await this.#settings.over(roomId, recording.id);
      return;
    }
    if (this.#isClosed) return;
    const running: Running = { recording, files: this.#newFiles(recording), timer: undefined };
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
    this.#unkept.add(running.files);
    running.files.begin();
    // That took its time. What the room has become by now ends it in the next step, and nothing was written.
    if (this.#isClosed || isEncrypted(people)) return;
    if (this.#wanted?.id !== recording.id) return this.#end(running, 'stopped');
    running.timer = setInterval(() => this.#pass(running), this.#settings.partMs);
    await this.#record();
  }

  #newFiles({ id }: RunningRecording): RecordedFiles {
    const { roomId, epoch, say } = this.#host;
    const { store, partMs, notes } = this.#settings;
    const name = `${id}-${randomUUID().slice(0, 8)}`;
    const note = { roomId, id, epoch, name, people: [], folders: [], copied: {} };
    return new RecordedFiles({ store, partMs, notes, say }, note);
  }

  async #record(): Promise<void> {
    const running = this.#running;
    if (!running) return;
    running.files.addFolder(this.#engine.recordings);
    const room = await this.#host.room();
    await room.record((publisher) => {
      const person = this.#host.people.get(publisher);
      return person && running.files.nameOf(publisher, person);
    });
  }

  #pass(running: Running): void {
    void this.#step(async () => {
      if (await this.#isFull()) await this.#end(running, 'disk-full');
    });
    running.files.pass();
  }

  async #isFull(): Promise<boolean> {
    const space = await statfs(this.#engine.recordings).catch(() => undefined);
    return space !== undefined && space.bavail * space.bsize < this.#settings.minFreeBytes;
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
    running.files.end(why);
    void running.files.settled.then(() => this.#unkept.delete(running.files));
    if (why !== 'moved' && why !== 'stopped') await this.#settings.over(roomId, running.recording.id);
  }
}
