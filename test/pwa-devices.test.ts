/** What I share, and the devices and the picture of my own, in real Chromium. */
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { atRest, expectAccessible, muted, overlaps, patience, pwaSuite } from './pwa/suite.ts';
import { received } from './support/browser.ts';

const suite = pwaSuite();
const { join, peer } = suite;

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

  // The others cannot tell it from the voice, so its owner turns it down alone.
  await ada.page.getByTestId('shared-volume').fill('0');
  await vi.waitFor(async () => expect(await heard()).toBeLessThan(1e-4), patience);
  await bar.getByText('You share your screen and its sound').waitFor();
  await ada.page.getByTestId('shared-volume').fill('60');
  await vi.waitFor(async () => expect(await heard()).toBeGreaterThan(0.001), patience);
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
