import { expect, test } from 'vitest';
import { Pace } from './pace.ts';

/** Pictures taken in ten seconds from a camera of 30 a second, when each costs so many milliseconds. */
function taken(cost: number): number {
  const pace = new Pace();
  let count = 0;
  let busyUntil = 0;
  for (let frame = 0; frame < 300; frame++) {
    const now = Math.max((frame * 1000) / 30, busyUntil);
    if (pace.wait(now) > 0) continue;
    busyUntil = now + cost;
    pace.took(now, busyUntil);
    count++;
  }
  return count;
}

test('a fast machine takes 24 of 30 a second, not every second one', () => {
  expect(taken(5)).toBeGreaterThan(230);
  expect(taken(5)).toBeLessThanOrEqual(241);
});

test.each([30, 60, 100, 250])('pictures of %i ms each: half of the time is left for the rest', (cost) => {
  const share = (taken(cost) * cost) / 10_000;
  expect(share).toBeGreaterThan(0.35);
  expect(share).toBeLessThan(0.56);
});

test('what was missed is not caught up on', () => {
  const pace = new Pace();
  pace.took(0, 10);
  pace.took(60_000, 60_010);
  pace.took(60_010, 60_020);
  expect(pace.wait(60_020)).toBeGreaterThan(20);
});
