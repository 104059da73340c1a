/** A page that looks as its config.json says: real file, real edge, real CSP. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { enter, expectAccessible, noDevices, patience, pwaSuite } from './pwa/suite.ts';

const LOGO = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30"><rect width="30" height="30" fill="purple"/></svg>')}`;
const suite = pwaSuite();
let pwa: Pwa;
beforeAll(async () => {
  pwa = await startPwa({
    clientSettings: {
      branding: {
        name: 'Klinik',
        logo: LOGO,
        accent: { light: '#8a1c5b', dark: '#f0a3cf' },
        links: [{ text: 'Imprint', href: 'https://example.org/imprint' }],
      },
      languages: ['de', 'ar'],
      features: { chat: false, reactions: false },
    },
  });
});
afterAll(() => pwa?.[Symbol.asyncDispose]());

test('name, logo, colours, links, languages and features are those of config.json', async () => {
  const { page } = await suite.open({ origin: pwa.origin, before: noDevices, query: '?room=look', locale: 'en-GB' });
  await page.locator('.brand', { hasText: 'Klinik' }).waitFor();
  await page.waitForFunction(() => document.title === 'Klinik');
  await page.getByRole('link', { name: 'Imprint' }).waitFor();
  await page.locator('html[lang=de]').waitFor();
  const logo = page.locator('.brand img');
  expect(await logo.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBe(30);
  await page.emulateMedia({ colorScheme: 'light' });
  const button = page.getByTestId('join');
  await vi.waitFor(
    async () =>
      expect(await button.evaluate((element) => getComputedStyle(element).backgroundColor)).toBe('rgb(138, 28, 91)'),
    patience,
  );
  await expectAccessible(page, 'lobby with a look of its own');
  await page.getByRole('button', { name: 'Einstellungen' }).click();
  await page.getByTestId('language').waitFor();
  expect(await page.getByTestId('language').locator('option').allTextContents()).toEqual(['Deutsch', 'العربية']);
  await page.keyboard.press('Escape');
  await enter(page, 'Ada');
  await page.getByTestId('empty-room').waitFor();
  expect(await page.getByTestId('open-chat').count()).toBe(0);
  expect(await page.getByTestId('react').count()).toBe(0);
  await page.keyboard.press('c');
  expect(await page.getByTestId('chat-input').count()).toBe(0);
  await page.getByTestId('toggle-hand').waitFor();
  await expectAccessible(page, 'call with a look of its own');
});
