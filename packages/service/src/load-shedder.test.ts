import { expect, test, vi } from 'vitest';
import { LoadShedder } from './load-shedder.ts';

function shedder(options: ConstructorParameters<typeof LoadShedder>[0] = {}) {
  const load = { eventLoopDelayMs: 0, memoryBytes: 0 };
  const s = new LoadShedder({ sampleMs: 1e6, read: () => load, ...options });
  return { s, load };
}
const share = (s: LoadShedder) => Array.from({ length: 1000 }, () => s.admit().admit).filter(Boolean).length / 1000;

test('admits everything while the loop is on time', () => {
  const { s } = shedder();
  using _ = s;
  s.sample();
  expect(share(s)).toBe(1);
});

test('admits less with each late sample, in proportion, never nothing, and recovers step by step', () => {
  const { s, load } = shedder({ maxEventLoopDelayMs: 50 });
  using _ = s;
  load.eventLoopDelayMs = 62.5;
  s.sample();
  expect(share(s)).toBeCloseTo(0.8, 2);
  load.eventLoopDelayMs = 5000;
  s.sample();
  expect(share(s)).toBeCloseTo(0.4, 2);
  for (let i = 0; i < 10; i++) s.sample();
  expect(share(s)).toBeCloseTo(0.05, 2);
  load.eventLoopDelayMs = 5;
  for (let i = 0; i < 32; i++) s.sample();
  expect(share(s)).toBe(1);
});

test('of few that come while the loop is a little late none is refused: one client that resumes does not pay for a busy moment', () => {
  const { s, load } = shedder({ maxEventLoopDelayMs: 50 });
  using _ = s;
  for (let i = 0; i < 10; i++) {
    load.eventLoopDelayMs = 55;
    s.sample();
    expect(s.admit().admit).toBe(true);
    load.eventLoopDelayMs = 5;
    for (let j = 0; j < 4; j++) s.sample();
  }
});

test('refuses at the connection limit and at the memory limit, with the reason and a Retry-After in bounds', () => {
  let connections = 9;
  const { s, load } = shedder({
    connections: () => connections,
    maxConnections: 10,
    maxMemoryBytes: 1000,
    minRetryAfter: 2,
    maxRetryAfter: 4,
  });
  using _ = s;
  expect(s.admit()).toEqual({ admit: true });
  connections = 10;
  for (let i = 0; i < 100; i++) {
    const answer = s.admit();
    if (answer.admit) throw new Error('admitted over the limit');
    expect(answer.reason).toBe('connections');
    expect(answer.retryAfter).toBeGreaterThanOrEqual(2);
    expect(answer.retryAfter).toBeLessThanOrEqual(4);
  }
  connections = 0;
  load.memoryBytes = 1000;
  s.sample();
  expect(s.admit()).toMatchObject({ admit: false, reason: 'memory' });
  expect(s.state().shed).toEqual({ connections: 100, memory: 1, 'event-loop': 0 });
  expect(s.state().admitted).toBe(1);
});

test('sees a blocked event loop of this very process', async () => {
  using s = new LoadShedder({ sampleMs: 1e6 });
  for (let i = 0; i < 5; i++) {
    const end = performance.now() + 120;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  s.sample();
  expect(s.state().eventLoopDelayMs).toBeGreaterThan(20);
  expect(s.state().memoryBytes).toBeGreaterThan(1e6);
});

test('within a turn that blocks the loop, refuses at once, and admits again in the next', async () => {
  using s = new LoadShedder({ sampleMs: 20, maxEventLoopDelayMs: 100 });
  expect(s.admit().admit).toBe(true);
  const end = performance.now() + 200;
  while (performance.now() < end);
  expect(s.admit()).toMatchObject({ admit: false, reason: 'event-loop' });
  await vi.waitFor(() => expect(s.admit().admit).toBe(true), { timeout: 10_000 });
});

test('work that can wait is refused at half of the delay, and as long as anything else is refused', () => {
  const load = { eventLoopDelayMs: 0, memoryBytes: 0 };
  let connections = 0;
  using s = new LoadShedder({
    ...{ sampleMs: 1e6, maxEventLoopDelayMs: 100, maxConnections: 10, maxMemoryBytes: 1000 },
    ...{ read: () => load, connections: () => connections },
  });
  const at = (delay: number, memory = 0) => {
    Object.assign(load, { eventLoopDelayMs: delay, memoryBytes: memory });
    s.sample();
    return [s.admit().admit, s.admitDeferrable().admit];
  };
  expect(at(40)).toEqual([true, true]);
  expect(at(60)).toEqual([true, false]);
  expect(at(0, 950)).toEqual([true, false]);
  connections = 9;
  expect(at(0)).toEqual([true, false]);
  connections = 0;
  at(1000);
  // Half a share comes in; none of what can wait until all do.
  expect(at(0)[1]).toBe(false);
});
