/**
 * The room's recordings in the page: the built web app on a real signaling node, with Redis and what a folder or a bucket keeps of recordings that are over. One
 * that the page itself begins, of real media, is in test/recordings.test.ts.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type PeerMetadata, SignalingSession } from '../packages/rtc/src/index.ts';
import {
  type ComposedDocument,
  openRecordingStore,
  prefixOf,
  prefixOfRoom,
  type RecordingDocument,
  type RecordingStore,
} from '../packages/service/src/recordings/index.ts';
import { type S3Server, startRedis, startS3, type TestRedis } from '../packages/service/src/testing/index.ts';
import { misfitsOf } from './pwa/axe.ts';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { atRest, downloaded, enter, expectAccessible, hasFocus, noDevices, openPage, patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

const ROOM = 'visit';
/** When the latest of them was begun. */
const LATEST = Date.UTC(2026, 10, 29, 14, 30);
let browser: Browser;
let redis: TestRedis;
let s3: S3Server;

beforeAll(async () => {
  [browser, redis, s3] = await Promise.all([launchBrowser(), startRedis(), startS3()]);
  Object.assign(process.env, s3.env);
});
afterAll(async () => {
  await browser?.close();
  await redis?.[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
});

async function served(place: 'folder' | 'bucket'): Promise<{ pwa: Pwa; store: RecordingStore }> {
  const kept = new AsyncDisposableStack();
  onTestFinished(() => kept.disposeAsync());
  const folder = mkdtempSync(join(tmpdir(), 'pwa-recordings-'));
  kept.defer(() => rmSync(folder, { recursive: true, force: true }));
  const RECORDINGS = place === 'bucket' ? s3.url : join(folder, 'kept');
  const pwa = kept.use(await startPwa({ config: { REDIS_URL: redis.url, RECORDINGS, MEDIA_FROM: 0 } }));
  pwa.auth.grants = { record: true };
  return { pwa, store: await openRecordingStore(RECORDINGS) };
}

/** One that is over, begun a day before the one of the number before. @param film of what came of it; undefined: nothing @returns where it is */
async function keep(store: RecordingStore, n: number, startedBy: string, film: string | undefined): Promise<string> {
  const startedAt = LATEST - n * 86_400_000;
  const id = startedAt.toString(36).padStart(9, '0') + `${n}`.padStart(20, '0');
  const prefix = prefixOf(ROOM, id);
  const begun: RecordingDocument = { id, roomId: ROOM, startedAt, startedBy };
  const films = film === undefined ? [] : [{ name: 'composed.webm', bytes: film.length, startMs: 0 }];
  const made: ComposedDocument = {
    ...{ at: startedAt, durationMs: 3_725_000, files: films },
    ...(film === undefined ? { error: 'no media' } : {}),
  };
  await store.put(`${prefix}recording.json`, JSON.stringify(begun));
  if (film !== undefined) await store.put(`${prefix}composed.webm`, film);
  await store.put(`${prefix}composed.json`, JSON.stringify(made));
  return prefix;
}

/** The first of the list. The focus is never nowhere. */
async function deleteByKeys(page: Page, store: RecordingStore, prefix: string): Promise<void> {
  const before = await page.getByTestId('recording-row').count();
  await page.getByTestId('remove-recording').first().focus();
  await page.keyboard.press('Enter');
  await page.getByTestId('remove-recording-sure').waitFor();
  await page.keyboard.press('Enter');
  await page.getByTestId('remove-recording-sure').waitFor({ state: 'detached' });
  await hasFocus(page, 'remove-recording');
  expect(await store.list(prefix)).toHaveLength(3);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Shift+Tab');
  await hasFocus(page, 'remove-recording-sure');
  await page.keyboard.press('Enter');
  await page
    .getByTestId('recording-row')
    .nth(before - 1)
    .waitFor({ state: 'detached' });
  await hasFocus(page, 'recordings');
  // The page may have looked while the last of its files was being removed.
  await vi.waitFor(async () => expect(await store.list(prefix)).toEqual([]), patience);
}

test.each([
  ['folder', { locale: 'en-GB' }],
  ['bucket', { locale: 'ar', viewport: { width: 390, height: 844 } }],
] as const)(
  'R-4 R-8 who may record sees what a %s keeps of the room, saves a film, and deletes, asked once more',
  async (place, look) => {
    const { pwa, store } = await served(place);
    const mine = await keep(store, 0, 'user:ada', 'film of ada');
    await keep(store, 1, 'user:bob', 'film of bob');
    const gone = await keep(store, 2, 'user:gone', undefined);
    for (let n = 3; n < 25; n++) await keep(store, n, 'key1', 'film');
    const bob = new SignalingSession({ url: `${pwa.origin}/ws/signal`, getToken: () => pwa.token('bob') });
    onTestFinished(() => bob.close());
    await bob.join(ROOM, { name: 'me' } as PeerMetadata);
    const { page, context } = await openPage(browser, pwa.origin, {
      ...{ query: `?room=${ROOM}`, remembers: { userId: 'ada' }, before: noDevices, ...look },
      // One that is deleted twice.
      expected: /404/,
    });
    await enter(page, 'Ada');
    await page.getByTestId('people-count').click();
    const opener = page.getByTestId('recordings');
    await opener.click();
    const rows = page.getByTestId('recording-row');
    await rows.nth(19).waitFor();
    expect(await rows.count()).toBe(20);
    await page.getByTestId('older').click();
    await rows.nth(24).waitFor();
    expect(await page.getByTestId('older').count()).toBe(0);
    const texts = await rows.allTextContents();
    // Somebody called "me" is not me.
    if (place === 'folder')
      expect(texts.slice(0, 3)).toEqual([
        expect.stringMatching(/^29 Nov 2026, .* · by you · 1:02:05/),
        expect.stringMatching(/^28 Nov 2026, .* · by me · 1:02:05/),
        expect.stringMatching(/^27 Nov 2026, [^·]* · No film could be made of it/),
      ]);
    await rows.first().scrollIntoViewIfNeeded();
    await atRest(page);
    expect(await misfitsOf(page)).toEqual([]);
    await expectAccessible(page, `recordings in a ${place}`);

    const saved = downloaded(page, context);
    await page.getByTestId('save-film').first().click();
    expect(readFileSync(await (await saved).path(), 'utf8')).toBe('film of ada');

    await deleteByKeys(page, store, mine);

    // Somebody else was quicker.
    await store.remove(gone);
    await page.getByTestId('remove-recording').nth(1).click();
    await page.getByTestId('remove-recording-sure').click();
    await rows.nth(23).waitFor({ state: 'detached' });
    expect(await page.locator('.room-moderation [role=alert]').count()).toBe(0);
    expect(await store.folders(prefixOfRoom(ROOM))).toHaveLength(23);
    expect(await page.getByTestId('my-tile').count()).toBe(1);
  },
);

test('a list that does not come says so, and one without anything as well', async () => {
  const { pwa } = await served('folder');
  const { page } = await openPage(browser, pwa.origin, {
    ...{ query: `?room=${ROOM}`, before: noDevices, expected: /ERR_FAILED/ },
  });
  await enter(page, 'Ada');
  await page.getByTestId('people-count').click();
  await page.route('**/recordings?*', (route) => route.abort());
  await page.getByTestId('recordings').click();
  await page.locator('.recordings [role=alert]').getByText('That did not work.').waitFor();
  await page.unroute('**/recordings?*');
  await page.getByText('There are none yet.').waitFor();
  expect(await page.locator('.recordings [role=alert]').count()).toBe(0);
});
