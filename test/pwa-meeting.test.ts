/** What a meeting is like with more people, with a weak line and with a keyboard, in real Chromium. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { atRest, expectAccessible, muted, noDevices, patience, pwaSuite } from './pwa/suite.ts';
import { received } from './support/browser.ts';

const suite = pwaSuite();
const { join, peer } = suite;

interface Model {
  __tandem: { model: { get(): { phase: string }; set(change: object): void } };
}

interface WithSession {
  __tandem: { session: { emit(event: string, payload: object): void } };
}

const focused = (page: Page) =>
  page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? document.activeElement?.id);

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
const NOTES = { join: [392, 523], hand: [587, 587], chat: [659] };

/** Do these two overlap on the page? */
const overlaps = (page: Page, one: string, others: string) =>
  page.evaluate(
    ([a, b]) => {
      const box = document.querySelector(a as string)?.getBoundingClientRect();
      return [...document.querySelectorAll(b as string)].filter((element) => {
        const other = element.getBoundingClientRect();
        return (
          box && box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom
        );
      }).length;
    },
    [one, others],
  );

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
  await vi.waitFor(async () => expect(await focused(page)).toBe('chat-input'), patience);
  await page.keyboard.press('Escape');
  await page.getByTestId('chat-input').waitFor({ state: 'detached' });
  expect(await focused(page)).toBe('open-people');
  await page.getByTestId('more').click();
  await page.getByTestId('open-stats').click();
  await page.getByRole('button', { name: 'Close' }).focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('stats-panel').waitFor({ state: 'detached' });
  expect(await focused(page)).toBe('more');

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

interface Recognizer {
  recognizer: { running: number; track: MediaStreamTrack | undefined; say(transcript: string, isFinal: boolean): void };
}

