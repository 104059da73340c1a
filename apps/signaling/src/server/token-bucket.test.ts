/** Rates by key: whoever comes with ever new keys grows no memory. */
import { expect, test } from 'vitest';
import { Buckets } from './token-bucket.ts';

test('a key has its own rate; keys that are new each time are forgotten, oldest first', () => {
  const buckets = new Buckets(1);
  for (let i = 0; i < 3; i++) expect(buckets.of('a', 0).take(0)).toBe(0);
  expect(buckets.of('a', 0).take(0)).toBe(1000);
  // None of them is ever full again within this moment.
  for (let i = 0; i < 50_000; i++) buckets.of(`flood ${i}`, 1).take(1);
  expect(buckets.size).toBeLessThanOrEqual(10_000);
  const last = buckets.of('flood 49999', 1);
  expect([last.take(1), last.take(1), last.take(1) > 0]).toEqual([0, 0, true]);
});

test('buckets that are full again go first', () => {
  const buckets = new Buckets(1);
  for (let i = 0; i < 9_999; i++) buckets.of(`quiet ${i}`, 0);
  const busy = buckets.of('busy', 0);
  for (let i = 0; i < 3; i++) busy.take(0);
  buckets.of('new', 500);
  expect(buckets.size).toBe(2);
  expect(buckets.of('busy', 500)).toBe(busy);
});
