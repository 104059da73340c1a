/** Recordings from the page: the built web app on `npm start` with its media node, Janus, composer and ffmpeg, in Chromium. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Download, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startStack } from '../infra/local/stack.ts';
import { startS3 } from '../packages/service/src/testing/index.ts';
import { clientDir } from './pwa/harness.ts';
import { enter, expectAccessible, openPage } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

const WAIT = { timeout: 120_000, interval: 200 };
let browser: Browser;

beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser?.close());

/** `npm start` that records, and lets everybody record. */
async function recordingStack(place: 'folder' | 'bucket') {
  const kept = new AsyncDisposableStack();
  onTestFinished(() => kept.disposeAsync());
  const dataDir = mkdtempSync(join(tmpdir(), 'pwa-recordings-'));
  kept.defer(() => rmSync(dataDir, { recursive: true, force: true }));
  const s3 = place === 'bucket' ? kept.use(await startS3()) : undefined;
  const recordings = s3 ? { RECORDINGS: s3.url, ...s3.env } : { RECORDINGS: join(dataDir, 'recordings') };
  const stack = kept.use(
    await startStack({
      ...{ port: 0, nodes: 1, media: true, clientDir, dataDir, recordings },
      env: {
        auth: { OPEN_GRANTS: '{"record":true}' },
        signaling: { MAX_EVENT_LOOP_DELAY_MS: '10000' },
        media: { RECORDING_PART_SECONDS: '1' },
        composer: { EVERY_SECONDS: '1' },
      },
    }),
  );
  expect(stack.leftOut).toEqual([]);
  return stack;
}

/** Of the page, or of one that it opens for it. */
const download = (page: Page, context: BrowserContext) =>
  new Promise<Download>((resolve) => {
    page.on('download', resolve);
    context.on('page', (opened) => opened.on('download', resolve));
  });

test.each(['folder', 'bucket'] as const)(
  'R-1 R-4 R-7 R-8 who may record begins and ends it in the page, sees who began it, saves the film from a %s, and deletes it',
  async (place) => {
    const stack = await recordingStack(place);
    const { page, context } = await openPage(browser, stack.origin, { query: '?room=visit' });
    await enter(page, 'Ada');
    await page.getByTestId('people-count').click();
    await page.getByTestId('recordings').click();
    await page.getByText('There are none yet.').waitFor();
    await page.getByTestId('record').click();
    await page.getByTestId('recording-sign').waitFor();
    const row = page.getByTestId('recording-row');
    const status = () => row.getAttribute('data-status');
    await vi.waitFor(async () => expect(await status()).toBe('recording'), WAIT);
    await row.getByText('by You').waitFor();
    expect(await page.getByTestId('remove-recording').count()).toBe(0);
    // Seconds of the film.
    await new Promise((resolve) => setTimeout(resolve, 3000));
    await page.getByTestId('record').click();
    await vi.waitFor(async () => expect(await page.getByTestId('recording-sign').count()).toBe(0), WAIT);
    await vi.waitFor(async () => expect(await status()).toBe('ready'), WAIT);
    await expectAccessible(page, 'recordings of the room');
    const saved = download(page, context);
    await page.getByTestId('save-film').click();
    // EBML, as all WebM.
    expect(readFileSync(await (await saved).path()).readUInt32BE(0)).toBe(0x1a45dfa3);
    // It is a film of a call that goes on.
    await page.getByTestId('remove-recording').click();
    await page.getByTestId('remove-recording-sure').click();
    await page.getByText('There are none yet.').waitFor();
    expect(page.url()).toContain('room=visit');
    expect(await page.getByTestId('my-tile').count()).toBe(1);
  },
);