/** Stands in for the browser's recognizer on the device, which Chromium here is built without: it hears what the test says. */
function standInRecognizer(): void {
  const heard = new EventTarget();
  const recognizer: Recognizer['recognizer'] = {
    running: 0,
    track: undefined,
    say: (transcript, isFinal) =>
      heard.dispatchEvent(
        Object.assign(new Event('said'), { results: [Object.assign([{ transcript }], { isFinal })] }),
      ),
  };
  class SpeechRecognition extends EventTarget {
    static available = async ({ processLocally }: { processLocally?: boolean }) =>
      processLocally ? 'available' : 'unavailable';
    processLocally = false;
    #said = (event: Event) =>
      this.dispatchEvent(
        Object.assign(new Event('result'), { results: (event as Event & { results: unknown }).results }),
      );
    start(track: MediaStreamTrack) {
      if (!this.processLocally) throw new Error('the sound would leave the device');
      Object.assign(recognizer, { running: recognizer.running + 1, track });
      heard.addEventListener('said', this.#said);
    }
    abort() {
      heard.removeEventListener('said', this.#said);
      recognizer.running--;
    }
  }
  Object.assign(globalThis, { SpeechRecognition, recognizer });
}

test('what I say in words for the others: recognized on this device, only when it is wanted and the microphone is on', async () => {
  const ada = await join('Ada', 'words', { before: standInRecognizer });
  const bob = await join('Bob', 'words', { before: noDevices });
  await bob.page.getByTestId('remote-video').waitFor();
  const running = () => ada.page.evaluate(() => (globalThis as unknown as Recognizer).recognizer.running);
  const becomes = (count: number) => vi.waitFor(async () => expect(await running()).toBe(count), patience);
  expect(await running()).toBe(0);
  await ada.page.getByTestId('more').click();
  await ada.page.getByTestId('open-settings').click();
  await ada.page.getByTestId('switch-captionMine').click();
  await ada.page.keyboard.press('Escape');
  await becomes(1);
  const say = (words: string, isFinal: boolean) =>
    ada.page.evaluate(
      ([text, final]) => (globalThis as unknown as Recognizer).recognizer.say(text as string, final as boolean),
      [words, isFinal] as const,
    );
  await say('Shall we', false);
  await bob.page.getByTestId('captions').getByText('Ada: Shall we', { exact: true }).waitFor();
  await say('Shall we begin?', true);
  await bob.page.getByTestId('captions').getByText('Ada: Shall we begin?').waitFor();
  await ada.page.getByTestId('toggle-mic').click();
  await becomes(0);
  await ada.page.getByTestId('toggle-mic').click();
  await becomes(1);
});

test('soft sounds: who joins, who raises a hand, who writes; each switch silences its kind and no other', async () => {
  const { page: noChat } = await join('Ada', 'sounds', { before: noDevices, remembers: { soundChat: false } });
  await noChat.getByTestId('empty-room').waitFor();
  await noChat.evaluate(keepNotes);
  const only = { soundJoin: false, soundHand: false };
  const { page: onlyChat } = await join('Bob', 'sounds', { before: noDevices, remembers: only });
  await onlyChat.getByTestId('peer-tile').waitFor();
  await onlyChat.evaluate(keepNotes);
  await vi.waitFor(async () => expect(await notesOf(noChat)).toEqual(NOTES.join), patience);
  const grace = await peer('sounds', 'Grace');
  await onlyChat.getByText('Grace joined').waitFor();
  grace.update({ name: 'Grace', hand: true, handAt: Date.now() });
  for (const page of [noChat, onlyChat]) await page.getByRole('button', { name: 'Grace raised a hand' }).waitFor();
  await vi.waitFor(async () => expect((await notesOf(noChat)).slice(-2)).toEqual(NOTES.hand), patience);
  await grace.broadcast({ tandem: 'chat', id: 'c1', text: 'hello', at: Date.now() });
  for (const page of [noChat, onlyChat]) await page.getByRole('button', { name: 'Grace: hello' }).waitFor();
  await vi.waitFor(async () => expect(await notesOf(onlyChat)).toEqual(NOTES.chat), patience);
  expect(await notesOf(noChat)).not.toContain(NOTES.chat[0]);
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

test('hands: a button and a key, a line with the way to the queue, oldest first; a line of chat with its words and links', async () => {
  const ada = await join('Ada', 'hands', { before: noDevices });
  await ada.page.getByTestId('empty-room').waitFor();
  const bob = await join('Bob', 'hands', { before: noDevices });
  const grace = await peer('hands', 'Grace');
  await ada.page.getByTestId('peer-tile').getByText('Grace').waitFor();
  await bob.page.getByTestId('toggle-hand').click();
  await ada.page.getByRole('button', { name: 'Bob raised a hand' }).click();
  await ada.page.getByTestId('hand-queue').getByText('Bob').waitFor();
  // A clock that is days ahead is not believed: its owner is not first, nor last, by it.
  grace.update({ name: 'Grace', hand: true, handAt: Date.now() - 3_600_000 });
  await ada.page.locator('#main').focus();
  await ada.page.keyboard.press('h');
  const queue = () => ada.page.getByTestId('hand-queue').locator('li bdi').allTextContents();
  await vi.waitFor(async () => expect(await queue()).toEqual(['Grace', 'Bob', 'You']), patience);
  await ada.page.getByTestId('hand-queue').getByText('1 hr').waitFor();
  await expectAccessible(ada.page, 'a queue of hands');
  await ada.page.keyboard.press('h');
  await vi.waitFor(async () => expect(await queue()).toEqual(['Grace', 'Bob']), patience);
  await ada.page.keyboard.press('p');

  await bob.page.getByTestId('open-chat').click();
  await bob.page.getByTestId('chat-input').fill('Slides: https://example.org/a(b), see page 3.');
  await bob.page.keyboard.press('Enter');
  await ada.page.getByRole('button', { name: 'Bob: Slides: https://example.org/a(b), see page 3.' }).waitFor();
  await vi.waitFor(
    async () => expect(await ada.page.title()).toMatch(/^\(1\) · Microphone off · hands · 3 people$/),
    patience,
  );
  expect(await ada.page.locator('link[rel=icon][href^="data:"]').count()).toBe(1);
  await ada.page.getByRole('button', { name: /^Bob: Slides/ }).click();
  const link = ada.page.getByTestId('chat-line').getByRole('link');
  expect(await link.getAttribute('href')).toBe('https://example.org/a(b)');
  expect(await link.getAttribute('rel')).toContain('noopener');
  await expectAccessible(ada.page, 'a link in the chat');
  await ada.page.getByTestId('leave').click();
  await vi.waitFor(async () => expect(await ada.page.title()).toBe('Tandem'), patience);
});

test('one person quieter, silent for me, found by name; a moderator mutes, removes and ends, others are not offered that', async () => {
  const ada = await join('Ada', 'host');
  const bob = await join('Bob', 'host');
  await ada.page.getByTestId('remote-video').waitFor();
  await ada.page.getByTestId('open-people').click();
  await ada.page.getByTestId('person').first().waitFor();
  expect(await ada.page.getByTestId('moderation').count()).toBe(0);
  await ada.page.getByTestId('person-more').click();
  await ada.page.getByTestId('person-volume').waitFor();
  expect(await ada.page.getByTestId('remove-person').count()).toBe(0);
  const heard = () =>
    ada.page.evaluate(() => Array.from(document.querySelectorAll('audio'), (a) => [a.volume, a.muted]));
  await ada.page.getByTestId('person-volume').fill('40');
  await vi.waitFor(async () => expect(await heard()).toEqual([[0.4, false]]), patience);
  await expectAccessible(ada.page, 'volume of a person');
  await ada.page.getByTestId('mute-for-me').click();
  await vi.waitFor(async () => expect(await heard()).toEqual([[0, true]]), patience);
  await ada.page.getByTestId('mute-for-me').click();
  await vi.waitFor(async () => expect(await heard()).toEqual([[1, false]]), patience);
  for (let i = 0; i < 7; i++) await peer('host', `Guest ${i}`);
  await ada.page.getByTestId('people-search').fill('ESt 3');
  await vi.waitFor(
    async () => expect(await ada.page.getByTestId('person').allTextContents()).toHaveLength(1),
    patience,
  );
  await ada.page.getByTestId('person').getByText('Guest 3').waitFor();

  suite.grant({ kick: true });
  const host = await join('Grace', 'host', { before: noDevices });
  await host.page.getByTestId('open-people').click();
  await host.page.getByTestId('people-search').fill('bob');
  await host.page.getByTestId('person-more').click();
  await host.page.getByTestId('mute-person').click();
  await bob.page.getByText('A moderator turned your microphone off.').waitFor();
  expect(await muted(bob.page)).toBe(true);
  await expectAccessible(host.page, 'what a moderator may do');
  await host.page.getByTestId('mute-all').click();
  await vi.waitFor(async () => expect(await muted(ada.page)).toBe(true), patience);
  await host.page.getByTestId('remove-person').click();
  await host.page.getByRole('button', { name: 'Remove Bob and keep out' }).click();
  await bob.page.locator('[data-testid=ended][data-end=kicked]').waitFor();
  await host.page.getByTestId('end-for-all').click();
  await host.page.getByTestId('end-for-all-sure').click();
  await ada.page.locator('[data-testid=ended][data-end=closed]').waitFor();
});

test('sharing: said in words with Stop beside them, and no picture of my own screen', async () => {
  const { page } = await join('Ada', 'sharing');
  await page.getByTestId('empty-room').waitFor();
  await peer('sharing', 'Bob');
  await page.getByTestId('toggle-screen').click();
  await page.getByTestId('sharing-bar').waitFor();
  expect(await page.getByTestId('screen-video').count()).toBe(0);
  expect(await overlaps(page, '.banner', '.tile')).toBe(0);
  await expectAccessible(page, 'sharing a screen, in words');
  await page.getByTestId('stop-sharing').click();
  await page.getByTestId('sharing-bar').waitFor({ state: 'detached' });
});

/** Stands in for the browser's picker: a picture and a loud tone, the tone first. */
function pickWithSound(): void {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 500 });
    const out = new MediaStreamAudioDestinationNode(context);
    tone.connect(out);
    tone.start();
    const canvas = document.createElement('canvas');
    canvas.getContext('2d')?.fillRect(0, 0, 300, 150);
    return new MediaStream([...out.stream.getTracks(), ...canvas.captureStream(5).getTracks()]);
  };
}

/** The shared screen of this page by button, by the wheel and by a double click, and whole again. */
async function seenFromNear(page: Page): Promise<void> {
  const video = page.getByTestId('screen-video');
  const zoom = () => video.evaluate((v: HTMLElement) => v.getBoundingClientRect().width / v.offsetWidth);
  const becomes = (scale: number) => vi.waitFor(async () => expect(await zoom()).toBeCloseTo(scale, 1), patience);
  await page.getByTestId('screen-zoom').click();
  await becomes(1.5);
  await expectAccessible(page, 'a shared screen from near');
  await page.getByTestId('screen-whole').click();
  await becomes(1);
  const { x, y, width, height } = (await page.getByTestId('screen-tile').boundingBox()) ?? {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
  };
  await page.mouse.move(x + width / 4, y + height / 2);
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -200);
  await page.keyboard.up('Control');
  await becomes(Math.E);
  const left = () => video.evaluate((v) => v.getBoundingClientRect().left);
  // What is under the pointer stays there.
  expect(await left()).toBeCloseTo(x + (width / 4) * (1 - Math.E), 0);
  await page.mouse.wheel(width / 8, 0);
  await vi.waitFor(
    async () => expect(await left()).toBeCloseTo(x + (width / 4) * (1 - Math.E) - width / 8, 0),
    patience,
  );
  await page.mouse.dblclick(x + width / 2, y + height / 2);
  await becomes(1);
}

