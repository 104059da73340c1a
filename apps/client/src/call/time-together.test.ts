import { expect, test } from 'vitest';
import { TimeTogether } from './time-together.ts';

test('only the time with others counts, over several visits', () => {
  const time = new TimeTogether();
  time.update(0, 1000);
  expect(time.total(60_000)).toBe(0);
  time.update(1, 60_000);
  time.update(2, 65_000);
  expect(time.total(70_000)).toBe(10_000);
  time.update(0, 80_000);
  time.update(0, 200_000);
  expect(time.total(300_000)).toBe(20_000);
  time.update(1, 300_000);
  expect(time.total(301_000)).toBe(21_000);
});
