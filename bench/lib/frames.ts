/** WebSocket frames for the load generator, built once: the `ws` client would cost as much as the server under test. */

/** One masked client frame (RFC 6455 section 5.2). */
export function maskedFrame(payload: string, opcode = 1): Buffer {
  const body = Buffer.from(payload);
  const n = body.length;
  const head = n < 126 ? [0x80 | n] : [0x80 | 126, n >> 8, n & 0xff];
  if (n > 65535) throw new RangeError('frame too big for the generator');
  const mask = [0x37, 0xfa, 0x21, 0x3d];
  for (let i = 0; i < n; i++) body[i] = (body[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head, ...mask]), body]);
}

/** Cuts a stream of unmasked server frames into frames. */
export class FrameReader {
  #rest: Buffer | undefined;

  /** @param onFrame `chunk[start, end)` is the payload */
  push(data: Buffer, onFrame: (opcode: number, chunk: Buffer, start: number, end: number) => void): void {
    const chunk = this.#rest ? Buffer.concat([this.#rest, data]) : data;
    const n = chunk.length;
    let at = 0;
    while (at + 2 <= n) {
      let length = (chunk[at + 1] as number) & 0x7f;
      let start = at + 2;
      if (length === 126) {
        if (at + 4 > n) break;
        length = chunk.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) {
        if (at + 10 > n) break;
        length = chunk.readUInt32BE(at + 6);
        start = at + 10;
      }
      if (start + length > n) break;
      onFrame((chunk[at] as number) & 0x0f, chunk, start, start + length);
      at = start + length;
    }
    this.#rest = at < n ? chunk.subarray(at) : undefined;
  }
}
