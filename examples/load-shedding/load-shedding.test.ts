import { expect, test } from 'vitest';
import { run } from './main.ts';

test('under overload the service that sheds does more useful work than the one that takes everything', async () => {
  const result = await run(() => {}, { seconds: 5 });
  expect(result.with.shed).toBeGreaterThan(0);
  expect(result.without.shed).toBe(0);
  expect(result.with.goodput).toBeGreaterThan(1.3 * result.without.goodput);
});
