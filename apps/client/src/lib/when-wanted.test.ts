import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { whenWanted } from './when-wanted.ts';

beforeEach(() => {
  const page = new EventTarget();
  vi.useFakeTimers();
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  vi.stubGlobal('dispatchEvent', page.dispatchEvent.bind(page));
  vi.stubGlobal('requestIdleCallback', (run: () => void) => setTimeout(run));
  vi.stubGlobal('cancelIdleCallback', (handle: NodeJS.Timeout) => clearTimeout(handle));
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('runs once, when idle, after the first sign of a person', async () => {
  const run = vi.fn();
  whenWanted(run);
  await vi.advanceTimersByTimeAsync(4999);
  expect(run).not.toHaveBeenCalled();
  dispatchEvent(new Event('pointermove'));
  expect(run).not.toHaveBeenCalled();
  dispatchEvent(new Event('keydown'));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(run).toHaveBeenCalledOnce();
});

test('without a sign it runs late, and not at all once it is called off', async () => {
  const [late, never] = [vi.fn(), vi.fn()];
  whenWanted(late);
  whenWanted(never)();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(late).toHaveBeenCalledOnce();
  expect(never).not.toHaveBeenCalled();
});

test('called off between the sign and idle, nothing runs', async () => {
  const run = vi.fn();
  const stop = whenWanted(run);
  dispatchEvent(new Event('pointerdown'));
  stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(run).not.toHaveBeenCalled();
});
