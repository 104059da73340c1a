import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InboxBatch, readBatch } from './inbox.ts';
import { Turn } from './turn.ts';

const NOTHING = Buffer.alloc(0);

test('a turn is one publish, and every message comes out as it went in', () => {
  const message = fc.tuple(
    fc.nat({ max: 255 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }),
    fc.uint8Array({ maxLength: 400 }),
    fc.uint8Array({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 30 }), (messages) => {
      let end = () => {};
      const batches: Buffer[] = [];
      const batch = new InboxBatch(
        new Turn((run) => {
          end = run;
        }),
        (b) => batches.push(b),
      );
      for (const [kind, target, body, suffix] of messages)
        batch.add(kind, target, Buffer.concat([body, Buffer.from('}')]), body.length, Buffer.from(suffix));
      expect(batches).toEqual([]);
      end();
      expect(batches.length).toBe(1);
      const out: unknown[] = [];
      expect(
        readBatch(batches[0] as Buffer, (kind, target, b, s, e) => out.push([kind, target, [...b.subarray(s, e)]])),
      ).toBe(true);
      expect(out).toEqual(messages.map(([k, t, b, s]) => [k, t.toWellFormed(), [...b, ...s]]));
    }),
    { numRuns: 300 },
  );
});

test('a cut or foreign batch is refused, never read past its end', () => {
  const batches: Buffer[] = [];
  const turn = new Turn(() => {});
  const batch = new InboxBatch(turn, (b) => batches.push(b));
  batch.add(1, 'peer', Buffer.from('{"a":1}'), 6, Buffer.from('}'));
  batch.add(1, 'peer2', Buffer.from('{"b":1}'), 6, Buffer.from('}'));
  batch.flush();
  const [whole] = batches as [Buffer];
  for (let n = 0; n < whole.length; n++) {
    let seen = 0;
    const ok = readBatch(whole.subarray(0, n), (_k, _t, b, s, e) => {
      seen++;
      expect(() => JSON.parse(b.toString('utf8', s, e))).not.toThrow();
    });
    // A cut exactly between two messages is a batch of one; version alone is an empty batch.
    expect(ok, `cut at ${n}`).toBe(n === 1 || (seen === 1 && n === whole.length - 18));
  }
  expect(readBatch(Buffer.concat([Buffer.from([9]), whole]), () => {})).toBe(false);
});

test('a target over 255 bytes is refused, and a big batch leaves early', () => {
  const batches: Buffer[] = [];
  const batch = new InboxBatch(new Turn(() => {}), (b) => batches.push(b));
  expect(() => batch.add(1, 'é'.repeat(128), NOTHING, 0, NOTHING)).toThrow(RangeError);
  const big = Buffer.alloc(60_000);
  for (let i = 0; i < 6; i++) batch.add(1, 'p', big, big.length, NOTHING);
  expect(batches.length).toBe(1);
});
