/** How much of a program's complaints is passed on. */
import { afterEach, expect, test, vi } from 'vitest';
import { limited } from './limited.ts';

afterEach(() => void vi.useRealTimers());

test('of a flood of lines some are passed on, and how many were left out; each has its most', () => {
  vi.useFakeTimers();
  const said: string[] = [];
  const complain = limited((line) => said.push(line));
  for (let i = 0; i < 100_000; i++) complain('x'.repeat(5000));
  expect(said).toEqual(Array(5).fill('x'.repeat(1000)));
  vi.advanceTimersByTime(10_000);
  expect(said.splice(0).at(-1)).toBe('99995 more lines of these 10 s are left out');
  complain('a');
  complain('b');
  vi.advanceTimersByTime(60_000);
  expect(said).toEqual(['a', 'b']);
});
