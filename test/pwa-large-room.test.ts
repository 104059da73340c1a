/** What a page with very many people does: a list of a thousand, found by name and by key, and reactions of many. */
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { expectAccessible, muted, noDevices, patience, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();

interface Inside {
  __tandem: {
    model: { set(change: object): void; float(kind: string, name: string): void };
    media: { get(): { video: string } };
  };
}

/** People as the model gives them to the views; each real one would be a connection of this browser. */
const fill = (page: Page, count: number) =>
  page.evaluate((n) => {
    const stream = new MediaStream();
    const peers = Array.from({ length: n }, (_, i) => ({
      ...{ id: `p${i}`, name: `Person ${n - i}`, state: 'connected', away: false, audience: false, audio: i % 3 === 0 },
      ...{ video: false, hand: false, encrypts: false, handAt: 0, topology: 'sfu', stream, setup: 1 },
    }));
    (globalThis as unknown as Inside).__tandem.model.set({ peers });
  }, count);

const names = (page: Page) => page.getByTestId('person').locator('.person-name').allTextContents();
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? '');

test('a list of a thousand people: only rows in sight exist, in the order of names, searched and walked by keys', async () => {
  const { page } = await suite.join('Ada', 'thousand', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  await fill(page, 1000);
  await page.getByTestId('people-count').click();
  const panel = page.locator('.panel-scroll');
  await vi.waitFor(
    async () => expect((await names(page)).slice(0, 3)).toEqual(['Ada (You)', 'Person 1', 'Person 2']),
    patience,
  );
  expect((await names(page)).length).toBeLessThan(60);
  const height = await page.locator('.people-list').evaluate((list) => list.getBoundingClientRect().height);
  await expectAccessible(page, 'a thousand people');

  await panel.evaluate((element) => element.scrollTo(0, 26_000));
  await vi.waitFor(async () => expect(await names(page)).toContain('Person 500'), patience);
  expect(await page.locator('.people-list').evaluate((list) => list.getBoundingClientRect().height)).toBeCloseTo(
    height,
    0,
  );
  expect(await page.getByTestId('person').first().getAttribute('aria-setsize')).toBe('1001');
  const place = page.getByTestId('person').filter({ has: page.getByText('Person 500', { exact: true }) });
  expect(await place.getAttribute('aria-posinset')).toBe('501');
  await panel.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await vi.waitFor(async () => expect((await names(page)).at(-1)).toBe('Person 1000'), patience);

  await page.locator('#main').focus();
  await page.keyboard.press('/');
  await page.keyboard.type('777');
  await vi.waitFor(async () => expect(await names(page)).toEqual(['Person 777']), patience);
  await page.keyboard.press('ArrowDown');
  expect(await focused(page)).toContain('Person 777');
  await page.keyboard.press('Enter');
  await page.getByTestId('person-volume').waitFor();
  await expectAccessible(page, 'one of a thousand');
  await page.keyboard.press('ArrowUp');
  await page.getByTestId('people-search').fill('');
  // Far beyond what exists at first: each step makes the next rows.
  const arrivesAt = (person: number) =>
    vi.waitFor(async () => expect(await focused(page)).toMatch(new RegExp(`Person ${person}$`)), {
      ...patience,
      interval: 10,
    });
  for (let i = 1; i <= 40; i++) {
    await page.keyboard.press('ArrowDown');
    await arrivesAt(i);
  }
  // A key that comes before its row is there waits for it: here the list does not hear that it was scrolled.
  await page.evaluate(() => {
    const stop = (event: Event) => event.stopImmediatePropagation();
    addEventListener('scroll', stop, true);
    Object.assign(globalThis, { letScroll: () => removeEventListener('scroll', stop, true) });
  });
  let last = 40;
  for (; last < 100; last++) {
    await page.keyboard.press('ArrowDown');
    if ((await focused(page)).endsWith(`Person ${last}`)) break;
  }
  expect(last).toBeLessThan(100);
  await panel.evaluate((element) => {
    (globalThis as unknown as { letScroll(): void }).letScroll();
    element.dispatchEvent(new Event('scroll'));
  });
  await arrivesAt(last + 1);
});

test('who joins a room of fifty listens first, and is told so once', async () => {
  for (let i = 0; i < 49; i++) await suite.peer('hall', `Guest ${i}`);
  const { page } = await suite.join('Ada', 'hall');
  await page.getByText('Large room: you joined muted, with the camera off.').waitFor();
  await vi.waitFor(async () => expect(await muted(page)).toBe(true), patience);
  await vi.waitFor(
    async () =>
      expect(await page.evaluate(() => (globalThis as unknown as Inside).__tandem.media.get().video)).toBe('off'),
    patience,
  );
  await page.getByTestId('toggle-mic').click();
  await vi.waitFor(async () => expect(await muted(page)).toBe(false), patience);
});

test('the chat of a large room is slow: what comes too early waits in its field', async () => {
  const { page } = await suite.join('Ada', 'slow', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  await fill(page, 60);
  await page.getByTestId('open-chat').click();
  await page.getByTestId('chat-slow').getByText('Large room: a line every 5 seconds.').waitFor();
  const input = page.getByTestId('chat-input');
  await input.fill('first');
  await page.keyboard.press('Enter');
  await page.getByTestId('chat-line').getByText('first').waitFor();
  await input.fill('second');
  await page.keyboard.press('Enter');
  expect(await input.inputValue()).toBe('second');
  await expectAccessible(page, 'the chat of a large room');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.getByTestId('chat-line').getByText('second').waitFor();
});

test('reactions of many people are one number of each kind, those of few have names', async () => {
  const { page } = await suite.join('Ada', 'applause', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  const react = (kind: string, count: number) =>
    page.evaluate(
      ([k, n]) => {
        const { model } = (globalThis as unknown as Inside).__tandem;
        for (let i = 0; i < n; i++) model.float(k, `Person ${i}`);
      },
      [kind, count] as const,
    );
  const bubbles = page.getByTestId('floating-reaction');
  await react('heart', 2);
  const shown = (names: string[]) =>
    vi.waitFor(async () => expect(await bubbles.locator('bdi').allTextContents()).toEqual(names), patience);
  await shown(['Person 0', 'Person 1']);
  await bubbles.first().waitFor({ state: 'detached' });
  await fill(page, 40);
  await react('heart', 42);
  await react('like', 3);
  await shown(['42', '3']);
  await bubbles.first().waitFor({ state: 'detached' });
  expect(await bubbles.count()).toBe(0);
});