test('sharing with sound: heard while the microphone is off, said in words, silenced alone or by a moderator', async () => {
  const ada = await join('Ada', 'loud', { before: pickWithSound });
  const bob = await join('Bob', 'loud');
  const tile = bob.page.getByTestId('peer-tile');
  await tile.and(bob.page.locator('[data-state=connected]')).waitFor();
  for (const { page } of [ada, bob]) await page.getByTestId('toggle-mic').click();
  await tile.getByText('Microphone off').waitFor();
  await vi.waitFor(async () => expect(await muted(ada.page)).toBe(true), patience);
  /** What Bob hears in half a second. */
  const heard = async () => {
    const before = (await received(bob.page)).audioEnergy;
    await bob.page.waitForTimeout(500);
    return (await received(bob.page)).audioEnergy - before;
  };
  await ada.page.getByTestId('toggle-screen').click();
  await bob.page.getByTestId('screen-video').waitFor();
  await seenFromNear(bob.page);
  const bar = ada.page.getByTestId('sharing-bar');
  await bar.getByText('You share your screen and its sound').waitFor();
  await vi.waitFor(async () => expect(await heard()).toBeGreaterThan(0.01), patience);
  expect(await tile.getByText('Microphone off').count(), 'the sound is no microphone').toBe(1);
  await expectAccessible(ada.page, 'sharing with sound');
  await ada.page.getByTestId('toggle-mic').click();
  await tile.getByText('Microphone off').waitFor({ state: 'detached' });
  await ada.page.getByTestId('toggle-mic').click();
  await tile.getByText('Microphone off').waitFor();
  await vi.waitFor(async () => expect(await heard()).toBeGreaterThan(0.01), patience);

  await ada.page.getByTestId('stop-shared-sound').click();
  await bar.getByText('You share your screen', { exact: true }).waitFor();
  await vi.waitFor(async () => expect(await heard()).toBeLessThan(1e-4), patience);
  await bob.page.getByTestId('screen-video').waitFor();

  await ada.page.getByTestId('stop-sharing').click();
  await ada.page.getByTestId('toggle-screen').click();
  await vi.waitFor(async () => expect(await heard()).toBeGreaterThan(0.01), patience);
  const host = await peer('loud', 'Host', { kick: true });
  const id = [...host.peers.values()].find(({ metadata }) => metadata?.name === 'Ada')?.peerId ?? '';
  await host.requestMute(id, 'audio');
  await bar.getByText('You share your screen', { exact: true }).waitFor();
  await vi.waitFor(async () => expect(await heard()).toBeLessThan(1e-4), patience);
});

