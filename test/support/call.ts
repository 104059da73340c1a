/** Steps of a call that several system tests take. */
import type { Browser, Page } from 'playwright-core';
import { expect, onTestFinished, vi } from 'vitest';
import { openPage, received } from './browser.ts';

const patience = { timeout: 60_000, interval: 250 };

/**
 * Open the app in a context of its own and enter `room`. Closed at the end of the test.
 * @param settings laid over /config.json, e.g. `{ iceTransportPolicy: 'relay' }`
 * @param prepare done with the page before it opens, e.g. to change an answer on its way
 */
export async function joinRoom(
  browser: Browser,
  origin: string,
  name: string,
  room: string,
  settings?: Record<string, unknown>,
  prepare?: (page: Page) => Promise<void>,
): Promise<Page> {
  const { context, page, errors } = await openPage(browser);
  onTestFinished(() => context.close());
  await prepare?.(page);
  if (settings)
    await page.route('**/config.json', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), ...settings } });
    });
  await page.goto(`${origin}/?room=${room}`);
  await page.getByTestId('name-input').fill(name);
  await page.getByTestId('join').click();
  await page
    .getByTestId('people-count')
    .or(page.getByTestId('empty-room'))
    .first()
    .waitFor({ timeout: patience.timeout })
    .catch((error) => {
      const said = errors.join(' | ') || 'nothing';
      throw new Error(`${name} did not get in; the page said: ${said} (${error.message.split('\n')[0]})`);
    });
  return page;
}

/** Each page decodes frames, and more of them a moment later; its sound has energy, and more of it a moment later. */
export async function expectMedia(pages: readonly Page[], path?: string): Promise<void> {
  for (const page of pages) {
    const first = await vi.waitFor(async () => {
      const now = await received(page);
      expect(now.framesDecoded).toBeGreaterThan(5);
      expect(now.audioEnergy).toBeGreaterThan(0);
      if (path) expect(now.paths).toEqual([path]);
      return now;
    }, patience);
    await vi.waitFor(async () => {
      const now = await received(page);
      expect(now.framesDecoded).toBeGreaterThan(first.framesDecoded + 5);
      expect(now.audioEnergy).toBeGreaterThan(first.audioEnergy);
    }, patience);
  }
}

/** Open sockets of each signaling node, as the edge counts them. */
export async function socketsPerNode(origin: string): Promise<number[]> {
  const health = (await (await fetch(`${origin}/health`)).json()) as { parts: { signaling: { open: number }[] } };
  return health.parts.signaling.map((node) => node.open);
}
