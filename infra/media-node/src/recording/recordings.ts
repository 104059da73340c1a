/** What this node records: each room that it serves and whose record says so. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisClient } from '@tandem/service';
import { endRecording, keepRecording, openRecordingStore, readRunning } from '@tandem/service/recordings';
import type { Say } from '../../../node-kit/retry.ts';
import type { MediaNodeConfig } from '../config.ts';
import type { RoomAgent } from '../room-agent.ts';
import { sendLeftFiles } from './left-files.ts';
import type { RecorderSettings } from './room-recorder.ts';

type Settings = Pick<MediaNodeConfig, 'RECORDINGS' | 'RECORDING_PART_SECONDS' | 'RECORDING_MIN_FREE_MB' | 'RUN_DIR'>;

/** How long a node that leaves waits for a store that does not take the rest of a recording, ms. */
const LEAVE_MS = 60_000;

export class Recordings {
  readonly #config: Settings;
  readonly #redis: RedisClient;
  readonly #say: Say;
  /** What the store is to get of rooms that have ended. */
  readonly #unkept = new Set<Promise<void>>();
  /** Undefined: this node records nothing. */
  settings: RecorderSettings | undefined;

  constructor(config: Settings, redis: RedisClient, say: Say) {
    this.#config = config;
    this.#redis = redis;
    this.#say = say;
  }

  /**
   * What a process before this one has left is sent from then on.
   * @param folders in which engines write @throws Error naming the setting
   */
  async open(folders: readonly string[]): Promise<void> {
    const { RECORDINGS, RECORDING_PART_SECONDS, RECORDING_MIN_FREE_MB, RUN_DIR } = this.#config;
    if (RECORDINGS === undefined) return;
    const notes = join(RUN_DIR, 'recordings');
    const place = { store: await openRecordingStore(RECORDINGS), partMs: RECORDING_PART_SECONDS * 1000, notes };
    for (const { settled } of await sendLeftFiles({ ...place, say: this.#say }, folders)) this.#await(settled);
    this.settings = {
      ...place,
      minFreeBytes: RECORDING_MIN_FREE_MB * 1024 * 1024,
      over: (roomId, id) => endRecording(this.#redis, roomId, id),
    };
  }

  #await(kept: Promise<void>): void {
    this.#unkept.add(kept);
    void kept.then(() => this.#unkept.delete(kept));
  }

  /** Since when a room is to be recorded, ms since the epoch. */
  async since(room: string): Promise<number | undefined> {
    if (!this.settings) return undefined;
    return (await readRunning(this.#redis, room).catch(() => undefined))?.startedAt;
  }

  /** The room has ended here. */
  leave({ recorder }: RoomAgent): void {
    if (!recorder) return;
    this.#await(recorder.kept);
  }

  /** Settles when the store has what there was of rooms that have ended, or has not taken it for a minute. */
  async kept(): Promise<void> {
    if (this.#unkept.size === 0) return;
    const isKept = new AbortController();
    const late = sleep(LEAVE_MS, undefined, { signal: isKept.signal }).catch(() => {});
    await Promise.race([Promise.all(this.#unkept), late]);
    isKept.abort();
  }

  /** Begins, keeps or ends the recording of a room. @throws when Redis is away: then it goes on as it is */
  async follow(agent: RoomAgent): Promise<void> {
    const { recorder, roomId } = agent;
    if (!recorder || agent.state === 'ended') return;
    const wanted = await readRunning(this.#redis, roomId);
    const isOwn = wanted !== undefined && wanted.id === recorder.recording?.id;
    if (isOwn) await keepRecording(this.#redis, roomId, wanted.id);
    // People stay in a room that was given away until its next node comes, which may take a whole drain: what is recorded goes on, and can be stopped.
    // What is new is begun by the next node.
    const isLeft = agent.state !== 'serving';
    // Not waited for: a store that does not answer holds up no other room.
    void recorder.follow(isOwn || !isLeft ? wanted : undefined);
  }
}