test('a browser that shares no sound says so; code of the sound that does not load leaves the picture', async () => {
  const plain = await join('Ada', 'quiet', {
    before: () => {
      const { mediaDevices } = navigator;
      const { suppressLocalAudioPlayback: _, ...known } = mediaDevices.getSupportedConstraints() as Record<
        string,
        boolean
      >;
      mediaDevices.getSupportedConstraints = () => known;
      const canvas = document.createElement('canvas');
      canvas.getContext('2d')?.fillRect(0, 0, 300, 150);
      mediaDevices.getDisplayMedia = async () => canvas.captureStream(5);
    },
  });
  await plain.page.getByTestId('empty-room').waitFor();
  await plain.page.getByTestId('toggle-screen').click();
  await plain.page.getByText('You share your screen. This browser shares no sound.').waitFor();

  const { page } = await join('Bob', 'broken-sound', { before: pickWithSound, expected: /ERR_FAILED/ });
  await page.getByTestId('empty-room').waitFor();
  await page.route('**/_next/static/chunks/*.js', (route) => route.abort());
  await page.getByTestId('toggle-screen').click();
  await page.getByText('The sound could not be shared. The picture is.').waitFor();
  await page.getByTestId('sharing-bar').getByText('You share your screen', { exact: true }).waitFor();
});

