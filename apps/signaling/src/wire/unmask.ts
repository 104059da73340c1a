/** Client frames are masked (RFC 6455 section 5.3); byte by byte that is a good part of a relayed message's cost. */

// Frames of one read share its memory: the view of the last one is kept.
let lastBuffer: ArrayBufferLike | undefined;
let words: Int32Array = new Int32Array(0);

/** Shorter payloads are not worth a view. */
const MIN_WORDS_BYTES = 64;

/** Removes the mask that stands in the four bytes before `start` from `b[start, end)`, in place. */
export function unmask(b: Buffer, start: number, end: number): void {
  const m0 = b[start - 4] as number;
  const m1 = b[start - 3] as number;
  const m2 = b[start - 2] as number;
  const m3 = b[start - 1] as number;
  if ((m0 | m1 | m2 | m3) === 0) return;
  let i = start;
  if (end - start >= MIN_WORDS_BYTES) {
    if (b.buffer !== lastBuffer) {
      lastBuffer = b.buffer;
      words = new Int32Array(lastBuffer, 0, lastBuffer.byteLength >> 2);
    }
    while (((b.byteOffset + i) & 3) !== 0) {
      b[i] = (b[i] as number) ^ maskByte(m0, m1, m2, m3, i - start);
      i++;
    }
    const turn = i - start;
    // Little-endian, as every platform of Node is.
    const mask =
      maskByte(m0, m1, m2, m3, turn) |
      (maskByte(m0, m1, m2, m3, turn + 1) << 8) |
      (maskByte(m0, m1, m2, m3, turn + 2) << 16) |
      (maskByte(m0, m1, m2, m3, turn + 3) << 24);
    const view = words;
    const count = (end - i) >> 2;
    const first = (b.byteOffset + i) >> 2;
    for (let w = first; w < first + count; w++) view[w] = (view[w] as number) ^ mask;
    i += count << 2;
  }
  for (; i < end; i++) b[i] = (b[i] as number) ^ maskByte(m0, m1, m2, m3, i - start);
}

function maskByte(m0: number, m1: number, m2: number, m3: number, at: number): number {
  switch (at & 3) {
    case 0:
      return m0;
    case 1:
      return m1;
    case 2:
      return m2;
    default:
      return m3;
  }
}
