import { expect, test } from 'vitest';
import { ChatPace, isSlow, SLOW_MS } from './chat-pace.ts';

test('a line every few seconds passes for ever; of a flood the first three, and then one each time', () => {
  const pace = new ChatPace();
  for (let i = 0; i < 20; i++) expect(pace.allow('kind', i * SLOW_MS)).toBe(true);
  const flood = Array.from({ length: 100 }, (_, i) => pace.allow('flood', (i * SLOW_MS) / 50));
  expect(flood.map((shown, i) => (shown ? i : -1)).filter((i) => i >= 0)).toEqual([0, 1, 2, 50]);
  expect(pace.allow('kind', 20 * SLOW_MS), 'each has a measure of its own').toBe(true);
});

test('a room is large from fifty people on, me among them', () => {
  const peers = Array(48).fill({});
  expect(isSlow({ peers })).toBe(false);
  expect(isSlow({ peers: [...peers, {}] as never })).toBe(true);
});
