import { expect, test } from 'vitest';
import {
  CAPTIONS_OF_ONE,
  isSlow,
  type Measure,
  QUICK_CHAT,
  REACTIONS_OF_ONE,
  SenderPace,
  SLOW_CHAT,
  SLOW_MS,
} from './sender-pace.ts';

test('a line every few seconds passes for ever; of a flood the first three, and then one each time', () => {
  const pace = new SenderPace();
  for (let i = 0; i < 20; i++) expect(pace.allow('kind', i * SLOW_MS, SLOW_CHAT)).toBe(true);
  const flood = Array.from({ length: 100 }, (_, i) => pace.allow('flood', (i * SLOW_MS) / 50, SLOW_CHAT));
  expect(flood.map((shown, i) => (shown ? i : -1)).filter((i) => i >= 0)).toEqual([0, 1, 2, 50]);
  expect(pace.allow('kind', 20 * SLOW_MS, SLOW_CHAT), 'each has a measure of its own').toBe(true);
});

test('in a small room twenty lines pass at once, and then one a second', () => {
  const pace = new SenderPace();
  const flood = Array.from({ length: 400 }, (_, i) => pace.allow('flood', i * 10, QUICK_CHAT));
  expect(flood.map((shown, i) => (shown ? i : -1)).filter((i) => i >= 0)).toEqual([
    ...Array.from({ length: 20 }, (_, i) => i),
    ...[100, 200, 300],
  ]);
});

test('a room is large from fifty people on, me among them', () => {
  const peers = Array(48).fill({});
  expect(isSlow({ peers })).toBe(false);
  expect(isSlow({ peers: [...peers, {}] as never })).toBe(true);
});

test.each<[string, Measure, (i: number) => number, number]>([
  ['somebody who claps as fast as fingers can, for five seconds', REACTIONS_OF_ONE, (i) => i * 100, 50],
  ['somebody who speaks without a break for ten minutes', CAPTIONS_OF_ONE, (i) => i * 400, 1500],
])('nothing is missing of %s; of a flood almost all', (_who, measure, at, count) => {
  const pace = new SenderPace();
  for (let i = 0; i < count; i++) expect(pace.allow('kind', at(i), measure)).toBe(true);
  const flood = Array.from({ length: 10_000 }, (_, i) => pace.allow('flood', i, measure));
  expect(flood.filter(Boolean).length, 'in ten seconds').toBeLessThan(100);
});
