/**
 * Reads the header of a client frame (`type`, `peerId`, `id`) out of its bytes without building objects, and checks on the
 * way that the whole frame is one JSON object in valid UTF-8.
 *
 * It is a full validator, not a search: it accepts what `JSON.parse` accepts and nothing else (one stated exception:
 * {@link MAX_DEPTH}), because a frame that is relayed unread must never break the receiver's parser. Where a key repeats,
 * the last one counts, as in `JSON.parse`; keys written with escapes (`"\u0074ype"`) are the keys they spell.
 */
import { isUtf8 } from 'node:buffer';
import { decode, type FrameHeader, idOf, NO_TYPE, typeOf } from './frame-header.ts';

/** Deeper frames are refused as malformed: no message of the contract nests more than a few levels. */
export const MAX_DEPTH = 128;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** 0: plain string byte; 1: quote, backslash or control; 2: not ASCII. */
const STRING_CLASS = new Uint8Array(256);
STRING_CLASS.fill(1, 0, 0x20);
STRING_CLASS.fill(2, 0x80);
STRING_CLASS[QUOTE] = 1;
STRING_CLASS[BACKSLASH] = 1;

const SIMPLE_ESCAPE = new Uint8Array(256);
for (const c of '"\\/bfnrt') SIMPLE_ESCAPE[c.charCodeAt(0)] = 1;
const HEX = new Uint8Array(256);
for (const c of '0123456789abcdefABCDEF') HEX[c.charCodeAt(0)] = 1;

const DIGIT = new Uint8Array(256).fill(1, 0x30, 0x3a);
const SPACE = new Uint8Array(256);
for (const c of ' \n\r\t') SPACE[c.charCodeAt(0)] = 1;

const IN_OBJECT = 1;
const IN_ARRAY = 2;
const stack = new Uint8Array(MAX_DEPTH);

// Keys of the header, by a small number.
const KEY_OTHER = 0;
const KEY_TYPE = 1;
const KEY_PEER = 2;
const KEY_ID = 3;
const KEY_BASE = 4;
const KEY_SDP = 5;
const KEY_CANDIDATE = 6;
const KEY_DATA = 7;
const KEY_TRACEPARENT = 8;
const KEYS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    type: KEY_TYPE,
    peerId: KEY_PEER,
    id: KEY_ID,
    sdp: KEY_SDP,
    candidate: KEY_CANDIDATE,
    base: KEY_BASE,
    data: KEY_DATA,
    traceparent: KEY_TRACEPARENT,
  }),
);

// Side results of the string scanner; module variables, since a returned object would cost an allocation per string.
let escaped = false;
let ascii = true;

/** @returns offset of the closing quote of the string whose first byte is at `i`, or -1 - (offset of the fault). */
function stringEnd(b: Uint8Array, start: number, n: number): number {
  let i = start;
  for (;;) {
    while (i < n && STRING_CLASS[b[i] as number] === 0) i++;
    if (i >= n) return -1 - n;
    const c = b[i] as number;
    if (c === QUOTE) return i;
    if (c >= 0x80) {
      ascii = false;
      escaped = true;
      i++;
    } else if (c === BACKSLASH) {
      escaped = true;
      const e = i + 1 < n ? (b[i + 1] as number) : 0;
      if (SIMPLE_ESCAPE[e] === 1) i += 2;
      else if (
        e === 0x75 &&
        i + 5 < n &&
        HEX[b[i + 2] as number] === 1 &&
        HEX[b[i + 3] as number] === 1 &&
        HEX[b[i + 4] as number] === 1 &&
        HEX[b[i + 5] as number] === 1
      )
        i += 6;
      else return -1 - i;
    } else return -1 - i;
  }
}

/** @returns offset behind the number that starts at `i`, or -1 - (offset of the fault). */
function numberEnd(b: Uint8Array, start: number, n: number): number {
  let i = start;
  if (b[i] === 0x2d) i++;
  const c = i < n ? (b[i] as number) : 0;
  if (c === 0x30) i++;
  else if (c >= 0x31 && c <= 0x39) {
    do i++;
    while (i < n && DIGIT[b[i] as number] === 1);
  } else return -1 - i;
  if (i < n && b[i] === 0x2e) {
    const digits = ++i;
    while (i < n && DIGIT[b[i] as number] === 1) i++;
    if (i === digits) return -1 - i;
  }
  if (i < n && ((b[i] as number) | 0x20) === 0x65) {
    i++;
    if (i < n && (b[i] === 0x2b || b[i] === 0x2d)) i++;
    const digits = i;
    while (i < n && DIGIT[b[i] as number] === 1) i++;
    if (i === digits) return -1 - i;
  }
  return i;
}

function keyOf(b: Buffer, start: number, end: number): number {
  if (escaped) return KEYS.get(decode(b, start, end)) ?? KEY_OTHER;
  switch (end - start) {
    case 2:
      return b[start] === 0x69 && b[start + 1] === 0x64 ? KEY_ID : KEY_OTHER;
    case 3:
      return b[start] === 0x73 && b[start + 1] === 0x64 && b[start + 2] === 0x70 ? KEY_SDP : KEY_OTHER;
    case 4:
      if (b[start] === 0x74 && b[start + 1] === 0x79 && b[start + 2] === 0x70 && b[start + 3] === 0x65) return KEY_TYPE;
      return KEYS.get(b.toString('latin1', start, end)) ?? KEY_OTHER;
    case 6:
    case 9:
    case 11:
      return KEYS.get(b.toString('latin1', start, end)) ?? KEY_OTHER;
    default:
      return KEY_OTHER;
  }
}

