/** How tall a picture this client wants of each peer's camera. */
import { MAX_LINES } from './peer-input.ts';

export class VideoLimits {
  /** Of everybody. */
  #all = MAX_LINES;
  readonly #each = new Map<string, number>();

  /** @param lines undefined: no limit. @throws RangeError when it is no number of lines */
  set(lines: number | undefined, peerId?: string): void {
    if (lines !== undefined && !(Number.isInteger(lines) && lines >= 0 && lines <= MAX_LINES))
      throw new RangeError(`lines: a whole number from 0 to ${MAX_LINES}, or undefined; this is ${lines}.`);
    if (peerId === undefined) this.#all = lines ?? MAX_LINES;
    else if (lines === undefined) this.#each.delete(peerId);
    else this.#each.set(peerId, lines);
  }

  /** The lower of the limit of everybody and that of this peer, in lines. `MAX_LINES`: no limit. */
  of(peerId: string): number {
    return Math.min(this.#all, this.#each.get(peerId) ?? MAX_LINES);
  }

  /** The peer left. */
  forget(peerId: string): void {
    this.#each.delete(peerId);
  }
}
