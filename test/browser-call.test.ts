/** Two people call each other: real browsers, the app's own page, two signaling nodes that share a real Redis. */
import { createServer } from 'node:http';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { findProgram } from '../infra/local/programs.ts';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { launchBrowser, openPage, received } from './support/browser.ts';
import { expectMedia, joinRoom, socketsPerNode } from './support/call.ts';

const patience = { timeout: 60_000, interval: 250 };
let browser: Browser;
let stack: Stack;

beforeAll(async () => {
  expect(findProgram('redis-server'), 'missing: apt-get install redis-server').toBeDefined();
  expect(findProgram('turnserver'), 'missing: apt-get install coturn').toBeDefined();
  [browser, stack] = await Promise.all([
    launchBrowser(),
    startStack({ port: 0, nodes: 2, dataDir: '.local/browser-call' }),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.[Symbol.asyncDispose]();
});

const join = (name: string, room: string, settings?: Record<string, unknown>) =>
  joinRoom(browser, stack.origin, name, room, settings);

test('two people see and hear each other, each through another signaling node', async () => {
  const ada = await join('Ada', 'skeleton');
  let bob = await join('Bob', 'skeleton');
  // The edge passes by a node that sheds at this moment: then he comes again.
  for (let tries = 0; tries < 5 && (await socketsPerNode(stack.origin)).includes(0); tries++) {
    await bob.context().close();
    await ada.getByTestId('empty-room').waitFor({ timeout: 60_000 });
    bob = await join('Bob', 'skeleton');
  }
  expect(await socketsPerNode(stack.origin)).toEqual([1, 1]);
  await expectMedia([ada, bob]);

  // One leaves: the other one's call ends, its own session goes on.
  await bob.context().close();
  await ada.getByTestId('empty-room').waitFor({ timeout: 60_000 });
});

test('the same through the relay alone', async () => {
  const settings = { iceTransportPolicy: 'relay' };
  const ada = await join('Ada', 'relayed', settings);
  const bob = await join('Bob', 'relayed', settings);
  await expectMedia([ada, bob], 'relay/relay');
  expect((await received(ada)).policies).toEqual(['relay']);
});

test('a call outlives the death of the signaling node of one side', async () => {
  const ada = await join('Ada', 'survivor');
  const bob = await join('Bob', 'survivor');
  await expectMedia([ada, bob]);
  process.kill(stack.pids['signaling-1'] ?? 0, 'SIGKILL');
  // The edge sends its sockets to the other node, where their sessions go on.
  await vi.waitFor(
    async () => expect((await socketsPerNode(stack.origin)).reduce((a, b) => a + b, 0)).toBe(2),
    patience,
  );
  await expectMedia([ada, bob]);
});

test('only our own page may open a socket, even with a good token', async () => {
  const other = createServer((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<p>elsewhere'),
  );
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  onTestFinished(() => void other.close());
  const answer = await fetch(`${stack.origin}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId: 'mallory' }),
  });
  const { token } = (await answer.json()) as { token: string };
  const { context, page } = await openPage(browser);
  onTestFinished(() => context.close());
  const openFrom = async (pageUrl: string) => {
    await page.goto(pageUrl);
    return page.evaluate(
      ({ url, token }) =>
        new Promise<string>((done) => {
          const ws = new WebSocket(url, ['signal.v1', `bearer.${token}`]);
          ws.onopen = () => done('open');
          ws.onerror = () => done('refused');
        }),
      { url: `${stack.origin.replace('http', 'ws')}/ws/signal`, token },
    );
  };
  // A busy node sheds: the edge answers 503 while none takes more.
  await vi.waitFor(async () => expect(await openFrom(stack.origin)).toBe('open'), patience);
  expect(await openFrom(`http://127.0.0.1:${(other.address() as { port: number }).port}/`)).toBe('refused');
});
