import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import * as ws from 'ws';
import { closeFrame, type FrameOptions, frame, Opcode } from './testing.ts';
import { type FrameReceiver, takeWholeFrames } from './whole-frame.ts';

const MAX = 60_000;
/** `ws` exports it, its types do not. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => FrameReceiver };

/** The parser of `ws`, with the options of the server, and what it reports. */
function receiver(maxPayload = MAX) {
  const it = new Receiver({ isServer: true, maxPayload, maxFragments: 64, skipUTF8Validation: true });
  const events: unknown[] = [];
  let isOver = false;
  for (const name of ['message', 'ping', 'pong'])
    it.on(name, (data: Buffer, isBinary?: boolean) => events.push([name, data.toString('base64'), isBinary]));
  it.on('conclude', (code: number) => {
    isOver = true;
    events.push(['conclude', code]);
  });
  it.on('error', ({ message }: Error) => {
    isOver = true;
    events.push(['error', message]);
  });
  return {
    it,
    onWholeText: (payload: Buffer) => it.emit('message', payload, false),
    async feed(chunks: readonly Buffer[]) {
      for (const chunk of chunks) {
        // As `ws` does: nothing is read behind a close frame or a violation. Both parsers change what they are given.
        if (!isOver) it.write(Buffer.from(chunk));
        await setImmediate();
      }
      return events;
    },
  };
}

test('one whole text frame in a read does not pass the parser, in both lengths and with any mask; anything else does', async () => {
  using parse = vi.spyOn(Receiver.prototype, '_write');
  const whole = receiver();
  const { feed } = whole;
  takeWholeFrames(whole.it, whole);
  const texts = ['a', 'b'.repeat(125), 'é'.repeat(63), 'c'.repeat(MAX)];
  const seen = await feed(texts.map((text) => frame(Opcode.text, text)));
  expect(seen).toEqual(texts.map((text) => ['message', Buffer.from(text).toString('base64'), false]));
  expect(parse).not.toHaveBeenCalled();
  const others = [
    frame(Opcode.text, ''),
    frame(Opcode.binary, 'e'),
    frame(Opcode.ping, 'f'),
    Buffer.concat([frame(Opcode.text, 'g'), frame(Opcode.text, 'h')]),
    frame(Opcode.text, 'i', { fin: false }),
    frame(Opcode.continuation, 'j'),
    frame(Opcode.text, 'k', { mask: false }),
  ];
  await feed(others);
  expect(parse).toHaveBeenCalledTimes(others.length);
});

const piece = fc.oneof(
  { weight: 4, arbitrary: fc.constant<[number, FrameOptions]>([Opcode.text, {}]) },
  fc.tuple(fc.constantFrom(0, 1, 2, 9, 10), fc.record({ fin: fc.boolean() })),
  fc.tuple(fc.nat(15), fc.record({ fin: fc.boolean(), rsv: fc.nat(7), mask: fc.boolean() })),
);
const size = fc.oneof(fc.nat(8), fc.constantFrom(99, 100, 101, 125, 126, 127, 200, MAX, MAX + 1, 65_535, 65_536));
const bytes = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(piece, size).map(([[opcode, options], n]) => frame(opcode, 'x'.repeat(n), options)),
  },
  fc.uint8Array({ maxLength: 12 }).map((any) => Buffer.from(any)),
  // Lengths in a longer form than they need.
  fc.nat(130).map((n) => Buffer.concat([Buffer.from([0x81, 0xfe, 0, n, 0, 0, 0, 0]), Buffer.alloc(n, 'y')])),
  fc.constant(closeFrame(1000, 'bye')),
);
const cut = fc.oneof(fc.nat(12), fc.nat());
/** A frame a read, most often; else cut somewhere, or together with the one before. */
const stream = fc.array(fc.tuple(bytes, fc.constantFrom('whole', 'whole', 'whole', 'cut', 'joined'), cut), {
  maxLength: 8,
});

test('what is left of a frame whose header came before is no frame, whatever it looks like', async () => {
  const whole = receiver();
  const { feed } = whole;
  takeWholeFrames(whole.it, whole);
  const bytes = Buffer.from([0x81, 0x83, 0x81, 0x81, 0, 0, 1, 2, 3]);
  const seen = await feed([bytes.subarray(0, 2), bytes.subarray(2)]);
  expect(seen).toEqual([['message', Buffer.from([0x80, 0x83, 3]).toString('base64'), false]]);
});

test('with and without the shortcut any bytes in any parts give the same messages, pings, ends and errors', async () => {
  await fc.assert(
    fc.asyncProperty(stream, fc.constantFrom(100, MAX), async (pieces, maxPayload) => {
      const chunks: Buffer[] = [];
      for (const [part, how, at] of pieces) {
        if (how === 'cut') chunks.push(part.subarray(0, at % (part.length + 1)), part.subarray(at % (part.length + 1)));
        else if (how === 'joined') chunks.push(Buffer.concat([chunks.pop() ?? Buffer.alloc(0), part]));
        else chunks.push(part);
      }
      const reads = chunks.filter(({ length }) => length > 0);
      const shortened = receiver(maxPayload);
      takeWholeFrames(shortened.it, shortened);
      const plain = receiver(maxPayload);
      expect(await shortened.feed(reads)).toEqual(await plain.feed(reads));
    }),
    { numRuns: 300 },
  );
});
