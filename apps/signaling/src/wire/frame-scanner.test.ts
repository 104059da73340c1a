import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createHeader,
  HAS_CANDIDATE,
  HAS_DATA,
  HAS_SDP,
  HAS_TRACEPARENT,
  NO_TYPE,
  OFFER,
  OTHER,
  peerIdOf,
  RELAYED,
} from './frame-header.ts';
import { MAX_DEPTH, scanFrame } from './frame-scanner.ts';
import { SplicedFrame, suffixesOf } from './spliced-frame.ts';

const header = createHeader();

/** What the scan must agree with: strict UTF-8, JSON.parse, an object. */
function reference(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    // ignoreBOM keeps a byte order mark in the text, where JSON.parse refuses it.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function agree(bytes: Buffer): void {
  const expected = reference(bytes);
  const accepted = scanFrame(bytes, header);
  if (accepted !== (expected !== undefined))
    throw new Error(
      `scan says ${accepted}, JSON.parse ${expected !== undefined}: ${JSON.stringify(bytes.toString('latin1'))}`,
    );
  if (!expected) return;
  const type = Object.hasOwn(expected, 'type') ? expected.type : undefined;
  const peerId = Object.hasOwn(expected, 'peerId') ? expected.peerId : undefined;
  const id = Object.hasOwn(expected, 'id') ? expected.id : undefined;
  const index = (RELAYED as readonly unknown[]).indexOf(type);
  expect(header.type).toBe(typeof type !== 'string' ? NO_TYPE : index < 0 ? OTHER : index);
  expect(peerIdOf(bytes, header)).toBe(typeof peerId === 'string' ? peerId : undefined);
  if (id === undefined) expect(header.id).toBe(0);
  else expect(header.id).toBe(Number.isSafeInteger(id) && (id as number) > 0 ? id : -1);
  const base = Object.hasOwn(expected, 'base') ? expected.base : undefined;
  if (base === undefined) expect(header.base).toBe(0);
  else expect(header.base).toBe(Number.isSafeInteger(base) && (base as number) > 0 ? base : -1);
  expect(header.present).toBe(
    (Object.hasOwn(expected, 'sdp') ? HAS_SDP : 0) |
      (Object.hasOwn(expected, 'candidate') ? HAS_CANDIDATE : 0) |
      (Object.hasOwn(expected, 'data') ? HAS_DATA : 0) |
      (Object.hasOwn(expected, 'traceparent') ? HAS_TRACEPARENT : 0),
  );
  if (Object.keys(expected).length === 0) return;
  // Whatever the client wrote, the receiver reads the server's type and sender, and everything else as it was.
  const out = reference(
    Buffer.from(new SplicedFrame(bytes, 0, header.close, suffixesOf('the-sender')[OFFER] as Buffer).text),
  );
  expect(out).toEqual({ ...expected, type: 'offer', peerId: 'the-sender' });
}

const keys = fc.constantFrom(
  'type',
  'peerId',
  'id',
  'sdp',
  'candidate',
  'data',
  'typ',
  'Type',
  'peerid',
  'x',
  '',
  '__proto__x',
);
/** Spell some characters of a JSON string as \uXXXX: the same text to a parser, other bytes to a search. */
const spelled = (text: string, mask: number) =>
  `"${[...JSON.stringify(text).slice(1, -1)]
    .map((c, i) =>
      (mask >> (i % 30)) & 1 && /[A-Za-z0-9]/.test(c) && !JSON.stringify(text).includes('\\')
        ? `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
        : c,
    )
    .join('')}"`;
const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');
const scalar = fc.oneof(
  fc.constantFrom(...RELAYED, 'kicked', 'join').map((t) => JSON.stringify(t)),
  fc.tuple(fc.string({ unit: 'grapheme' }), fc.nat()).map(([t, m]) => spelled(t, m)),
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '7',
    '1.0',
    '1e2',
    '1E+2',
    '0.5',
    '-3',
    '9007199254740993',
    '12345678901234567890',
    'true',
    'false',
    'null',
  ),
);
const document = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    tie('object'),
    fc.array(tie('value'), { maxLength: 3 }).map((v) => `[${v.join(',')}]`),
  ),
  object: fc
    .array(fc.tuple(keys, fc.nat(), space, tie('value'), space), { maxLength: 6 })
    .map((members) => `{${members.map(([k, m, a, v, b]) => `${a}${spelled(k, m)}${b}:${a}${v}${b}`).join(',')}}`),
})).object;

