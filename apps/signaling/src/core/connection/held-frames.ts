/** Frames for a session whose resume is under way: they leave behind the answer to it. */

/** Bounds of what may wait, in frames and in UTF-16 units: as much as a reader may leave unread by default. */
export const MAX_HELD = { frames: 1024, length: 1 << 20 } as const;

export class HeldFrames {
  readonly #frames: string[] = [];
  #length = 0;

  /** @returns false when it is one too many, and the client too slow */
  push(text: string): boolean {
    this.#length += text.length;
    return this.#frames.push(text) <= MAX_HELD.frames && this.#length <= MAX_HELD.length;
  }

  /** In the order in which they came. */
  get frames(): readonly string[] {
    return this.#frames;
  }
}
