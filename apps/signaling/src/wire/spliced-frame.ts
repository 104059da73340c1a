/**
 * What the server says about a relayed frame stands at its end: `…,"type":"offer","peerId":"FROM"}`.
 *
 * The last of two equal keys wins in every JSON parser that follows ECMA-404's usual reading (`JSON.parse` does), and it wins
 * however the client spelled its own (`"\u0074ype"`). Standing first, the client's duplicate would win: it could forge its
 * sender. Leaving `type` to the client would let it spell a second `type` that the server did not check, such as `kicked`.
 */
import { RELAYED } from './frame-header.ts';

const NOTHING = Buffer.alloc(0);

/**
 * A finished frame that was never put together: bytes as they were received, and what the server says behind them. It is copied
 * once, into the write of its receiver (or the batch for its node). It keeps the read buffer alive: take `text` to store it.
 */
export class SplicedFrame {
  readonly source: Buffer;
  readonly start: number;
  readonly end: number;
  readonly suffix: Buffer;

  /** `source[start, end)`, then `suffix` (default: nothing). `source` must not change afterwards. */
  constructor(source: Buffer, start: number, end: number, suffix: Buffer = NOTHING) {
    this.source = source;
    this.start = start;
    this.end = end;
    this.suffix = suffix;
  }

  get byteLength(): number {
    return this.end - this.start + this.suffix.length;
  }

  get text(): string {
    return this.source.toString('utf8', this.start, this.end) + this.suffix.toString('utf8');
  }

  toString(): string {
    return this.text;
  }

  /** @returns offset behind it */
  copyTo(out: Buffer, at: number): number {
    const { source, start, end, suffix } = this;
    source.copy(out, at, start, end);
    let to = at + end - start;
    // Suffixes have some 50 bytes: a loop beats a call into the runtime.
    for (let i = 0; i < suffix.length; i++) out[to++] = suffix[i] as number;
    return to;
  }
}

/** A finished text frame: the server's own as a string, a relayed one as it came and was spliced. */
export type Frame = string | SplicedFrame;

export function textOf(frame: Frame): string {
  return typeof frame === 'string' ? frame : frame.text;
}

/** One suffix per relayed type; index it with the `type` of a FrameHeader. */
export type Suffixes = readonly Buffer[];

/** The suffixes of a sender; make them once per session, not per frame. */
export function suffixesOf(peerId: string): Suffixes {
  const from = JSON.stringify(peerId);
  return RELAYED.map((type) => Buffer.from(`,"type":"${type}","peerId":${from}}`));
}