describe('scanFrame', () => {
  test('finds the header among nested and repeated keys, in any spelling, and splices unforgeably', () => {
    fc.assert(
      fc.property(space, document, space, (a, json, b) => agree(Buffer.from(a + json + b))),
      { numRuns: 3000 },
    );
  });

  test('accepts exactly what JSON.parse accepts: documents with bytes changed, cut, doubled or put in', () => {
    const nasty = fc.constantFrom(
      ...Buffer.from('{}[]",:\\u0e+-.tfn /\n\0\x7f'),
      0x80,
      0xc0,
      0xc3,
      0xed,
      0xf4,
      0xff,
      0xef,
    );
    const edit = fc.tuple(fc.nat(), fc.constantFrom('set', 'cut', 'insert', 'end', 'double'), nasty);
    fc.assert(
      fc.property(document, fc.array(edit, { minLength: 1, maxLength: 3 }), (json, edits) => {
        let bytes = Buffer.from(json);
        for (const [at, what, byte] of edits) {
          const i = at % (bytes.length + 1);
          if (what === 'set' && i < bytes.length) bytes[i] = byte;
          else if (what === 'cut') bytes = Buffer.concat([bytes.subarray(0, i), bytes.subarray(i + 1)]);
          else if (what === 'insert')
            bytes = Buffer.concat([bytes.subarray(0, i), Buffer.from([byte]), bytes.subarray(i)]);
          else if (what === 'end') bytes = bytes.subarray(0, i);
          else bytes = Buffer.concat([bytes, bytes.subarray(i)]);
        }
        agree(bytes);
      }),
      { numRuns: 6000 },
    );
  });

  test('any bytes at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => agree(Buffer.from(bytes))),
      { numRuns: 2000 },
    );
  });

  test.each([
    '{"type":"offer","peerId":"a","type":"kicked"}',
    '{"\\u0074ype":"kicked","type":"offer","peerId":"a"}',
    '{"type":"offer","\\u0074ype":"kick\\u0065d","peerId":"a","sdp":1}',
    '{"type":"offer","peerId":"a","peer\\u0049d":"victim"}',
    '{"sdp":{"type":"answer","peerId":"inner","id":4},"type":"offer","peerId":"a","id":3}',
    '{"type":"offer","peerId":"\\ud800"}',
    '{"type":"offer","peerId":"é\\n"}',
    '{"type":1,"peerId":2,"id":"3"}',
    '{"type":"offer","type":null}',
    '{"a":"\\u00e"}',
    '{"a":"\\x"}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":+1}',
    '{"a":1e}',
    '{"a":-}',
    '{"a":tru}',
    '{"a":"\u0001"}',
    '{"a":1,}',
    '{,}',
    '{"a":[1,]}',
    '{"a":[}',
    '{"a":{]}',
    '{"a":1}}',
    '{"a":1,2}',
    '{"a":1 "b":2}',
    '{"a":1,"b"}',
    '{"a" 1}',
    '[1 2]',
    '[1,]',
    '[ ] ',
    '[{ } , [ ] ]',
    '{"a":1} x',
    '{"a"}',
    '{"a":}',
    '{a:1}',
    '[]',
    '"x"',
    '',
    ' ',
    '{',
    '{"',
    '\ufeff{}',
    '{"a":"\u2028\u007f"}',
    '{"type":"offer" , "peerId" : "a" } \n',
  ])('agrees with JSON.parse on %s, as the frame and within it', (json) => {
    for (const text of [json, `{"data":${json}}`, `{"data":[0,${json}]}`, `{"data":{"b":${json},"c":{}}}`])
      agree(Buffer.from(text));
  });

  test('invalid UTF-8 is malformed, also far from the header', () => {
    for (const bad of [[0xc3], [0xff], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80]]) {
      const frame = Buffer.concat([
        Buffer.from('{"type":"offer","peerId":"a","sdp":"'),
        Buffer.from(bad),
        Buffer.from('"}'),
      ]);
      expect(scanFrame(frame, header)).toBe(false);
      agree(frame);
    }
  });

  test('nesting is bounded', () => {
    for (const [open, value, close] of [
      ['[', '', ']'],
      ['{"a":', '0', '}'],
    ] as const) {
      const nested = (depth: number) =>
        Buffer.from(`{"a":${open.repeat(depth - 1)}${value}${close.repeat(depth - 1)}}`);
      expect(scanFrame(nested(MAX_DEPTH), header)).toBe(true);
      expect(scanFrame(nested(MAX_DEPTH + 1), header)).toBe(false);
    }
    expect(scanFrame(Buffer.from('{"a":'.repeat(100_000)), header)).toBe(false);
  });

  test('says where a malformed frame stops making sense', () => {
    expect(scanFrame(Buffer.from('{"type":"offer",}'), header)).toBe(false);
    expect(header.errorAt).toBe(16);
  });
});
