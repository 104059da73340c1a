import { expect, test } from 'vitest';
import { ChatPace, isSlow, SLOW_MS } from './chat-pace.ts';

test('a line every few seconds passes for ever; of a flood the first three, and then one each time', () => {
  const pace = new ChatPace();
  for (let i = 0; i < 20; i++) expect(pace.allow('kind', i * SLOW_MS, true)).toBe(true);
  const flood = Array.from({ length: 100 }, (_, i) => pace.allow('flood', (i * SLOW_MS) / 50, true));
  expect(flood.map((shown, i) => (shown ? i : -1)).filter((i) => i >= 0)).toEqual([0, 1, 2, 50]);
  expect(pace.allow('kind', 20 * SLOW_MS, true), 'each has a measure of its own').toBe(true);
});

test('in a small room twenty lines pass at once, and then one a second', () => {
  const pace = new ChatPace();
  const flood = Array.from({ length: 400 }, (_, i) => pace.allow('flood', i * 10, false));
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
