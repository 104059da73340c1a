/** The header of a client frame: what a scan of its bytes finds (frame-scanner.ts), and what those bytes mean. */

/** Relayed types, by {@link FrameHeader.type}. */
export const RELAYED = ['offer', 'answer', 'ice-candidate', 'receipt', 'message', 'media-want', 'media-state'] as const;
export const OFFER = 0;
export const ANSWER = 1;
/** @public one of them, named like the others */
export const ICE_CANDIDATE = 2;
export const RECEIPT = 3;
export const MESSAGE = 4;
/** A type that is not relayed blindly (or not known at all): parse the frame. */
export const OTHER = RELAYED.length;
/** No `type`, or not a string. */
export const NO_TYPE = -1;

/** Bits of {@link FrameHeader.present}. */
export const HAS_SDP = 1;
export const HAS_CANDIDATE = 2;
export const HAS_DATA = 4;
export const HAS_TRACEPARENT = 8;

/** What a scan found. One object is reused for all frames, so copy what must outlive the next scan. */
export interface FrameHeader {
  /** Index into {@link RELAYED}, or OTHER, or NO_TYPE. */
  type: number;
  /** Raw bytes of `peerId` between its quotes; `peerStart` is -1 without one and -2 when it is not a string. */
  peerStart: number;
  peerEnd: number;
  /** `peerId` holds escapes or non-ASCII bytes: {@link peerIdOf} must decode it. */
  peerEscaped: boolean;
  /** `id`: 0 when absent, -1 when it is not a positive safe integer. */
  id: number;
  /** `base`, by the same rule. */
  base: number;
  /** Which of these keys stand at the top level: HAS_SDP | HAS_CANDIDATE | HAS_DATA | HAS_TRACEPARENT. */
  present: number;
  /** Offset of the object's closing brace: what the server says goes in here. */
  close: number;
  /** Where a malformed frame stops making sense. */
  errorAt: number;
}

export function createHeader(): FrameHeader {
  return {
    type: NO_TYPE,
    peerStart: -1,
    peerEnd: -1,
    peerEscaped: false,
    id: 0,
    base: 0,
    present: 0,
    close: -1,
    errorAt: 0,
  };
}

const TYPE_BYTES = RELAYED.map((type) => Buffer.from(type));

/** Index into {@link RELAYED}, or OTHER. @param escaped the name holds escapes or non-ASCII bytes */
export function typeOf(b: Buffer, start: number, end: number, escaped: boolean): number {
  if (escaped) {
    const at = (RELAYED as readonly string[]).indexOf(decode(b, start, end));
    return at < 0 ? OTHER : at;
  }
  for (let t = 0; t < TYPE_BYTES.length; t++) {
    const name = TYPE_BYTES[t] as Buffer;
    if (name.length !== end - start) continue;
    let k = 0;
    while (k < name.length && name[k] === b[start + k]) k++;
    if (k === name.length) return t;
  }
  return OTHER;
}

/** The string between two quotes: its first byte is at `start`, the quote behind it at `end`. */
export function decode(b: Buffer, start: number, end: number): string {
  return JSON.parse(b.toString('utf8', start - 1, end + 1)) as string;
}

/** The `peerId` that `header` points at, or undefined when there is none (or it is not a string). */
export function peerIdOf(frame: Buffer, header: FrameHeader): string | undefined {
  if (header.peerStart < 0) return undefined;
  return header.peerEscaped
    ? decode(frame, header.peerStart, header.peerEnd)
    : frame.toString('latin1', header.peerStart, header.peerEnd);
}

/** The id that the number between `start` and `end` is; -1 when it is none. */
export function idOf(b: Buffer, start: number, end: number): number {
  let value = 0;
  if (end - start <= 15) {
    let i = start;
    for (; i < end; i++) {
      const digit = (b[i] as number) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (i === end) return value > 0 ? value : -1;
  }
  value = Number(b.toString('latin1', start, end));
  return Number.isSafeInteger(value) && value > 0 ? value : -1;
}
