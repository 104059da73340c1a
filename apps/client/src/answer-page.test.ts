import { expect, onTestFinished, test, vi } from 'vitest';
import { answerPage } from './answer-page.ts';

/** A browser that opens `path`, with a network whose answer comes when it is told to. */
function opens(path: string, isOnline = true) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const network = Promise.withResolvers<Response>();
  const answer = answerPage({
    path,
    base: '/calls',
    isOnline: () => isOnline,
    fetchPage: () => network.promise,
    copyOf: async (file) => new Response(`copy of ${file}`),
  });
  return { network, text: answer.then((response) => response.text()) };
}

test('a page of which there is a copy waits for three seconds, on a slow line', async () => {
  for (const [path, file] of [
    ['/calls/', '/calls/index.html'],
    ['/calls', '/calls/index.html'],
    ['/calls/diagnostics/', '/calls/diagnostics/index.html'],
  ] as const) {
    const { text } = opens(path);
    await vi.advanceTimersByTimeAsync(3000);
    expect(await text).toBe(`copy of ${file}`);
  }
  const { network, text } = opens('/calls/');
  await vi.advanceTimersByTimeAsync(2900);
  network.resolve(new Response('fresh'));
  expect(await text).toBe('fresh');
});

test('a page without a copy, as that of a stream, is waited for on a slow line, and not called offline', async () => {
  const { network, text } = opens('/calls/live/');
  await vi.advanceTimersByTimeAsync(20_000);
  network.resolve(new Response('live page'));
  expect(await text).toBe('live page');
});

test('without a network the page says so', async () => {
  for (const [path, isOnline] of [
    ['/calls/live/', true],
    ['/calls/', false],
  ] as const) {
    const { network, text } = opens(path, isOnline);
    network.reject(new TypeError('Failed to fetch'));
    expect(await text).toBe('copy of /calls/offline/index.html');
  }
});
