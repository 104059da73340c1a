/** What people in a meeting do with each other: hands, words, sounds, chat and who may what, in real Chromium. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { misfitsOf } from './pwa/axe.ts';
import { expectAccessible, muted, noDevices, patience, pwaSuite } from './pwa/suite.ts';

const suite = pwaSuite();
const { join, peer } = suite;

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
  await peer('host', 'Bartholomew Featherstonehaugh-Cavendish of Nether Wallop');
  await ada.page.getByTestId('person').getByText('Bartholomew').waitFor();
  expect(await misfitsOf(ada.page), 'a long name').toEqual([]);
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
  const wish = await bob.page.evaluate(() => localStorage.getItem('tandem.preferences'));
  expect(JSON.parse(wish ?? '{}').startMuted, 'what a moderator did is no wish of mine').not.toBe(true);
  await expectAccessible(host.page, 'what a moderator may do');
  await host.page.getByTestId('make-moderator').click();
  await host.page.getByTestId('person').getByText('Moderator').waitFor();
  await bob.page.getByTestId('open-people').click();
  await bob.page.getByTestId('moderation').waitFor();
  // The room keeps it.
  await bob.page.getByTestId('leave').click();
  await bob.page.getByTestId('rejoin').click();
  await bob.page.getByTestId('open-people').click();
  await bob.page.getByTestId('moderation').waitFor();
  await bob.page.getByTestId('people-search').fill('ada');
  await bob.page.getByTestId('person-more').click();
  await bob.page.getByTestId('mute-person').waitFor();
  expect(await bob.page.getByTestId('remove-person').count()).toBe(1);
  expect(await bob.page.getByTestId('make-moderator').count()).toBe(0);
  await expectAccessible(bob.page, 'what a moderator by another one may do');
  await bob.page.getByTestId('people-search').fill('grace');
  await bob.page.getByTestId('person-more').click();
  await bob.page.getByTestId('mute-for-me').waitFor();
  for (const refused of ['to-audience', 'remove-person'])
    expect(await bob.page.getByTestId(refused).count(), refused).toBe(0);
  await host.page.getByRole('button', { name: 'Take moderation back' }).click();
  await bob.page.getByTestId('moderation').waitFor({ state: 'detached' });
  await host.page.getByTestId('mute-all').click();
  await vi.waitFor(async () => expect(await muted(ada.page)).toBe(true), patience);
  await host.page.getByTestId('remove-person').click();
  await host.page.getByRole('button', { name: 'Remove Bob and keep out' }).click();
  await bob.page.locator('[data-testid=ended][data-end=kicked]').waitFor();
  await host.page.getByTestId('end-for-all').click();
  await host.page.getByTestId('end-for-all-sure').click();
  await ada.page.locator('[data-testid=ended][data-end=closed]').waitFor();
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

  // Dropped on the chat, and pasted into its field.
  for (const [way, where] of [
    ['drop', '.chat-area'],
    ['paste', '[data-testid=chat-input]'],
  ] as const) {
    await ada.page.locator(where).evaluate((element, type) => {
      const data = new DataTransfer();
      data.items.add(new File(['by hand'], `${type}.txt`));
      const init = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
      element.dispatchEvent(type === 'drop' ? new DragEvent(type, init) : new ClipboardEvent(type, init));
    }, way);
    await file.getByText(`${way}.txt`).waitFor();
  }

  const late = await join('Mei', 'talk', { before: noDevices });
  await late.page.getByTestId('open-chat').click();
  await late.page.getByText(/^Said before you came, as (Ada|Bob|Grace) has it$/).waitFor();
  await vi.waitFor(
    async () => expect(await lines(late.page)).toEqual(['for everybody', 'for everybody again']),
    patience,
  );
  await expectAccessible(late.page, 'what was said before');

  // Who alone was to read it leaves while it is written: nobody else gets it, and it waits where it was.
  await ada.page.getByTestId('chat-to').selectOption({ label: 'Only to Bob' });
  await ada.page.getByTestId('chat-input').fill('not for Grace');
  await bob.page.getByTestId('leave').click();
  await ada.page.getByText('Bob has left. Choose who gets this.').waitFor();
  await ada.page.keyboard.press('Enter');
  await expectAccessible(ada.page, 'a private line whose addressee is gone');
  await ada.page.keyboard.press('Escape');
  await ada.page.getByTestId('chat-input').waitFor({ state: 'detached' });
  await ada.page.getByTestId('open-chat').click();
  expect(await ada.page.getByTestId('chat-input').inputValue()).toBe('not for Grace');
  await ada.page.getByTestId('chat-to').selectOption({ label: 'Only to Mei' });
  await ada.page.getByTestId('chat-input').press('Enter');
  await late.page.getByText('not for Grace').waitFor();
  expect(await lines(grace.page)).toEqual(['for everybody', 'for everybody again']);
});