/**
 * Scan one frame.
 * @param into is filled in; on `false` only `errorAt` means something
 * @returns false when the frame is not one JSON object in valid UTF-8
 */
export function scanFrame(b: Buffer, into: FrameHeader): boolean {
  ascii = true;
  into.type = NO_TYPE;
  into.peerStart = -1;
  into.peerEnd = -1;
  into.peerEscaped = false;
  into.id = 0;
  into.base = 0;
  into.present = 0;
  const end = walk(b, b.length, into);
  if (end < 0) {
    into.errorAt = -1 - end;
    return false;
  }
  // Most frames are ASCII and skip this call; only string bytes can be above 0x7f in a frame that got so far.
  if (!ascii && !isUtf8(b)) {
    into.errorAt = 0;
    return false;
  }
  return true;
}

/** What comes next. */
const KEY_OR_CLOSE = 0;
const KEY = 1;
const VALUE = 2;
const VALUE_OR_CLOSE = 3;
const COMMA_OR_CLOSE = 4;

/**
 * One function: with its header fields and words taken out, an offer took half as long again.
 * @returns a non-negative number, or -1 - (offset of the fault).
 */
function walk(b: Buffer, n: number, into: FrameHeader): number {
  let i = 0;
  while (i < n && SPACE[b[i] as number] === 1) i++;
  if (i >= n || b[i] !== 0x7b) return -1 - i;
  i++;
  let depth = 1;
  stack[0] = IN_OBJECT;
  let state = KEY_OR_CLOSE;
  let key = KEY_OTHER;

  while (depth > 0) {
    while (i < n && SPACE[b[i] as number] === 1) i++;
    if (i >= n) return -1 - n;
    const c = b[i] as number;

    if (state === COMMA_OR_CLOSE) {
      if (c === 0x2c) {
        state = stack[depth - 1] === IN_OBJECT ? KEY : VALUE;
        i++;
        continue;
      }
      if (c !== (stack[depth - 1] === IN_OBJECT ? 0x7d : 0x5d)) return -1 - i;
      depth--;
      i++;
      continue;
    }

    if (state === KEY_OR_CLOSE || state === KEY) {
      if (c === 0x7d && state === KEY_OR_CLOSE) {
        depth--;
        i++;
        state = COMMA_OR_CLOSE;
        continue;
      }
      if (c !== QUOTE) return -1 - i;
      escaped = false;
      const end = stringEnd(b, i + 1, n);
      if (end < 0) return end;
      if (depth === 1) key = keyOf(b, i + 1, end);
      i = end + 1;
      while (i < n && SPACE[b[i] as number] === 1) i++;
      if (i >= n || b[i] !== 0x3a) return -1 - i;
      i++;
      state = VALUE;
      continue;
    }

    // VALUE or VALUE_OR_CLOSE
    const start = i;
    const header = depth === 1 && key !== KEY_OTHER;
    if (c === QUOTE) {
      escaped = false;
      const end = stringEnd(b, i + 1, n);
      if (end < 0) return end;
      if (header) {
        if (key === KEY_TYPE) into.type = typeOf(b, i + 1, end, escaped);
        else if (key === KEY_PEER) {
          into.peerStart = i + 1;
          into.peerEnd = end;
          into.peerEscaped = escaped;
        } else if (key === KEY_ID) into.id = -1;
        else if (key === KEY_BASE) into.base = -1;
        else into.present |= 1 << (key - KEY_SDP);
      }
      i = end + 1;
      state = COMMA_OR_CLOSE;
      continue;
    }
    if (header) {
      if (key === KEY_TYPE) into.type = NO_TYPE;
      else if (key === KEY_PEER) into.peerStart = -2;
      else if (key === KEY_ID) into.id = -1;
      else if (key === KEY_BASE) into.base = -1;
      else into.present |= 1 << (key - KEY_SDP);
    }
    if (c === 0x7b || c === 0x5b) {
      if (depth === MAX_DEPTH) return -1 - i;
      stack[depth++] = c === 0x7b ? IN_OBJECT : IN_ARRAY;
      state = c === 0x7b ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
      i++;
      continue;
    }
    if (c === 0x5d && state === VALUE_OR_CLOSE) {
      depth--;
      i++;
      state = COMMA_OR_CLOSE;
      continue;
    }
    if (c === 0x74) {
      if (b[i + 1] !== 0x72 || b[i + 2] !== 0x75 || b[i + 3] !== 0x65) return -1 - i;
      i += 4;
    } else if (c === 0x66) {
      if (b[i + 1] !== 0x61 || b[i + 2] !== 0x6c || b[i + 3] !== 0x73 || b[i + 4] !== 0x65) return -1 - i;
      i += 5;
    } else if (c === 0x6e) {
      if (b[i + 1] !== 0x75 || b[i + 2] !== 0x6c || b[i + 3] !== 0x6c) return -1 - i;
      i += 4;
    } else {
      i = numberEnd(b, i, n);
      if (i < 0) return i;
      if (header && key === KEY_ID) into.id = idOf(b, start, i);
      else if (header && key === KEY_BASE) into.base = idOf(b, start, i);
    }
    state = COMMA_OR_CLOSE;
  }

  into.close = i - 1;
  while (i < n && SPACE[b[i] as number] === 1) i++;
  return i === n ? 0 : -1 - i;
}
