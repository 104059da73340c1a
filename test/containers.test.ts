/** A call through the containers of compose.yaml. scripts/test-containers.mjs brings them up and runs this. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launchBrowser } from './support/browser.ts';
import { expectMedia, joinRoom, socketsPerNode } from './support/call.ts';

const origin = process.env.TANDEM_CONTAINERS ?? '';
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
  await vi.waitFor(async () => expect((await fetch(`${origin}/health`)).status).toBe(200), {
    timeout: 120_000,
    interval: 500,
  });
});
afterAll(() => browser?.close());

test('every node of every service is live and ready', async () => {
  type Health = { parts: Record<string, { live: boolean; ready: boolean }[]> };
  await vi.waitFor(
    async () => {
      const { parts } = (await (await fetch(`${origin}/health`)).json()) as Health;
      expect(Object.values(parts).map((nodes) => nodes.map((n) => n.live && n.ready))).toEqual([[true], [true, true]]);
    },
    { timeout: 60_000, interval: 500 },
  );
});

test('two people call each other through two signaling containers', async () => {
  const ada = await joinRoom(browser, origin, 'Ada', 'containers');
  const bob = await joinRoom(browser, origin, 'Bob', 'containers');
  expect(await socketsPerNode(origin)).toEqual([1, 1]);
  await expectMedia([ada, bob]);
});

test('and through the coturn container alone', async () => {
  const settings = { iceTransportPolicy: 'relay' };
  const ada = await joinRoom(browser, origin, 'Ada', 'relayed', settings);
  const bob = await joinRoom(browser, origin, 'Bob', 'relayed', settings);
  await expectMedia([ada, bob], 'relay/relay');
});