/** A headset that is plugged in later (`plug`), and a phone's two cameras, of which one can be open at a time. */
function lateHeadset(): void {
  const { mediaDevices } = navigator;
  const enumerate = mediaDevices.enumerateDevices.bind(mediaDevices);
  let plugged = false;
  mediaDevices.enumerateDevices = async () => {
    const now = plugged;
    return (await enumerate()).filter(({ label }) => now || !/^Fake Audio (In|Out)put 2/.test(label));
  };
  Object.assign(globalThis, {
    plug: (now: boolean) => {
      plugged = now;
      mediaDevices.dispatchEvent(new Event('devicechange'));
    },
  });
}

test('a headset that is plugged in is offered, never taken by itself; an offer goes with its device', async () => {
  const { page } = await join('Ada', 'headset', { before: lateHeadset });
  await page.getByTestId('empty-room').waitFor();
  const microphone = () =>
    page.evaluate(() => (globalThis as unknown as InsideMedia).__tandem.media.get().microphone?.label);
  /** Plugged in or pulled out, and seen by the page: what comes back before that was never away. */
  const plug = async (on: boolean) => {
    await page.evaluate((now) => (globalThis as unknown as InsideMedia).plug(now), on);
    await page.waitForFunction((now) => {
      const { devices } = (globalThis as unknown as InsideMedia).__tandem.media.get();
      return devices.some(({ label }) => label.startsWith('Fake Audio Input 2')) === now;
    }, on);
  };
  await vi.waitFor(async () => expect(await microphone()).toMatch(/Fake/), patience);
  const before = await microphone();
  await plug(true);
  const offer = page.getByTestId('device-offer');
  await offer.getByText('Fake Audio Input 2 is connected.').waitFor();
  expect(await microphone()).toBe(before);
  expect(await overlaps(page, '.banner', '.tile')).toBe(0);
  await expectAccessible(page, 'a new device is offered');
  await plug(false);
  await offer.waitFor({ state: 'detached' });
  await plug(true);
  await offer.getByRole('button', { name: 'Not now' }).click();
  await offer.waitFor({ state: 'detached' });
  expect(await microphone()).toBe(before);
  await plug(false);
  await plug(true);
  await offer.getByRole('button', { name: 'Use it' }).click();
  await offer.waitFor({ state: 'detached' });
  await vi.waitFor(async () => expect(await microphone()).toBe('Fake Audio Input 2'), patience);
});

