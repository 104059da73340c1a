/**
 * Node to node: many messages in one publish. A batch is
 *
 *     u8 version, then per message: u8 kind, u8 length of the target, target (UTF-8), u32 length of the payload, payload
 *
 * Big-endian. The payload of a DELIVER is the final text of the frame: the receiving node writes it as it is.
 */
import type { Flushable, Turn } from './turn.ts';

export const INBOX_VERSION = 1;
const HEAD = 1 + 1 + 4;
/** A batch is published early when it gets so big: Redis copies it to every subscriber's output buffer. */
const MAX_BATCH_BYTES = 256 * 1024;

/** Collects what one turn has for one node and publishes it once. */
export class InboxBatch implements Flushable {
  readonly #turn: Turn;
  readonly #publish: (batch: Buffer) => void;
  #kinds: number[] = [];
  #targets: string[] = [];
  #sources: Buffer[] = [];
  #closes: number[] = [];
  #suffixes: Buffer[] = [];
  #bytes = 1;
  #dirty = false;

  /** @param publish sends one batch to the node; must not throw, failures are the caller's (it retries or lets senders repeat) */
  constructor(turn: Turn, publish: (batch: Buffer) => void) {
    this.#turn = turn;
    this.#publish = publish;
  }

  /**
   * Add a message: `source[0, close)` and then `suffix`. `source` is read at the end of the turn: do not change it.
   * @param target at most 255 bytes
   * @throws RangeError when the target is longer
   */
  add(kind: number, target: string, source: Buffer, close: number, suffix: Buffer): void {
    // Targets are ASCII as a rule; three bytes a character is the worst that UTF-8 makes of a UTF-16 unit.
    if (target.length > 85 && Buffer.byteLength(target) > 255) throw new RangeError('inbox: target over 255 bytes');
    this.#kinds.push(kind);
    this.#targets.push(target);
    this.#sources.push(source);
    this.#closes.push(close);
    this.#suffixes.push(suffix);
    this.#bytes += HEAD + target.length * 3 + close + suffix.length;
    if (!this.#dirty) {
      this.#dirty = true;
      this.#turn.add(this);
    }
    if (this.#bytes > MAX_BATCH_BYTES) this.flush();
  }

  flush(): void {
    this.#dirty = false;
    const count = this.#kinds.length;
    if (count === 0) return;
    const out = Buffer.allocUnsafe(this.#bytes);
    out[0] = INBOX_VERSION;
    let at = 1;
    for (let i = 0; i < count; i++) {
      const close = this.#closes[i] as number;
      const suffix = this.#suffixes[i] as Buffer;
      out[at] = this.#kinds[i] as number;
      const length = out.write(this.#targets[i] as string, at + 2);
      out[at + 1] = length;
      at = out.writeUInt32BE(close + suffix.length, at + 2 + length);
      (this.#sources[i] as Buffer).copy(out, at, 0, close);
      suffix.copy(out, at + close);
      at += close + suffix.length;
    }
    this.#kinds.length = 0;
    this.#targets.length = 0;
    this.#sources.length = 0;
    this.#closes.length = 0;
    this.#suffixes.length = 0;
    this.#bytes = 1;
    this.#publish(out.subarray(0, at));
  }
}

/**
 * Read a batch.
 * @param deliver gets each message; `batch[start, end)` is the payload, valid as long as the batch is kept
 * @returns false when the batch is damaged or of another version (messages before the damage were delivered)
 */
export function readBatch(
  batch: Buffer,
  deliver: (kind: number, target: string, batch: Buffer, start: number, end: number) => void,
): boolean {
  const n = batch.length;
  if (n === 0 || batch[0] !== INBOX_VERSION) return false;
  let at = 1;
  while (at < n) {
    if (at + 2 > n) return false;
    const kind = batch[at] as number;
    const targetEnd = at + 2 + (batch[at + 1] as number);
    if (targetEnd + 4 > n) return false;
    const start = targetEnd + 4;
    const end = start + batch.readUInt32BE(targetEnd);
    if (end > n) return false;
    deliver(kind, batch.toString('utf8', at + 2, targetEnd), batch, start, end);
    at = end;
  }
  return true;
}
