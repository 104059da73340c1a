/** HLS of what is shown in one room, made by the packager beside this node (infra/hls-packager) into a folder of its own. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SEGMENT_SECONDS } from '../../../hls-packager/src/hls-times.ts';
import { OVER } from '../../../hls-packager/src/shared-folder.ts';
import type { Say } from '../../../node-kit/retry.ts';
import type { Forwarding, ForwardPorts } from '../engine.ts';
import type { RoomViewers } from '../room-viewers.ts';
import { LivePlaylist } from './live-playlist.ts';
import { isInOwnNetwork } from './own-network.ts';
import { beginPackaging, makeRoom, type Packaging, removeRoom } from './packager-folder.ts';
import type { Naming, Segment } from './playlist.ts';
import { forwardPorts, type MediaKinds, sessionDescription } from './session-description.ts';

/** Longer than the pause that VideoRoom makes between two requests for a keyframe, ms. */
const KEYFRAME_MS = 1200;
/** While nothing new is made one is asked for each time, as a program that joins or has lost something needs one; else at each such number of times. */
const SELDOM = 6;
/** Without a picture by then a silent microphone is left out: the program waits for it. */
const SILENT_TICKS = 6;
/** Without a picture by then the camera is off. Twice as long: a program that is begun on a busy machine has its first part after eight seconds. */
const DARK_TICKS = 2 * SILENT_TICKS;
/** A part of 2.5 Mbit/s has 160 KB. */
const MAX_FILE_BYTES = 2_097_152;
/** Time from which Media Sequence Numbers are counted: some players know them up to 2^31 only. */
const SEQUENCES_FROM = Date.UTC(2026, 0);

export interface PackagerOptions {
  readonly room: string;
  readonly viewers: Pick<RoomViewers, 'forward'>;
  /** How many watch it. */
  readonly count: () => number;
  /** The folder that is shared with the packager. */
  readonly folder: string;
  /** Its IPv4 address. */
  readonly host: string;
  readonly say: Say;
  /** What the room's packager before has listed, when this one goes on where it ended. */
  readonly before?: readonly Segment[];
  /** The packager, not the stream, is why it has ended. */
  readonly failed: () => void;
}

/** Of its first segment. By the clock one a second is made at most, so that a later packager goes on above, also of another node. */
function numbersAfter(last: Segment | undefined): Pick<Naming, 'base' | 'discontinuity'> {
  if (last) return { base: last.sequence + 1, discontinuity: last.naming.discontinuity + 1 };
  const base = Math.floor((Date.now() - SEQUENCES_FROM) / (1000 * SEGMENT_SECONDS));
  return { base, discontinuity: base };
}

/** The packager does not what it should. */
class PackagerError extends Error {
  override readonly name = 'PackagerError';
}

export class Packager implements AsyncDisposable {
  /** Part of the addresses of its segments; not to be guessed. */
  readonly id = randomBytes(18).toString('base64url');
  readonly folder: string;
  readonly playlist: LivePlaylist;
  readonly #options: PackagerOptions;
  readonly #stop = new AbortController();
  /** Settles when it writes no more. Its files are there until {@link Packager.remove}. */
  readonly ended: Promise<void>;
  readonly #stopped = new Promise<void>((resolve) => {
    this.#stop.signal.addEventListener('abort', () => resolve());
  });
  #isOver = false;

  constructor(options: PackagerOptions) {
    this.#options = options;
    this.folder = join(options.folder, this.id);
    this.playlist = new LivePlaylist(
      this.folder,
      { id: this.id, ...numbersAfter(options.before?.at(-1)) },
      options.before,
    );
    const ended = this.#run().then(
      () => this.#over(),
      (error: unknown) => this.#over(error),
    );
    // What is written last is seen before this says that nothing more comes.
    this.ended = this.playlist.follow(ended);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @param name of a media file; that of the next part is waited for */
  file(name: string): Promise<Buffer | undefined> {
    return this.playlist.read(name, MAX_FILE_BYTES);
  }

  /** Ends it: the playlist says so. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await removeRoom(this.folder);
  }

  async #run(): Promise<void> {
    const { viewers, count, host } = this.#options;
    // Forwarded media is not encrypted. Compose without the profile `hls` has no such network.
    if (!isInOwnNetwork(host))
      throw new PackagerError(`${host} (HLS_HOST) is in no network of this machine: is the packager started?`);
    await makeRoom(this.folder);
    using free = await forwardPorts();
    const ports = { audio: free.audio, video: free.video, host };
    const forwarding = await viewers.forward(ports, count);
    try {
      if (forwarding.videoCodec === undefined) throw new Error('no camera is sent');
      // The program begins when it has something of everything: a microphone that is off is left out.
      for (const hasAudio of forwarding.hasAudio ? [true, false] : [false]) {
        const end = await this.#package({ videoCodec: forwarding.videoCodec, hasAudio }, forwarding, ports);
        if (end === 'over') return;
        if (end === 'no answer') throw new PackagerError('it does nothing');
        // Begun anew it would be silent for good.
        if (hasAudio && forwarding.isSounding()) break;
      }
      // A camera that is off is no failure.
      throw new Error('no picture came');
    } finally {
      await forwarding.close();
    }
  }

  /** One run of the packager's program. */
  async #package(
    what: MediaKinds,
    forwarding: Forwarding,
    ports: ForwardPorts,
  ): Promise<'over' | 'nothing came' | 'no answer'> {
    if (this.#stop.signal.aborted) return 'over';
    const packaging = await beginPackaging(this.folder, sessionDescription(what, ports));
    let isAnswered = false;
    void packaging.ended.then(() => {
      isAnswered = true;
    });
    const end = await this.#until(packaging, what, forwarding).finally(() => packaging[Symbol.asyncDispose]());
    // One that lives says that it has ended.
    return end === 'nothing came' && !isAnswered ? 'no answer' : end;
  }

  async #until(packaging: Packaging, what: MediaKinds, forwarding: Forwarding): Promise<'over' | 'nothing came'> {
    this.#options.say('media.packager', { roomId: this.#options.room, sound: what.hasAudio });
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<'nothing came'>((resolve) => {
      let ticks = 0;
      let made: number | undefined;
      timer = setInterval(() => {
        const { next } = this.playlist;
        const patience = what.hasAudio && !forwarding.isSounding() ? SILENT_TICKS : DARK_TICKS;
        if (++ticks > patience && next === undefined) return resolve('nothing came');
        if (next === made || ticks % SELDOM === 0) forwarding.keyframe();
        made = next;
      }, KEYFRAME_MS);
    });
    // It is stopped when its task is.
    const failed = packaging.ended.then((why) =>
      Promise.reject(why === OVER ? new Error(why) : new PackagerError(why)),
    );
    const over = Promise.race([this.#stopped, forwarding.ended]).then(() => 'over' as const);
    try {
      return await Promise.race([over, silent, failed]);
    } finally {
      clearInterval(timer);
    }
  }

  #over(error?: unknown): void {
    this.#isOver = true;
    if (error instanceof PackagerError) this.#options.failed();
    this.#options.say('media.packager-ended', {
      roomId: this.#options.room,
      ...(error === undefined ? {} : { error: String(error) }),
    });
  }
}
