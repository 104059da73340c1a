/** Hostile participants and parts of the page that fail: the call, its sound and "Leave" stay. Real Chromium, real signaling. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { expectAccessible, patience, pwaSuite } from './pwa/suite.ts';
import { received } from './support/browser.ts';

const suite = pwaSuite();
const { join, peer } = suite;
const chunks = new URL('../apps/client/out/_next/static/chunks/', import.meta.url);
/** The chunks of the built page that hold these words of its code: whatever the build named them. */
const chunksWith = (words: string) =>
  readdirSync(chunks).filter(
    (name) => name.endsWith('.js') && readFileSync(new URL(name, chunks), 'utf8').includes(words),
  );
const CALL_SCREEN = chunksWith('shortcut-sheet');
const ENDED_SCREEN = chunksWith('"data-testid":"rejoin"');
const corpus = JSON.parse(readFileSync(new URL('./corpus/peer-messages.json', import.meta.url), 'utf8')) as {
  data: unknown;
  shown?: string;
}[];

test('every peer message of the corpus: the chat shows what can be shown, with my own time, and the call goes on', async () => {
  const ada = await join('Ada', 'hostile');
  await ada.page.getByTestId('empty-room').waitFor();
  const mallory = await peer('hostile', 'Mallory');
  await vi.waitFor(() => expect(mallory.peers.size).toBe(1), patience);
  const [me] = mallory.peers.keys();
  await ada.page.getByTestId('open-chat').click();
  for (const { data } of corpus) await mallory.sendTo(me ?? '', 'message', { data });
  // A name that is no text, as a member of the room.
  mallory.update({ name: 'Mallory', hand: { valueOf: 1 } as unknown as boolean });
  await mallory.sendTo(me ?? '', 'message', { data: { tandem: 'chat', id: 'last', text: 'the last one', at: 0 } });
  const lines = ada.page.getByTestId('chat-line');
  await lines.getByText('the last one').waitFor();
  expect(await lines.allTextContents()).toEqual([...corpus.flatMap((c) => c.shown ?? []), 'the last one']);
  const shown = await ada.page.locator('.chat-who time').first().getAttribute('datetime');
  expect(Math.abs(Date.parse(shown ?? '') - Date.now()), 'my clock, whatever the sender said').toBeLessThan(120_000);
  await ada.page.getByTestId('leave').click();
  await ada.page.locator('[data-testid=ended][data-end=left]').waitFor();
});

test('a panel that throws falls alone: picture, sound and Leave stay; its button brings it back', async () => {
  const ada = await join('Ada', 'part', { expected: /the test broke it/ });
  const bob = await join('Bob', 'part');
  await ada.page.getByTestId('remote-video').waitFor();
  await ada.page.evaluate(() => {
    const whole = Date.prototype.toLocaleTimeString;
    Date.prototype.toLocaleTimeString = () => {
      throw new Error('the test broke it');
    };
    Object.assign(globalThis, { mend: () => Object.assign(Date.prototype, { toLocaleTimeString: whole }) });
  });
  await ada.page.getByTestId('open-chat').click();
  await bob.page.getByTestId('open-chat').click();
  await bob.page.getByTestId('chat-input').fill('Hello');
  await bob.page.keyboard.press('Enter');
  await ada.page.getByTestId('part-broken').waitFor();
  expect(await ada.page.getByTestId('remote-video').count(), 'the stage is untouched').toBe(1);
  const before = await received(ada.page);
  await vi.waitFor(async () => {
    const now = await received(ada.page);
    expect(now.framesDecoded).toBeGreaterThan(before.framesDecoded + 5);
    expect(now.audioEnergy).toBeGreaterThan(before.audioEnergy);
  }, patience);
  await ada.page.evaluate(() => (globalThis as unknown as { mend(): void }).mend());
  await ada.page.getByTestId('part-broken').getByRole('button', { name: 'Try again' }).click();
  await ada.page.getByTestId('chat-line').getByText('Hello').waitFor();
  await ada.page.getByTestId('leave').click();
  await ada.page.locator('[data-testid=ended][data-end=left]').waitFor();
});

test('code that does not arrive: the settings say so in their dialog, the screen of a call leaves the sound and the way out', async () => {
  const ada = await suite.open({
    query: '?room=chunks',
    expected: /Failed to load|ChunkLoadError|ERR_FAILED|Loading chunk/,
  });
  await ada.page.getByTestId('join').waitFor();
  await ada.page.waitForLoadState('networkidle');
  await ada.page.route('**/_next/static/**', (route) => route.abort());
  await ada.page.getByRole('button', { name: 'Settings' }).click();
  await ada.page.locator('dialog').getByTestId('part-broken').waitFor();
  await ada.page.unroute('**/_next/static/**');
  await ada.page.locator('dialog').getByRole('button', { name: 'Try again' }).click();
  await ada.page.getByTestId('language').waitFor();
});

test('the screen of a call does not arrive, nor what comes after it: the sound is there, Leave, and a new call', async () => {
  const bob = await join('Bob', 'no-screen');
  await bob.page.getByTestId('empty-room').waitFor();
  const ada = await suite.open({
    query: '?room=no-screen',
    expected: /Failed to load|ChunkLoadError|ERR_FAILED|Loading chunk/,
    // The lobby loads the screen ahead: without it, as if the network went right after the page.
    blocked: [...CALL_SCREEN, ...ENDED_SCREEN],
  });
  await ada.page.getByTestId('name-input').fill('Ada');
  await ada.page.getByTestId('join').click();
  await ada.page.getByTestId('part-broken').waitFor();
  await vi.waitFor(async () => expect((await received(ada.page)).audioEnergy).toBeGreaterThan(0), patience);
  await expectAccessible(ada.page, 'a call without its screen');
  await ada.page.getByTestId('leave').click();
  await ada.page.getByTestId('ended').getByTestId('part-broken').waitFor();
  await expectAccessible(ada.page, 'the end of a call without its screen');
  await bob.page.getByTestId('empty-room').waitFor();
  await ada.page.getByTestId('new-call').click();
  await ada.page.getByTestId('join').waitFor();
});
