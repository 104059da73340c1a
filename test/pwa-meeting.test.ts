/** What a meeting is like with more people, with a weak line and with a keyboard, in real Chromium. */
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { atRest, expectAccessible, hasFocus, muted, noDevices, overlaps, patience, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();
const { join, peer } = suite;

interface Model {
  __tandem: { model: { get(): { phase: string }; set(change: object): void } };
}

interface WithSession {
  __tandem: { session: { emit(event: string, payload: object): void } };
}

/** Before the page: keeps the notes of the sounds that it plays, Hz. */
const keepNotes = () => {
  const notes: number[] = [];
  Object.assign(globalThis, { notes });
  OscillatorNode.prototype.start = function (when) {
    notes.push(Math.round(this.frequency.value));
    AudioScheduledSourceNode.prototype.start.call(this, when);
  };
};
const notesOf = (page: Page) => page.evaluate(() => (globalThis as unknown as { notes: number[] }).notes);

test('chat: who reads what was said before is left there when a line comes, and sees their own', async () => {
  const { page } = await join('Ada', 'reading', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  await page.getByTestId('open-chat').click();
  const say = (count: number, mine: boolean) =>
    page.evaluate(
      ({ count, mine }) => {
        const line = (key: number) => ({ key, peerId: `p${key}`, name: 'Bob', text: `line ${key}`, shownAt: 0 });
        const chat = Array.from({ length: count }, (_, key) => ({ ...line(key), mine: mine && key === count - 1 }));
        (globalThis as unknown as Model).__tandem.model.set({ chat });
      },
      { count, mine },
    );
  const list = page.locator('.panel-scroll.chat');
  const shows = async (text: string) => {
    await page.getByText(text, { exact: true }).waitFor();
    await atRest(page);
    return list.evaluate((element, text) => {
      const lines = [...element.querySelectorAll('[data-testid=chat-line]')];
      const line = lines.find(({ textContent }) => textContent === text)?.getBoundingClientRect();
      const area = element.getBoundingClientRect();
      return line !== undefined && line.top >= area.top && line.bottom <= area.bottom;
    }, text);
  };
  await say(100, false);
  expect(await shows('line 99')).toBe(true);
  await list.evaluate((element) => element.scrollTo({ top: 0 }));
  expect(await shows('line 0')).toBe(true);
  await say(101, false);
  expect(await shows('line 100'), 'Ada reads the first line').toBe(false);
  expect(await shows('line 0')).toBe(true);
  await say(102, true);
  expect(await shows('line 101'), 'her own').toBe(true);
});

test('keys: no letter ends the call, they can be switched off; the focus goes back when a panel closes', async () => {
  const { page } = await join('Ada', 'keys', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  for (const letter of 'abcdefghijklmnopqrstuvwxyz') {
    await page.locator('#main').focus();
    await page.keyboard.press(letter);
    await page.evaluate(() => (globalThis as unknown as Model).__tandem.model.set({ panel: undefined }));
  }
  expect(await page.evaluate(() => (globalThis as unknown as Model).__tandem.model.get().phase)).toBe('call');
  await page.getByTestId('chat-input').waitFor({ state: 'detached' });

  await page.getByTestId('open-people').focus();
  await page.keyboard.press('c');
  await hasFocus(page, 'chat-input');
  await page.keyboard.press('Escape');
  await page.getByTestId('chat-input').waitFor({ state: 'detached' });
  await hasFocus(page, 'open-people');
  await page.getByTestId('more').click();
  await page.getByTestId('open-stats').click();
  await page.getByRole('button', { name: 'Close' }).focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('stats-panel').waitFor({ state: 'detached' });
  await hasFocus(page, 'more');
  // Opened by its line in the header, which goes with that.
  await page.evaluate(() => {
    const line = { id: 0, key: 'chat.toast', values: { name: 'Bob', text: 'Hello' }, opens: 'chat' };
    (globalThis as unknown as Model).__tandem.model.set({ notices: [line] });
  });
  await page.getByRole('button', { name: 'Bob: Hello' }).focus();
  await page.keyboard.press('Enter');
  await hasFocus(page, 'chat-input');
  await page.keyboard.press('Escape');
  await page.getByTestId('chat-input').waitFor({ state: 'detached' });
  await hasFocus(page, 'main');
  // It was read there: it does not come back for the rest of its time. This one has no end.
  expect(await page.getByRole('button', { name: 'Bob: Hello' }).count()).toBe(0);

  await page.locator('#main').focus();
  await page.keyboard.press('?');
  await page.getByTestId('switch-shortcuts').click();
  await expectAccessible(page, 'shortcuts switched off');
  await page.keyboard.press('Escape');
  const before = await muted(page);
  await page.locator('#main').focus();
  for (const key of ['m', 'c', 'p', '?', ' ']) await page.keyboard.press(key);
  expect(await muted(page)).toBe(before);
  expect(await page.getByTestId('chat-input').count()).toBe(0);
  expect(await page.getByTestId('shortcut-sheet').count()).toBe(0);
});

test('a weak line: in one place, whose it is and what helps; pictures come smaller, not at all, and again', async () => {
  const ada = await join('Ada', 'line');
  const bob = await join('Bob', 'line');
  await ada.page.getByTestId('remote-video').waitFor();
  await bob.page.getByTestId('remote-video').waitFor();
  const sends = () =>
    bob.page.evaluate(async () => {
      const { keptConnections } = globalThis as unknown as { keptConnections: RTCPeerConnection[] };
      let active = false;
      for (const connection of keptConnections.filter((one) => one.connectionState !== 'closed'))
        for (const sender of connection.getSenders())
          if (sender.track?.kind === 'video') active ||= sender.getParameters().encodings[0]?.active === true;
      return active;
    });
  await vi.waitFor(async () => expect(await sends()).toBe(true), patience);
  await ada.page.getByTestId('quality-badge').click();
  await expectAccessible(ada.page, 'connection and what helps');
  await ada.page.getByTestId('incoming-off').click();
  await ada.page.getByTestId('remote-video').waitFor({ state: 'detached' });
  await vi.waitFor(async () => expect(await sends()).toBe(false), patience);
  await ada.page.getByTestId('incoming-auto').click();
  await ada.page.getByTestId('remote-video').waitFor();
  await vi.waitFor(async () => expect(await sends()).toBe(true), patience);
  await ada.page.getByTestId('audio-only').click();
  await bob.page.getByTestId('remote-video').waitFor({ state: 'detached' });
  await vi.waitFor(async () => expect(await sends()).toBe(false), patience);

  // With one other person nobody can tell whose end it is: the banner says so, and offers what helps.
  const weaken = (fault: string) =>
    ada.page.evaluate((f) => {
      const { model } = (globalThis as unknown as Model).__tandem;
      const show = () => model.set({ incoming: 'auto', health: { grade: 'poor', fault: f, trouble: [], weak: [] } });
      show();
      // Each reading says what is true; this test wants to see the words.
      Object.assign(globalThis, { weak: setInterval(show, 20) });
    }, fault);
  await weaken('between');
  await ada.page.getByTestId('quality-banner').getByText('The connection with Bob is weak.').waitFor();
  expect(await overlaps(ada.page, '.banner', '.tile')).toBe(0);
  await expectAccessible(ada.page, 'a weak connection');
});

test('more people than a page: pages by keys and buttons, tiles with room for a face, "+n" beside a spotlight', async () => {
  const { page } = await join('Ada', 'many', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  for (let i = 0; i < 24; i++) await peer('many', `Guest ${i}`);
  await page.getByTestId('pager').getByText('1 of 2').waitFor();
  const smallest = async () => {
    await atRest(page);
    return page.evaluate(() =>
      Math.min(...[...document.querySelectorAll('.tile')].map((tile) => tile.getBoundingClientRect().width)),
    );
  };
  expect(await smallest()).toBeGreaterThanOrEqual(239);
  await expectAccessible(page, 'pages of people');
  await page.locator('#main').focus();
  await page.keyboard.press('PageDown');
  await page.getByTestId('pager').getByText('2 of 2').waitFor();
  expect(await page.getByTestId('my-tile').count()).toBe(1);
  await page.getByRole('button', { name: 'Previous page' }).click();
  await page.getByTestId('pager').getByText('1 of 2').waitFor();
  await page.getByTestId('peer-tile').first().hover();
  await page.mouse.wheel(0, 120);
  await page.getByTestId('pager').getByText('2 of 2').waitFor();
  await page.keyboard.press('PageUp');
  await page.getByTestId('pager').getByText('1 of 2').waitFor();

  await page.getByTestId('more').click();
  await page.getByRole('button', { name: 'Spotlight' }).click();
  await page.keyboard.press('Escape');
  await page.getByTestId('more-people').waitFor();
  await expectAccessible(page, 'a spotlight with more people');
  await page.getByTestId('more-people').click();
  await vi.waitFor(async () => expect(await page.getByTestId('person').count()).toBe(25), patience);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByTestId('more').click();
  await page.getByRole('button', { name: 'Automatic' }).click();
  await page.keyboard.press('Escape');
  await page.getByTestId('pager').getByText('1 of 5').waitFor();
  await expectAccessible(page, 'pages of people on a phone');
});

test('lines that come and go cover no tile, merge, and stay away in a crowd', async () => {
  const { page } = await join('Ada', 'lines', { before: noDevices });
  await page.getByTestId('empty-room').waitFor();
  await peer('lines', 'Bob');
  await page.getByText('Bob joined').waitFor();
  expect(await overlaps(page, '.notice', '.tile')).toBe(0);
  await peer('lines', 'Grace');
  await page.getByText('Grace and 1 other joined').waitFor();
  await expectAccessible(page, 'a line in the header');
  // As the session tells what the backend sends (the SDK's tests hold that it does).
  const tell = (data: object) =>
    page.evaluate((caption) => {
      const { session } = (globalThis as unknown as WithSession).__tandem;
      session.emit('server-message', { topic: 'caption', data: caption });
    }, data);
  await tell({ name: 'Bob', text: 'Shall we begin?' });
  await page.getByTestId('captions').getByText('Bob: Shall we begin?').waitFor();
  // Said again each time, as what is gone covers nothing.
  await vi.waitFor(async () => {
    await tell({ name: 'Bob', text: 'Shall we begin?' });
    expect(await page.locator('.captions').count()).toBe(1);
    expect(await overlaps(page, '.captions', '.tile')).toBe(0);
    expect(await page.locator('.captions').count()).toBe(1);
  }, 15_000);
  await expectAccessible(page, 'captions');
  await page.getByTestId('captions').waitFor({ state: 'detached' });
  const others = await Promise.all(Array.from({ length: 8 }, (_, i) => peer('lines', `Guest ${i}`)));
  await vi.waitFor(async () => expect(await page.getByTestId('peer-tile').count()).toBe(10), patience);
  await page.locator('.notice').waitFor({ state: 'detached' });
  await page.evaluate(keepNotes);
  others[0]?.leave();
  await vi.waitFor(async () => expect(await page.getByTestId('peer-tile').count()).toBe(9), patience);
  expect(await page.locator('.notice').count()).toBe(0);
  await peer('lines', 'Late');
  await vi.waitFor(async () => expect(await page.getByTestId('peer-tile').count()).toBe(10), patience);
  others[1]?.update({ name: 'Guest 1', hand: true, handAt: Date.now() });
  await page.getByRole('button', { name: 'Guest 1 raised a hand' }).waitFor();
  await others[2]?.broadcast({ tandem: 'chat', id: 'c1', text: 'hello', at: Date.now() });
  await vi.waitFor(async () => expect(await page.title()).toMatch(/^\(1\)/), patience);
  expect(await notesOf(page), 'no sound in a crowd').toEqual([]);
});

test('initials until the first frame; who was never connected is connecting, not reconnecting', async () => {
  const ada = await join('Ada', 'frames', { before: noDevices });
  await ada.page.getByTestId('empty-room').waitFor();
  await peer('frames', 'Grace');
  await ada.page.getByTestId('peer-tile').getByText('Connecting', { exact: true }).waitFor();
  await join('Bob', 'frames');
  const picture = ada.page.getByTestId('remote-video');
  await picture.waitFor({ state: 'attached' });
  await vi.waitFor(async () => {
    const state = await picture.evaluate((video: HTMLVideoElement) => ({
      frame: video.videoWidth > 0,
      initials: video.closest('.tile')?.querySelector('.avatar') !== null,
    }));
    // One of the two, never neither.
    expect(state).toEqual({ frame: true, initials: false });
  }, patience);
});
