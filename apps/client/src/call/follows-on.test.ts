import { expect, test } from 'vitest';
import { followsOn } from './follows-on.ts';
import type { ChatLine } from './types.ts';

const line = (more: Partial<ChatLine> = {}): ChatLine => ({
  ...{ key: 1, peerId: 'me', name: 'Ada', text: 'hello', shownAt: 1000, mine: true },
  ...more,
});
const [toBob, toEve] = [{ only: { id: 'b', name: 'Bob' } }, { only: { id: 'e', name: 'Eve' } }];

test('lines of one person to the same people stand under one name', () => {
  expect(followsOn(line(), line({ shownAt: 60_000 }))).toBe(true);
  expect(followsOn(line(toBob), line(toBob))).toBe(true);
  expect(followsOn(undefined, line())).toBe(false);
  expect(followsOn(line(), line({ peerId: 'b' }))).toBe(false);
  expect(followsOn(line(), line({ shownAt: 200_000 }))).toBe(false);
  expect(followsOn(line({ by: 'Cy' }), line())).toBe(false);
});

test('a line to one person never stands under the name of another', () => {
  expect(followsOn(line(toBob), line(toEve))).toBe(false);
  expect(followsOn(line(toBob), line({ only: { id: 'b2', name: 'Bob' } })), 'two of one name').toBe(false);
  expect(followsOn(line(toBob), line())).toBe(false);
  expect(followsOn(line(), line(toBob))).toBe(false);
});