interface InsideMedia {
  plug(now: boolean): void;
  __tandem: {
    media: {
      get(): {
        devices: MediaDeviceInfo[];
        facing?: string;
        video: string;
        microphone?: MediaStreamTrack;
        camera?: MediaStreamTrack;
      };
    };
  };
}

/** A phone: two cameras that say which way they look, one open at a time. */
function phone(): void {
  const { mediaDevices } = navigator;
  const get = mediaDevices.getUserMedia.bind(mediaDevices);
  let camera: MediaStreamTrack | undefined;
  mediaDevices.getUserMedia = async (wanted) => {
    const video = wanted?.video as MediaTrackConstraints | undefined;
    if (video && camera?.readyState === 'live')
      throw new DOMException('Could not start video source', 'NotReadableError');
    const stream = await get(wanted);
    const [track] = stream.getVideoTracks();
    if (!video || !track) return stream;
    camera = track;
    const asked = video.facingMode as string | { exact: string } | undefined;
    const facingMode = typeof asked === 'object' ? asked.exact : asked;
    const settings = track.getSettings.bind(track);
    track.getSettings = () => ({ ...settings(), ...(facingMode === undefined ? {} : { facingMode }) });
    return stream;
  };
}

test('a phone flips its camera, in the call; what is in front of it is not mirrored', async () => {
  const { page } = await join('Ada', 'flip', { before: phone, viewport: { width: 390, height: 844 } });
  await page.getByTestId('local-video').waitFor();
  const facing = () => page.evaluate(() => (globalThis as unknown as InsideMedia).__tandem.media.get().facing);
  const mirrored = () => page.getByTestId('local-video').evaluate((video) => video.classList.contains('mirror'));
  expect([await facing(), await mirrored()]).toEqual(['user', true]);
  await page.getByTestId('more').click();
  await expectAccessible(page, 'menu with flip');
  await page.getByTestId('flip-camera').click();
  await vi.waitFor(async () => expect([await facing(), await mirrored()]).toEqual(['environment', false]), patience);
  await page.getByTestId('more').click();
  await page.getByTestId('flip-camera').click();
  await vi.waitFor(async () => expect([await facing(), await mirrored()]).toEqual(['user', true]), patience);
});

