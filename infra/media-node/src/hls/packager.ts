/** One ffmpeg that makes HLS of what is shown in one room, into a folder of its own. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram } from '../../../node-kit/child-process.ts';
import type { Say } from '../../../node-kit/retry.ts';
import type { Forwarding, ForwardPorts } from '../engine.ts';
import type { RoomViewers } from '../room-viewers.ts';
import {
  forwardPorts,
  type MediaKinds,
  namedBelow,
  PLAYLIST,
  packagerArguments,
  sessionDescription,
} from './ffmpeg.ts';

/** Calls go before it: of nice(2). */
const PRIORITY = 10;
/** Longer than the pause that VideoRoom makes between two requests for a keyframe, ms. */
const KEYFRAME_MS = 1200;
/** This number is asked for at first, since a program that joins needs one; then one at each such number of times, for what was lost for good. */
const FIRST_KEYFRAMES = 6;
/** Between two looks for the first playlist, ms. */
const LOOK_MS = 100;

export interface PackagerOptions {
  readonly room: string;
  readonly viewers: Pick<RoomViewers, 'forward'>;
  /** How many watch it. */
  readonly count: () => number;
  /** The folder of all packagers. */
  readonly folder: string;
  readonly say: Say;
}

export class Packager implements AsyncDisposable {
  /** Part of the addresses of its segments; not to be guessed. */
  readonly id = randomBytes(18).toString('base64url');
  readonly folder: string;
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
    this.ended = this.#run().then(
      () => this.#over(),
      (error: unknown) => this.#over(error),
    );
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** @returns undefined while there is none, which is said within `ms`, or when it has ended without */
  async playlist(ms: number): Promise<string | undefined> {
    const until = performance.now() + ms;
    for (;;) {
      const text = await readFile(join(this.folder, PLAYLIST), 'utf8').catch(() => undefined);
      if (text !== undefined) return namedBelow(text, this.id);
      if (this.#isOver || performance.now() > until) return undefined;
      await sleep(LOOK_MS);
    }
  }

  /** @param name of a media file */
  file(name: string): Promise<Buffer | undefined> {
    return readFile(join(this.folder, name)).catch(() => undefined);
  }

  /** Ends it: the playlist says so. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.ended;
  }

  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #run(): Promise<void> {
    const { viewers, count } = this.#options;
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const ports = await forwardPorts();
    const forwarding = await viewers.forward(ports, count);
    try {
      if (forwarding.videoCodec === undefined) throw new Error('no camera is sent');
      // ffmpeg begins when it has something of everything: a microphone that is off is left out.
      for (const hasAudio of forwarding.hasAudio ? [true, false] : [false])
        if (
          (await this.#package({ videoCodec: forwarding.videoCodec, hasAudio }, forwarding, ports)) !== 'nothing came'
        )
          return;
      throw new Error('no picture came');
    } finally {
      await forwarding.close();
    }
  }

  /** One run of ffmpeg. */
  async #package(what: MediaKinds, forwarding: Forwarding, ports: ForwardPorts): Promise<'over' | 'nothing came'> {
    if (this.#stop.signal.aborted) return 'over';
    const { room, say } = this.#options;
    await writeFile(join(this.folder, 'in.sdp'), sessionDescription(what, ports));
    await using program = await startProgram({
      command: 'ffmpeg',
      args: packagerArguments(this.folder, what),
      onLine: firstOf((error) => say('media.packager-line', { roomId: room, error })),
    });
    setPriority(program.pid, PRIORITY);
    say('media.packager', { roomId: room, sound: what.hasAudio });
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<'nothing came'>((resolve) => {
      let ticks = 0;
      timer = setInterval(() => {
        const isLate = ++ticks > FIRST_KEYFRAMES && !existsSync(join(this.folder, PLAYLIST));
        if (isLate) resolve('nothing came');
        else if (ticks <= FIRST_KEYFRAMES || ticks % FIRST_KEYFRAMES === 0) forwarding.keyframe();
      }, KEYFRAME_MS);
    });
    const failed = program.ended.then((code) => Promise.reject(new Error(`ffmpeg ended with ${code}`)));
    const over = Promise.race([this.#stopped, forwarding.ended]).then(() => 'over' as const);
    try {
      return await Promise.race([over, silent, failed]);
    } finally {
      clearInterval(timer);
    }
  }

  #over(error?: unknown): void {
    this.#isOver = true;
    this.#options.say('media.packager-ended', {
      roomId: this.#options.room,
      ...(error === undefined ? {} : { error: String(error) }),
    });
  }
}

/** The first of what a program complains of: more says nothing new. */
function firstOf(say: (line: string) => void): (line: string) => void {
  let left = 10;
  return (line) => {
    if (left-- > 0) say(line.slice(0, 300));
  };
}
