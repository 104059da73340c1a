import { expect, test } from 'vitest';
import { StoreOutage } from './store-outage.ts';

/** Times, in ms, at which another node is tried when this one refuses once a second until `end`. */
function tries(outage: StoreOutage, begin: number, end: number): number[] {
  const found: number[] = [];
  for (let now = begin; now <= end; now += 1000) if (outage.refused(now)) found.push(now - begin);
  return found;
}

test('another node is tried when an outage lasts, ever more seldom, a minute apart at most', () => {
  expect(tries(new StoreOutage(), 5000, 200_000)).toEqual([3000, 9000, 21_000, 45_000, 93_000, 153_000]);
});

test('an outage that is over for more than a minute has no part in the next one', () => {
  const outage = new StoreOutage();
  tries(outage, 0, 60_000);
  expect(tries(outage, 120_001, 130_000)).toEqual([3000, 9000]);
  const kept = new StoreOutage();
  tries(kept, 0, 60_000);
  expect(tries(kept, 120_000, 130_000)).toEqual([0]);
});