test('my own picture: small, in another corner by button or by hand, hidden, and remembered', async () => {
  const { page } = await join('Ada', 'myself');
  await peer('myself', 'Bob');
  const mine = page.getByTestId('my-tile');
  const stage = page.locator('.tiles');
  await page.getByTestId('peer-tile').waitFor();
  /** Where my picture is, in halves of the stage, and how wide. */
  const place = async () => {
    await atRest(page);
    const [tile, area] = [await mine.boundingBox(), await stage.boundingBox()];
    if (!tile || !area) throw new Error('nothing to see');
    const isLeft = tile.x + tile.width / 2 < area.x + area.width / 2;
    const isTop = tile.y + tile.height / 2 < area.y + area.height / 2;
    return { at: `${isTop ? 'top' : 'bottom'} ${isLeft ? 'left' : 'right'}`, width: tile.width, tile, area };
  };
  const choose = async (view: string) => {
    await page.getByTestId('more').click();
    await page.getByTestId(`self-${view}`).click();
    await expectAccessible(page, `menu, my picture ${view}`);
    await page.keyboard.press('Escape');
  };
  const full = await place();
  expect(full.at).toBe('bottom right');
  await choose('small');
  await vi.waitFor(async () => expect((await place()).width).toBeLessThan(full.width * 0.75), patience);
  await page.getByTestId('move-self').focus();
  await page.keyboard.press('Enter');
  await vi.waitFor(async () => expect((await place()).at).toBe('bottom left'), patience);
  await expectAccessible(page, 'my picture small in a corner');

  const { tile, area } = await place();
  await page.mouse.move(tile.x + tile.width / 2, tile.y + tile.height / 4);
  await page.mouse.down();
  await page.mouse.move(area.x + area.width * 0.9, area.y + area.height * 0.1, { steps: 4 });
  await page.mouse.up();
  await vi.waitFor(async () => expect((await place()).at).toBe('top right'), patience);

  await choose('hidden');
  await mine.waitFor({ state: 'detached' });
  await page.reload();
  await page.getByTestId('join').click();
  await page.getByTestId('peer-tile').waitFor();
  expect(await mine.count()).toBe(0);
  await choose('full');
  await vi.waitFor(async () => expect(await place()).toMatchObject({ at: 'top right', width: full.width }), patience);
});

test('chat: a private line, what was said before for who comes late, a file that arrives as it was sent', async () => {
  const ada = await join('Ada', 'talk', { before: noDevices });
  const bob = await join('Bob', 'talk', { before: noDevices });
  const grace = await join('Grace', 'talk', { before: noDevices });
  for (const { page } of [ada, bob, grace])
    await vi.waitFor(
      async () => expect(await page.locator('[data-testid=peer-tile][data-state=connected]').count()).toBe(2),
      patience,
    );
  for (const { page } of [ada, bob, grace]) await page.getByTestId('open-chat').click();
  const say = async (text: string) => {
    await ada.page.getByTestId('chat-input').fill(text);
    await ada.page.keyboard.press('Enter');
  };
  const lines = (page: Page) => page.getByTestId('chat-line').allTextContents();
  await say('for everybody');
  await ada.page.getByTestId('chat-to').selectOption({ label: 'Only to Bob' });
  await say('for Bob');
  await vi.waitFor(async () => expect(await lines(bob.page)).toEqual(['for everybody', 'for Bob']), patience);
  await bob.page.getByText('Only you').waitFor();
  await expectAccessible(ada.page, 'a private line');
  await ada.page.getByTestId('chat-to').selectOption({ label: 'To everybody' });
  await say('for everybody again');
  await vi.waitFor(
    async () => expect(await lines(grace.page)).toEqual(['for everybody', 'for everybody again']),
    patience,
  );

  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251);
  await ada.page
    .getByTestId('file-picker')
    .setInputFiles({ name: 'plan.bin', mimeType: 'text/html', buffer: Buffer.from(bytes) });
  const file = bob.page.getByTestId('chat-file');
  await file.getByText('plan.bin').waitFor();
  await expectAccessible(bob.page, 'a file in the chat');
  // Saved as the browser saves it: the bytes are the same, whatever type its sender claimed.
  const [download] = await Promise.all([bob.page.waitForEvent('download'), file.click()]);
  expect(download.suggestedFilename()).toBe('plan.bin');
  const saved = await readFile(await download.path());
  expect(saved.equals(Buffer.from(bytes))).toBe(true);

  const late = await join('Mei', 'talk', { before: noDevices });
  await late.page.getByTestId('open-chat').click();
  await late.page.getByText(/^Said before you came, as (Ada|Bob|Grace) has it$/).waitFor();
  await vi.waitFor(
    async () => expect(await lines(late.page)).toEqual(['for everybody', 'for everybody again']),
    patience,
  );
  await expectAccessible(late.page, 'what was said before');
});
