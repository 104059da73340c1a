/** Captions by the deployment's service, where the browser recognizes nothing itself: its sound, past the real edge and service, to a recognizer. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startRecognizer, startTestCaptions, type TestRecognizer } from '../apps/captions/src/testing.ts';
import { startTestKeys } from '../apps/signaling/src/testing.ts';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { enter, noDevices, type OpenOptions, openPage, patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

const world = new AsyncDisposableStack();
let browser: Browser;
let pwa: Pwa;
let recognizer: TestRecognizer;

beforeAll(async () => {
  const keys = world.use(await startTestKeys());
  recognizer = world.use(await startRecognizer());
  const captions = world.use(await startTestCaptions({ jwksUrl: keys.jwksUrl, recognizers: `en=${recognizer.url}` }));
  pwa = world.use(await startPwa({ keys, captions: captions.url, clientSettings: { captionLanguages: ['en'] } }));
  browser = await launchBrowser();
  world.defer(() => browser.close());
});
afterAll(() => world.disposeAsync());

/** No recognizer on the device, whatever this browser has. */
const withoutRecognizer = () => {
  Object.assign(globalThis, { SpeechRecognition: undefined });
};

async function join(name: string, query: string, options: OpenOptions) {
  const { page } = await openPage(browser, pwa.origin, { ...options, query });
  await enter(page, name);
  return page;
}

test('the microphone goes to the service while the switch is on and it is not muted; the others read what was said', async () => {
  const ada = await join('Ada', '?room=spoken', { before: withoutRecognizer });
  const bob = await join('Bob', '?room=spoken', { before: noDevices });
  await bob.getByTestId('peer-tile').waitFor();
  await ada.getByTestId('peer-tile').waitFor();
  let loudest = 0;
  recognizer.answer = (sound) => {
    for (let at = 0; at < sound.length; at += 2) loudest = Math.max(loudest, sound.readInt16LE(at));
    return '{"partial" : "the words"}';
  };
  expect(recognizer.sockets.size).toBe(0);
  await ada.getByTestId('more').click();
  await ada.getByTestId('open-settings').click();
  await ada.getByTestId('switch-captionSent').click();
  await ada.keyboard.press('Escape');
  await bob.getByTestId('captions').getByText('Ada: the words', { exact: true }).waitFor();
  // Chromium's fake microphone beeps.
  expect(loudest).toBeGreaterThan(1000);
  await ada.getByTestId('toggle-mic').click();
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(0), patience);
  await ada.getByTestId('toggle-mic').click();
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(1), patience);
});
