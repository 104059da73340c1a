import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { guard } from './resilience.ts';
import { UnavailableError } from './unavailable-error.ts';

test('retries a hiccup, and the caller never sees it', async () => {
  const g = guard({ name: 'dep', backoffMs: 1 });
  let calls = 0;
  const result = await g.run(async () => {
    if (++calls < 3) throw new Error('hiccup');
    return 'ok';
  });
  expect([result, calls]).toEqual(['ok', 3]);
  expect(g.health()).toMatchObject({ state: 'up' });
});

test('opens after failures in a row, refuses without a try, lets one probe through, closes on success', async () => {
  const lines: object[] = [];
  const write = (line: object) => void lines.push(line);
  const g = guard({ name: 'dep', attempts: 1, failures: 3, openMs: 60, log: { info: write, warn: write } });
  let calls = 0;
  const fail = async () => {
    calls++;
    throw new Error('down');
  };
  for (let i = 0; i < 3; i++) await expect(g.run(fail)).rejects.toThrow('down');
  expect(g.state).toBe('open');
  expect(g.health()).toMatchObject({ state: 'down', detail: 'breaker open after Error' });
  await expect(g.run(fail)).rejects.toMatchObject({ reason: 'breaker-open', dependency: 'dep', retryAfter: 1 });
  expect(calls).toBe(3);
  await sleep(80);
  expect(await g.run(async () => 'back')).toBe('back');
  expect(g.state).toBe('closed');
  expect(lines).toEqual(
    ['breaker.open', 'breaker.half-open', 'breaker.closed'].map((event) => ({ event, dependency: 'dep' })),
  );
});

test('an error that is not the dependency’s fault neither retries nor opens', async () => {
  const g = guard({ name: 'dep', failures: 1, isFailure: (e) => e.message !== 'your mistake' });
  let calls = 0;
  await expect(
    g.run(async () => {
      calls++;
      throw new Error('your mistake');
    }),
  ).rejects.toThrow('your mistake');
  expect([calls, g.state]).toEqual([1, 'closed']);
});

test('a hanging call is cut off and its signal aborted', async () => {
  const g = guard({ name: 'dep', attempts: 1, timeoutMs: 20 });
  let aborted = false;
  const run = g.run(
    (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted = true;
          reject(new Error('aborted'));
        });
      }),
  );
  await expect(run).rejects.toMatchObject({ name: 'UnavailableError', reason: 'timeout' });
  expect(aborted).toBe(true);
});

test('the bulkhead bounds calls in flight and in line', async () => {
  const g = guard({ name: 'dep', concurrency: 2, queue: 1 });
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const calls = Array.from({ length: 5 }, () =>
    g
      .run(() => gate)
      .then(
        () => 'done',
        (e: unknown) => e,
      ),
  );
  await sleep(10);
  release();
  const results = await Promise.all(calls);
  expect(results.filter((r) => r === 'done')).toHaveLength(3);
  expect(results.filter((r) => r instanceof UnavailableError && r.reason === 'bulkhead-full')).toHaveLength(2);
});
