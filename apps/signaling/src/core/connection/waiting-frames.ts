/** Frames of a client that wait behind its join or resume. */

/** Bounds of what may wait. */
const MAX_WAITING = { frames: 512, bytes: 256 * 1024 } as const;

export class WaitingFrames {
  readonly #frames: Uint8Array[] = [];
  #bytes = 0;

  /** Takes a copy: the bytes may be those of the socket, which reads on. @returns false when it does not fit */
  push(data: Uint8Array): boolean {
    if (this.#frames.length >= MAX_WAITING.frames || this.#bytes + data.length > MAX_WAITING.bytes) return false;
    this.#bytes += data.length;
    this.#frames.push(Uint8Array.from(data));
    return true;
  }

  shift(): Uint8Array | undefined {
    const next = this.#frames.shift();
    if (next) this.#bytes -= next.length;
    return next;
  }

  /** One of them is a `leave`, as far as can be told without parsing. */
  get hasLeave(): boolean {
    return this.#frames.some((frame) => /"type"\s*:\s*"leave"/.test(Buffer.from(frame).toString()));
  }
}
