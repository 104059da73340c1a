/**
 * A shortcut past the parser of `ws` for the common case: one read of the TCP socket gave exactly one whole text frame.
 *
 * The parser cuts each frame into header, length, mask and payload and keeps lists of them, because a frame may arrive in any parts. A
 * message that is sent alone does not: without those parts it costs a tenth of its CPU less (`npm run bench -- relay --in-flight 1`).
 * Everything else goes to `ws`: several frames in one read, parts of frames, fragments, control and binary frames, violations.
 */
import { Writable } from 'node:stream';

/** Who gets such frames: the socket of the receiver. */
export interface WholeFrameOwner {
  /** Unmasked, not yet checked to be UTF-8. */
  onWholeText(payload: Buffer): void;
}

/**
 * The receiver of `ws` 8.23.0. Its private fields say whether it is between two messages; where another version has other ones, the
 * shortcut is not taken (whole-frame.test.ts fails then).
 */
export interface FrameReceiver extends Writable {
  /** {@link BETWEEN_FRAMES}: the next byte is the first of a frame. */
  readonly _state?: number;
  /** Bytes that wait for the rest of their frame. */
  readonly _bufferedBytes?: number;
  /** Opcode of the message whose next fragment is awaited, or 0. */
  readonly _fragmented?: number;
  /** Largest payload, bytes. */
  readonly _maxPayload?: number;
  /** Ours. */
  wholeFrameOwner?: WholeFrameOwner;
}

const BETWEEN_FRAMES = 0;
/** First byte: the last frame of a message, no reserved bit, text. */
const FINAL_TEXT = 0x81;
/** In the second byte: the payload is masked, as that of every client must be. */
const MASKED = 0x80;
/** Length in the second byte that says: the next two bytes are the length. */
const TWO_BYTES = 126;

const writeParts: (this: Writable, chunk: Buffer) => boolean = Writable.prototype.write;

/** Gives whole text frames of this receiver straight to `owner`, without its event. */
export function takeWholeFrames(receiver: FrameReceiver, owner: WholeFrameOwner): void {
  receiver.wholeFrameOwner = owner;
  // One function for all sockets: a closure for each would be memory.
  receiver.write = write;
}

/** @returns false when the socket has to wait for the receiver */
function write(this: FrameReceiver, chunk: Buffer): boolean {
  const isBetweenMessages = this._state === BETWEEN_FRAMES && this._bufferedBytes === 0 && this._fragmented === 0;
  const start = isBetweenMessages ? payloadStart(chunk, this._maxPayload ?? 0) : 0;
  if (start === 0) return writeParts.call(this, chunk);
  unmask(chunk, start);
  this.wholeFrameOwner?.onWholeText(chunk.subarray(start));
  return true;
}

/** @returns where the payload begins when the chunk is one whole, final, masked text frame with a payload, otherwise 0 */
function payloadStart(chunk: Buffer, maxPayload: number): number {
  if (chunk[0] !== FINAL_TEXT) return 0;
  const short = (chunk[1] as number) - MASKED;
  if (short > 0 && short < TWO_BYTES) return chunk.length === 6 + short && short <= maxPayload ? 6 : 0;
  if (short !== TWO_BYTES) return 0;
  const length = ((chunk[2] as number) << 8) | (chunk[3] as number);
  return length > 0 && chunk.length === 8 + length && length <= maxPayload ? 8 : 0;
}

/** Of `chunk[start, end)`, whose mask is the four bytes before it (RFC 6455 section 5.3). */
function unmask(chunk: Buffer, start: number): void {
  const a = chunk[start - 4] as number;
  const b = chunk[start - 3] as number;
  const c = chunk[start - 2] as number;
  const d = chunk[start - 1] as number;
  const end = chunk.length;
  let i = start;
  for (const last = end - 3; i < last; i += 4) {
    chunk[i] = (chunk[i] as number) ^ a;
    chunk[i + 1] = (chunk[i + 1] as number) ^ b;
    chunk[i + 2] = (chunk[i + 2] as number) ^ c;
    chunk[i + 3] = (chunk[i + 3] as number) ^ d;
  }
  if (i < end) chunk[i] = (chunk[i] as number) ^ a;
  if (i + 1 < end) chunk[i + 1] = (chunk[i + 1] as number) ^ b;
  if (i + 2 < end) chunk[i + 2] = (chunk[i + 2] as number) ^ c;
}
