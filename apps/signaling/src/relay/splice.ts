/**
 * What the server says about a relayed frame stands at its end: `…,"type":"offer","peerId":"FROM"}`.
 *
 * The last of two equal keys wins in every JSON parser that follows ECMA-404's usual reading (`JSON.parse` does), and it wins
 * however the client spelled its own (`"\u0074ype"`). Standing first, the client's duplicate would win: it could forge its
 * sender. Leaving `type` to the client would let it spell a second `type` that the server did not check, such as `kicked`.
 */
import { RELAYED } from './scan.ts';

/** One suffix per relayed type; index it with the `type` of a FrameHeader. */
export type Suffixes = readonly Buffer[];

/** The suffixes of a sender; make them once per session, not per frame. */
export function suffixesOf(peerId: string): Suffixes {
  const from = JSON.stringify(peerId);
  return RELAYED.map((type) => Buffer.from(`,"type":"${type}","peerId":${from}}`));
}

/**
 * The whole spliced text in a buffer of its own, for those who keep it (a mailbox) or send it elsewhere (an inbox). The writer
 * of a socket does the same straight into its output.
 * @param close offset of the closing brace, as scanned; the object must not be empty (it has a `type`)
 */
export function splice(frame: Buffer, close: number, suffix: Buffer): Buffer {
  const out = Buffer.allocUnsafe(close + suffix.length);
  frame.copy(out, 0, 0, close);
  suffix.copy(out, close);
  return out;
}
