/** Calls that are encrypted end to end, in the page: the switch, the link with the key, the number to compare, and links without it. */
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { enter, expectAccessible, hasFocus, patience, pwaSuite } from './pwa/suite.ts';
import { received } from './support/browser.ts';

const suite = pwaSuite();
const { open } = suite;

/** As somebody with a keyboard does it: past the header, whose link must not take the place of the key in the address. */
async function skipHeader(page: Page): Promise<void> {
  const address = page.url();
  await page.locator('.skip').press('Enter');
  expect(page.url()).toBe(address);
  await hasFocus(page, 'main');
}

test('switched on in the lobby, joined by its link: media flows, both see the same number; the link without its end shows why not', async () => {
  const ada = await open();
  await ada.page.getByTestId('switch-encryption').check();
  await expectAccessible(ada.page, 'lobby with the switch');
  await skipHeader(ada.page);
  await enter(ada.page, 'Ada');
  await ada.page.getByTestId('empty-room').waitFor();
  const link = new URL(ada.page.url());
  expect(link.hash).toMatch(/^#k=[\w-]{22}$/);
  expect(await ada.page.getByTestId('invite-link').textContent()).toContain(link.hash);

  const bob = await open({ query: `${link.search}${link.hash}` });
  await bob.page.getByTestId('lobby-encrypted').waitFor();
  await skipHeader(bob.page);
  await enter(bob.page, 'Bob');
  for (const { page } of [ada, bob])
    await vi.waitFor(async () => {
      const { framesDecoded, audioEnergy } = await received(page);
      expect(framesDecoded).toBeGreaterThan(5);
      expect(audioEnergy).toBeGreaterThan(0);
    }, patience);
  for (const { page } of [ada, bob]) await page.getByTestId('encrypted-sign').click();
  const number = await ada.page.getByTestId('safety-number').textContent();
  expect(number).toMatch(/^(\d{5} ){5}\d{5}$/);
  expect(await bob.page.getByTestId('safety-number').textContent()).toBe(number);
  await expectAccessible(ada.page, 'people of an encrypted call');
  // Its invitation has the key, and no link for those who only watch: no server could show it.
  await ada.page.getByRole('button', { name: 'Invite' }).last().click();
  expect(await ada.page.getByTestId('invite-link').textContent()).toContain(link.hash);
  expect(await ada.page.getByTestId('live-link').count()).toBe(0);
  await ada.page.keyboard.press('Escape');

  // Pasted into the field, which then shows the room's name.
  const dan = await open();
  await dan.page.getByTestId('have-link').click();
  await dan.page.getByTestId('room-input').fill(link.href);
  await dan.page.getByTestId('room-input').blur();
  await enter(dan.page, 'Dan');
  await dan.page.getByTestId('encrypted-sign').waitFor();
  expect(new URL(dan.page.url()).hash).toBe(link.hash);
  await dan.page.getByTestId('leave').click();

  const cyd = await open({ query: link.search });
  await enter(cyd.page, 'Cyd');
  await ada.page.getByTestId('key-missing').getByText('Has another link').waitFor();
  await cyd.page.getByTestId('people-count').click();
  await cyd.page.getByTestId('key-missing').first().getByText('you need the complete link').waitFor();
  // What its decoder makes of the others' pictures and sound is neither shown nor played.
  expect(await cyd.page.getByTestId('remote-video').count()).toBe(0);
  expect(
    await cyd.page.locator('audio').evaluateAll((all) => all.map((one) => (one as HTMLAudioElement).muted)),
  ).toEqual([true, true]);
});

test('a link whose key was cut, and a browser that cannot encrypt: words, and no call', async () => {
  const cut = await open({ query: '?room=cut#k=abc' });
  await enter(cut.page, 'Ada');
  await cut.page.locator('[data-testid=ended][data-end=link]').waitFor();
  const old = await open({
    query: '?room=old#k=AAAAAAAAAAAAAAAAAAAAAA',
    before: () => Object.assign(globalThis, { RTCRtpScriptTransform: undefined }),
  });
  await enter(old.page, 'Ada');
  await old.page.locator('[data-testid=ended][data-end=encryption]').waitFor();
  await expectAccessible(old.page, 'a browser that cannot encrypt');
});
