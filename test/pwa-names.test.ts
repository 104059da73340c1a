/** Names that people choose, in the page: rooms of every script, names that would turn or hide the text around them. */
import { expect, test } from 'vitest';
import { misfitsOf } from './pwa/axe.ts';
import { atRest, enter, noDevices, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();
const { open, join, peer } = suite;

test('one name is one room, however it is typed; another name is another room', async () => {
  const ada = await join('Ada', encodeURIComponent('会議-1'));
  await ada.page.getByTestId('empty-room').waitFor();
  expect(await ada.page.getByTestId('invite-link').textContent()).toContain('?room=会議-1');
  const stranger = await join('Cyd', encodeURIComponent('部屋-1'));
  await stranger.page.getByTestId('empty-room').waitFor();

  // Typed by hand, in full width, as Japanese keyboards give it.
  const bob = await open();
  await bob.page.getByTestId('have-link').click();
  await bob.page.getByTestId('room-input').fill('会議－１');
  await enter(bob.page, 'Bob');
  await bob.page.getByTestId('remote-video').waitFor();
  expect(await stranger.page.getByTestId('peer-tile').count()).toBe(0);
  expect(new URL(bob.page.url()).searchParams.get('room')).toBe('会議-1');
});

test('a name that cannot be a room is refused in words, typed or by link, and leads to no other room', async () => {
  const { page } = await open({ query: `?room=${encodeURIComponent('a/b')}` });
  const hint = page.getByTestId('room-hint');
  await hint.getByText('“/” cannot be in a room name').waitFor();
  expect(await page.getByTestId('room-input').inputValue()).toBe('a/b');
  await enter(page, 'Ada');
  expect(await page.getByTestId('join').isEnabled(), 'still in the lobby').toBe(true);
  await page.getByTestId('room-input').fill('..');
  await page.getByTestId('room-input').blur();
  await hint.getByText('at least one letter or digit').waitFor();
  await page.getByTestId('room-input').fill('غرفة');
  await page.getByTestId('room-input').blur();
  await hint.getByText('Everybody with this name gets in').waitFor();
  await page.getByTestId('join').click();
  await page.getByTestId('empty-room').waitFor();
  expect(new URL(page.url()).searchParams.get('room')).toBe('غرفة');
});

test('a name of invisible characters is no name; one that turns its surroundings is shown without that', async () => {
  const { page } = await open({ query: '?room=names' });
  await enter(page, '\u200b\u2066');
  await page.getByText('Tell the others who you are.').waitFor();
  await enter(page, 'A\u202eda');
  await page.getByTestId('empty-room').waitFor();
  const mallory = await peer('names', '\u202eevil');
  await page.getByTestId('peer-tile').getByText('evil', { exact: true }).waitFor();
  expect([...mallory.peers.values()].map((p) => p.metadata?.name)).toEqual(['Ada']);
});

/** A new version waits to take over, so it is offered. */
const waitingWorker = () => {
  const registration = { waiting: { postMessage() {} }, addEventListener() {} };
  Object.defineProperty(navigator.serviceWorker, 'controller', { value: {} });
  navigator.serviceWorker.getRegistration = async () => registration as unknown as ServiceWorkerRegistration;
};

test('in Arabic, on a phone: long Latin names are cut at their end, on the side of their rows; nothing covers the way in', async () => {
  const room = 'quarterly-review-of-the-harbour-extension-north-side';
  const { page } = await open({
    query: `?room=${room}`,
    locale: 'ar',
    viewport: { width: 390, height: 844 },
    before: waitingWorker,
  });
  await page.getByTestId('update-notice').waitFor();
  expect(await misfitsOf(page), 'lobby').toEqual([]);
  await enter(page, 'Bartholomew Featherstonehaugh-Cavendish');
  await page.getByTestId('empty-room').waitFor();
  await page.getByTestId('local-video').waitFor();
  await atRest(page);
  expect(await misfitsOf(page), 'alone').toEqual([]);
  for (const name of ['Bartholomew Featherstonehaugh-Cavendish III', 'محمد بن عبد الرحمن آل سعود'])
    await peer(room, name);
  await page.getByTestId('people-count').click();
  await page.getByTestId('person').nth(2).waitFor();
  await atRest(page);
  expect(await misfitsOf(page), 'people').toEqual([]);
});

test('in Arabic words beside a Latin name run as the page does: who I am, and whose screen it is', async () => {
  const { page } = await open({ query: '?room=words', locale: 'ar', before: noDevices });
  await enter(page, 'Ada');
  await page.getByTestId('my-tile').getByText('(أنت)').waitFor();
  /** Of the words after the name, from the name. */
  const isLeftOf = (tile: string, words: string) =>
    page.getByTestId(tile).evaluate((element, after) => {
      const place = (wanted: string) => {
        const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        for (let node = texts.nextNode(); node; node = texts.nextNode()) {
          const at = node.textContent?.indexOf(wanted) ?? -1;
          if (at < 0) continue;
          const range = document.createRange();
          range.setStart(node, at);
          range.setEnd(node, at + wanted.length);
          return range.getBoundingClientRect();
        }
        throw new Error(`no ${wanted}`);
      };
      return place(after).right <= place('Ada').left + 1;
    }, words);
  expect(await isLeftOf('my-tile', '(أنت)')).toBe(true);
  // As of somebody who shares.
  await page.evaluate(() => {
    const { model } = (
      globalThis as unknown as { __tandem: { model: { get(): { peers: object[] }; set(s: object): void } } }
    ).__tandem;
    const picture = document.createElement('canvas').captureStream().getVideoTracks()[0];
    const peer = { id: 'p', name: 'Ada', state: 'connected', audio: true, video: false, screenTrack: picture };
    model.set({ peers: [peer] });
  });
  await page.getByTestId('screen-tile').waitFor();
  expect(await isLeftOf('screen-tile', 'يشارك')).toBe(true);
});
