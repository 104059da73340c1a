/**
 * What one node sends to another: everything of one turn in one publish.
 *
 *     batch   = version:u8  nameLength:u8 name  incarnation:u32  sequence:u32  entry*
 *     entry   = kind:u8  targetLength:u8 target  textLength:u32  text
 *
 * `relay`: the final frame for the peer `target`. `room`: the frame for every session of room `target` on that node. `control`: JSON
 * (see control-messages.ts), target empty. Sequence numbers count from 1 in each incarnation, of which a sender has one for each
 * receiver, and a new one after it took the receiver for dead: a gap means that batches were lost.
 */
import { type Frame, SplicedFrame } from '../../wire/spliced-frame.ts';

export const EntryKind = { relay: 1, room: 2, control: 3 } as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

export interface Entry {
  readonly kind: EntryKind;
  readonly target: string;
  readonly frame: Frame;
}
export interface Batch {
  readonly from: string;
  readonly incarnation: number;
  readonly sequence: number;
  readonly entries: Entry[];
}

const VERSION = 1;

export function encodeBatch(from: string, incarnation: number, sequence: number, entries: readonly Entry[]): Buffer {
  // Three bytes a UTF-16 unit is the worst case: measuring exactly would encode twice.
  let size = 2 + from.length * 3 + 8;
  for (const { target, frame } of entries)
    size += 6 + target.length * 3 + (typeof frame === 'string' ? frame.length * 3 : frame.byteLength);
  const out = Buffer.allocUnsafe(size);
  out[0] = VERSION;
  let at = 2;
  const nameLength = out.write(from, at);
  out[1] = nameLength;
  at += nameLength;
  at = out.writeUInt32BE(incarnation >>> 0, at);
  at = out.writeUInt32BE(sequence >>> 0, at);
  for (const { kind, target, frame } of entries) {
    out[at] = kind;
    const targetLength = out.write(target, at + 2);
    out[at + 1] = targetLength;
    const textAt = at + 2 + targetLength + 4;
    at = typeof frame === 'string' ? textAt + out.write(frame, textAt) : frame.copyTo(out, textAt);
    out.writeUInt32BE(at - textAt, textAt - 4);
  }
  return out.subarray(0, at);
}

/** Frames are views into `bytes`: do not change it.
 * @throws RangeError for a batch that is cut short or of another version */
export function decodeBatch(bytes: Uint8Array): Batch {
  const b = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (b[0] !== VERSION) throw new RangeError(`batch of version ${b[0]}`);
  let at = 2 + b.readUInt8(1);
  const from = b.toString('utf8', 2, at);
  const incarnation = b.readUInt32BE(at);
  const sequence = b.readUInt32BE(at + 4);
  at += 8;
  const entries: Entry[] = [];
  while (at < b.length) {
    const kind = b.readUInt8(at) as EntryKind;
    const textAt = at + 2 + b.readUInt8(at + 1);
    const target = b.toString('utf8', at + 2, textAt);
    const end = textAt + 4 + b.readUInt32BE(textAt);
    if (end > b.length) throw new RangeError('batch cut short');
    entries.push({ kind, target, frame: new SplicedFrame(b, textAt + 4, end) });
    at = end;
  }
  return { from, incarnation, sequence, entries };
}
