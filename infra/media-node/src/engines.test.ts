/** Which engine serves when engines die, by the fake engine. */
import { expect, test, vi } from 'vitest';
import type { Engine } from './engine.ts';
import { Engines } from './engines.ts';
import { FakeEngine } from './testing/fake-engine.ts';

async function pair(pauseMs = 5) {
  const started: FakeEngine[] = [];
  const lost: Engine[] = [];
  const gate = { open: true };
  let ready = 0;
  let refused = 0;
  const engines = await Engines.start({
    count: 2,
    say: () => {},
    start: async () => {
      if (!gate.open) {
        refused++;
        throw new Error('no');
      }
      const engine = new FakeEngine();
      started.push(engine);
      return engine;
    },
    onLost: (engine) => lost.push(engine),
    onReady: () => ready++,
    retryMs: 5,
    pauseMs,
  });
  return { engines, started, lost, gate, ready: () => ready, refused: () => refused };
}

test('a dead engine is left at once, started again, and said', async () => {
  const { engines, started, lost, ready } = await pair();
  const [first, second] = started;
  first?.kill();
  await vi.waitFor(() => expect(lost).toEqual([first]));
  expect(engines.leastLoaded()).toBe(second);
  await vi.waitFor(() => expect(ready()).toBe(1));
  expect([engines.living.length, engines.lost, started.length]).toEqual([2, 1, 3]);
  await engines[Symbol.asyncDispose]();
});

test('while both are dead there is none, and one that did not start is tried again', async () => {
  const { engines, started, gate, ready, refused } = await pair();
  gate.open = false;
  for (const engine of [...started]) engine.kill();
  await vi.waitFor(() => expect(refused()).toBeGreaterThan(2));
  expect(engines.leastLoaded()).toBeUndefined();
  gate.open = true;
  await vi.waitFor(() => expect([engines.living.length, ready()]).toEqual([2, 2]));
  await engines[Symbol.asyncDispose]();
});

test('while another one lives the next is not started at once, and when that dies too there is no pause', async () => {
  const { engines, started, lost, ready } = await pair(3_600_000);
  started[0]?.kill();
  await vi.waitFor(() => expect(lost).toHaveLength(1));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(started).toHaveLength(2);
  started[1]?.kill();
  await vi.waitFor(() => expect([started.length, ready()]).toEqual([4, 2]));
  await engines[Symbol.asyncDispose]();
});

test('a node that ends during a pause starts nothing more', async () => {
  const { engines, started, lost } = await pair(3_600_000);
  started[0]?.kill();
  await vi.waitFor(() => expect(lost).toHaveLength(1));
  await engines[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(started).toHaveLength(2);
});
