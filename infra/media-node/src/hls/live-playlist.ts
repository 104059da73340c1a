/** The playlist of one packager as it grows: read once for all viewers, and held for those who ask for what is not there yet. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SEGMENT_SECONDS } from '../../../hls-packager/src/hls-times.ts';
import { INIT, PLAYLIST, partFile } from '../../../hls-packager/src/shared-folder.ts';
import { readShared } from './packager-folder.ts';
import {
  answerOf,
  hintOf,
  type Made,
  type Naming,
  type Position,
  partsOf,
  readMade,
  type Segment,
  segmentsOf,
  viewersPlaylist,
} from './playlist.ts';

/** Between two looks at the file, ms: a tenth of a part. A packager is not trusted to say when, and a watch could be flooded by it. */
const LOOK_MS = 50;
/** Seven segments are a kilobyte and a half. */
const MAX_BYTES = 16_384;
/** Longest that a request is held (RFC 8216bis, 6.2.5.2: three target durations), ms. */
const HOLD_MS = 3000 * SEGMENT_SECONDS;

interface Seen extends Made {
  readonly raw: string;
  /** As viewers get it. */
  readonly text: string;
  readonly segments: readonly Segment[];
}

export class LivePlaylist {
  readonly #folder: string;
  readonly #naming: Naming;
  readonly #before: readonly Segment[];
  #seen: Seen | undefined;
  /** Those who wait for a change. They are no reactions of one promise, which would keep each that waited in vain for as long as nothing changes. */
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  /** @param folder of the packager @param before segments of the one that the room had before, when this one goes on where it ended */
  constructor(folder: string, naming: Naming, before: readonly Segment[] = []) {
    this.#folder = folder;
    this.#naming = naming;
    this.#before = before;
  }

  /** Looks until the promise settles, and once more. */
  async follow(ended: Promise<unknown>): Promise<void> {
    let isEnding = false;
    void ended.then(() => {
      isEnding = true;
    });
    while (!isEnding) {
      await this.#look();
      await sleep(LOOK_MS, undefined, { ref: false });
    }
    await this.#look();
    this.#isOver = true;
    // A program that is killed does not say that nothing more comes.
    if (this.#seen && !this.#seen.isEnded) this.#see({ ...this.#seen, isEnded: true });
    this.#changed();
  }

  /** As it lists them now; none while it has made nothing itself. */
  get segments(): readonly Segment[] {
    return this.#seen?.segments ?? [];
  }

  /** Nothing more comes. */
  get isEnded(): boolean {
    return this.#isOver || this.#seen?.isEnded === true;
  }

  /** Number of the part that comes next; undefined while there is none. */
  get next(): number | undefined {
    return this.#seen?.next;
  }

  /** @returns undefined while there is none, which is said within `ms`, or when it has ended without */
  async first(ms: number): Promise<string | undefined> {
    await this.#until(() => this.#seen !== undefined, ms);
    return this.#seen?.text;
  }

  /** @returns the text when it has that, or has ended; `too far` for what no player asks for; undefined when it does not come */
  async at(position: Position): Promise<string | 'too far' | undefined> {
    const answer = () => (this.#seen ? answerOf(this.#seen, position, this.#naming.base) : 'to come');
    await this.#until(() => answer() !== 'to come', HOLD_MS);
    if (answer() === 'too far') return 'too far';
    return answer() === 'there' ? this.#seen?.text : undefined;
  }

  /** Whether that is there, also in one that has ended. */
  has(position: Position): boolean {
    return (
      this.#seen !== undefined && answerOf({ ...this.#seen, isEnded: false }, position, this.#naming.base) === 'there'
    );
  }

  /** Whether a file of viewers is the next part, which {@link LivePlaylist.read} waits for. */
  isHint(name: string): boolean {
    return this.#seen !== undefined && name === hintOf(this.#seen, this.#naming.base);
  }

  /** @param most bytes of a file of the packager @returns a file of viewers; undefined when it is not there */
  async read(name: string, most: number): Promise<Buffer | undefined> {
    await this.#until(() => !this.isHint(name), HOLD_MS);
    const parts = this.#seen ? partsOf(this.#seen, name, this.#naming.base) : [];
    const files = name === INIT ? [INIT] : parts.map(partFile);
    if (files.length === 0) return undefined;
    const all = await Promise.all(files.map((file) => readShared(join(this.#folder, file), most)));
    const there = all.filter((one) => one !== undefined);
    return there.length === all.length ? Buffer.concat(there) : undefined;
  }

  async #until(isSo: () => boolean, ms: number): Promise<void> {
    if (isSo() || this.#isOver) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = () => (isSo() || this.#isOver) && resolve();
    this.#waiting.add(check);
    const timer = setTimeout(resolve, ms).unref();
    await promise;
    this.#waiting.delete(check);
    clearTimeout(timer);
  }

  async #look(): Promise<void> {
    const raw = (await readShared(join(this.#folder, PLAYLIST), MAX_BYTES))?.toString('utf8');
    if (raw === undefined || raw === this.#seen?.raw) return;
    const made = readMade(raw);
    // It never goes back.
    if (!made || (this.#seen && made.next < this.#seen.next)) return;
    this.#see({ ...made, raw });
    this.#changed();
  }

  #see(made: Made & { readonly raw: string }): void {
    const segments = segmentsOf(made, this.#naming, this.#before);
    this.#seen = { ...made, segments, text: viewersPlaylist(made, this.#naming, segments) };
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check();
  }
}
