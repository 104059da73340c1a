/** Captions by the deployment's service, where the browser recognizes nothing itself: its sound, past the real edge and service, to a recognizer. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startRecognizer, startTestCaptions, type TestRecognizer } from '../apps/captions/src/testing.ts';
import { startTestKeys, type TestKeys } from '../apps/signaling/src/testing.ts';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { enter, noDevices, type OpenOptions, openPage, patience } from './pwa/suite.ts';
import { launchBrowser, received } from './support/browser.ts';
import { launchFirefox } from './support/firefox.ts';
import { startSilentOutput } from './support/silent-output.ts';
import { speak, startPocketsphinx } from './support/speech.ts';

const world = new AsyncDisposableStack();
let browser: Browser;
let keys: TestKeys;
let pwa: Pwa;
let recognizer: TestRecognizer;

/** The page with a captions service of its own. @param url of the recognizer */
async function pwaWith(url: string, stack: AsyncDisposableStack): Promise<Pwa> {
  const captions = stack.use(await startTestCaptions({ jwksUrl: keys.jwksUrl, recognizers: `en=${url}` }));
  return stack.use(await startPwa({ keys, captions: captions.url, clientSettings: { captionLanguages: ['en'] } }));
}

beforeAll(async () => {
  keys = world.use(await startTestKeys());
  recognizer = world.use(await startRecognizer());
  pwa = await pwaWith(recognizer.url, world);
  browser = await launchBrowser();
  world.defer(() => browser.close());
});
afterAll(() => world.disposeAsync());

/** No recognizer on the device, whatever this browser has. */
const withoutRecognizer = () => {
  Object.assign(globalThis, { SpeechRecognition: undefined });
};

/** As Firefox is where there is no sound output: a context never runs. */
const withoutSound = () => {
  const Real = AudioContext;
  globalThis.AudioContext = class extends Real {
    constructor(options?: AudioContextOptions) {
      super(options);
      void this.suspend();
    }
    override resume = () => new Promise<void>(() => {});
  };
  Object.assign(globalThis, { SpeechRecognition: undefined });
};

async function join(name: string, query: string, options: OpenOptions) {
  const { page } = await openPage(options.browser ?? browser, options.origin ?? pwa.origin, { ...options, query });
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

test('an encrypted call sends no sound to the service, also where it was allowed before, and says so', async () => {
  const { page: ada } = await openPage(browser, pwa.origin, {
    before: withoutRecognizer,
    remembers: { captionSent: true },
  });
  const lines: string[] = [];
  ada.on('websocket', (socket) => lines.push(new URL(socket.url()).pathname));
  await ada.getByTestId('switch-encryption').check();
  // The notice is there for some seconds only.
  await Promise.all([ada.getByText('your voice goes to no speech service').waitFor(), enter(ada, 'Ada')]);
  await ada.getByTestId('empty-room').waitFor();
  const { search, hash } = new URL(ada.url());
  expect(hash).toMatch(/^#k=[\w-]{22}$/);
  const bob = await join('Bob', `${search}${hash}`, { before: noDevices });
  await ada.getByTestId('peer-tile').waitFor();
  const heardMore = async () => {
    const { audioEnergy } = await received(bob);
    await vi.waitFor(async () => expect((await received(bob)).audioEnergy).toBeGreaterThan(audioEnergy), patience);
  };
  await heardMore();
  // The microphone anew: another look at whether its sound may go.
  await ada.getByTestId('toggle-mic').click();
  await ada.getByTestId('toggle-mic').click();
  await heardMore();
  await ada.getByTestId('more').click();
  await ada.getByTestId('open-settings').click();
  expect(await ada.getByTestId('switch-captionSent').isDisabled()).toBe(true);
  expect(lines).toContain('/ws/signal');
  expect(lines).not.toContain('/captions');
  expect(recognizer.sockets.size).toBe(0);
});

test('a browser that runs no sound: the page says that there are no captions', async () => {
  const { page } = await openPage(browser, pwa.origin, {
    ...{ query: '?room=mute', before: withoutSound, remembers: { captionSent: true } },
  });
  // The notice is there for some seconds only.
  await Promise.all([page.getByText('Captions of what you say are interrupted').waitFor(), enter(page, 'Ada')]);
  expect(recognizer.sockets.size).toBe(0);
});

test('Firefox, which recognizes nothing itself: its microphone goes to the service, and the other browser shows the words', async () => {
  await using output = await startSilentOutput();
  await using firefox = await launchFirefox(output.env);
  recognizer.answer = () => '{"text" : "said in Firefox"}';
  const bob = await join('Bob', '?room=foxes', { before: noDevices });
  const ada = await firefox.newPage();
  const faults: string[] = [];
  ada.on('pageerror', (error) => faults.push(String(error)));
  ada.setDefaultTimeout(patience.timeout);
  const at = (id: string) => ada.locator(`[data-testid=${id}]`);
  await ada.goto(`${pwa.origin}/?room=foxes`);
  await at('allow-media').click();
  await at('name-input').fill('Ada');
  await at('join').click();
  await bob.getByTestId('peer-tile').waitFor();
  await at('more').click();
  await at('open-settings').click();
  await at('switch-captionSent').click();
  await bob.getByTestId('captions').getByText('Ada: said in Firefox', { exact: true }).waitFor();
  expect(faults).toEqual([]);
});

test('a real recognizer: a sentence said to the microphone is read by the others', async () => {
  const here = new AsyncDisposableStack();
  // After the pages, which are closed first: what is opened last is closed first.
  onTestFinished(() => here.disposeAsync());
  const folder = mkdtempSync(path.join(tmpdir(), 'captions-'));
  here.defer(() => rmSync(folder, { recursive: true }));
  const sentence = 'find the telephone move the orange';
  const file = path.join(folder, 'said.wav');
  speak(sentence, file);
  const { url } = here.use(await startPocketsphinx(folder));
  const { origin } = await pwaWith(url, here);
  const speaking = await launchBrowser([`--use-file-for-fake-audio-capture=${file}`]);
  here.defer(() => speaking.close());
  const bob = await join('Bob', '?room=real', { origin, before: noDevices });
  await join('Ada', '?room=real', {
    ...{ origin, browser: speaking, before: withoutRecognizer, remembers: { captionSent: true } },
  });
  await bob.getByTestId('captions').getByText(`Ada: ${sentence}`, { exact: true }).waitFor();
});
