/** Blur and pictures behind a person in real Chromium: what they do to the camera, and what never leaves while they do not run. */
import type { Page } from 'playwright-core';
import { expect, test, vi } from 'vitest';
import { flip, type Inside, media, openSettings } from './pwa/effects.ts';
import { PEOPLE, type Person } from './pwa/people.ts';
import { enter, expectAccessible, noDevices, patience, pwaSuite } from './pwa/suite.ts';
import { received } from './support/browser.ts';

const { open, join } = pwaSuite();

/** Keeps what leaves the page (`device` is a camera's own track), and its workers. Blur is switched on when asked for. */
function watch(): void {
  const seen = Object.assign(globalThis as unknown as Inside, { given: [], descriptions: 0, workers: [], taken: 0 });
  const note = (track: MediaStreamTrack | string | null) => {
    if (track === null) seen.given.push('none');
    else if (typeof track !== 'string' && track.kind === 'video')
      seen.given.push(track instanceof seen.MediaStreamTrackGenerator ? 'blurred' : 'device');
  };
  const sender = RTCRtpSender.prototype;
  const { replaceTrack } = sender;
  sender.replaceTrack = function (track) {
    if (this.track?.kind === 'video' || track?.kind === 'video') note(track);
    return replaceTrack.call(this, track);
  };
  const { addTrack, addTransceiver, setLocalDescription } = RTCPeerConnection.prototype;
  Object.assign(RTCPeerConnection.prototype, {
    addTrack(this: RTCPeerConnection, track: MediaStreamTrack, ...streams: MediaStream[]) {
      note(track);
      return addTrack.apply(this, [track, ...streams]);
    },
    addTransceiver(this: RTCPeerConnection, track: MediaStreamTrack | string, init?: RTCRtpTransceiverInit) {
      note(track);
      return addTransceiver.call(this, track, init);
    },
    setLocalDescription(this: RTCPeerConnection, description?: RTCLocalSessionDescriptionInit) {
      seen.descriptions++;
      return setLocalDescription.apply(this, [description] as never);
    },
  });
  const Processor = seen.MediaStreamTrackProcessor;
  seen.MediaStreamTrackProcessor = class extends Processor {
    constructor(init: object) {
      super(init);
      seen.taken++;
    }
  };
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...(args as [URL]));
      seen.workers.push(this);
    }
  };
}

const sitter: Person = { ...(PEOPLE[0] as Person), stripes: true };
type Area = readonly [x: number, y: number, width: number, height: number];
/** Of the painted room: stripes on the wall, and a face. */
const WALL: Area = [0.02, 0.1, 0.2, 0.8];
const FACE: Area = [0.43, 0.38, 0.14, 0.14];

/** How much fine detail a part of a picture has: the mean difference of neighbours, of 255. */
function detail(page: Page, testId: string, area: Area): Promise<number> {
  return page.getByTestId(testId).evaluate((video: HTMLVideoElement, [x, y, w, h]) => {
    const canvas = new OffscreenCanvas(640, 360);
    const g = canvas.getContext('2d');
    if (!g || video.videoWidth === 0) return Number.NaN;
    g.drawImage(video, 0, 0, 640, 360);
    const [width, height] = [Math.round(w * 640), Math.round(h * 360)];
    const { data } = g.getImageData(x * 640, y * 360, width, height);
    let sum = 0;
    for (let i = 4; i < data.length; i += 4)
      if (i % (width * 4) > 0) sum += Math.abs((data[i + 1] ?? 0) - (data[i - 3] ?? 0));
    return sum / (width * height);
  }, area);
}

const seen = (page: Page) =>
  page.evaluate(() => {
    const { given, descriptions } = globalThis as unknown as Inside;
    return { given, descriptions };
  });

test('blur in a call: the wall goes soft for the others, the face stays; no renegotiation, nothing loaded before it is wanted', async () => {
  const ada = await open({ query: '?room=blur', person: sitter, before: watch });
  const loaded: string[] = [];
  ada.page.on('request', (request) => {
    // Of the pictures to choose from there are small images beside the switch.
    if (request.url().includes('/effects-') && request.resourceType() !== 'image')
      loaded.push(new URL(request.url()).pathname.split('/').at(-1) ?? '');
  });
  await enter(ada.page, 'Ada');
  const bob = await join('Bob', 'blur');
  await bob.page.getByTestId('remote-video').waitFor();
  const wall = () => detail(bob.page, 'remote-video', WALL);
  const face = () => detail(bob.page, 'remote-video', FACE);
  await vi.waitFor(async () => {
    expect(await wall()).toBeGreaterThan(20);
    expect(await face()).toBeGreaterThan(2);
  }, patience);
  expect(loaded).toEqual([]);
  const before = await seen(ada.page);

  await openSettings(ada.page);
  await flip(ada.page, 'backgroundBlur');
  await vi.waitFor(async () => {
    expect(await wall()).toBeLessThan(4);
    expect(await face()).toBeGreaterThan(2);
  }, patience);
  await expectAccessible(ada.page, 'settings with blur');
  expect(loaded.sort()).toEqual(['blur-worker.js', 'model.bin', 'segmenter.bin']);
  const frames = (await received(bob.page)).framesDecoded;
  await vi.waitFor(async () => expect((await received(bob.page)).framesDecoded).toBeGreaterThan(frames + 5), patience);

  await flip(ada.page, 'backgroundBlur');
  await vi.waitFor(async () => expect(await wall()).toBeGreaterThan(20), patience);
  const after = await seen(ada.page);
  expect(after.given.slice(before.given.length)).toEqual(['none', 'blurred', 'device']);
  expect(after.descriptions).toBe(before.descriptions);
});

/** The colour of a part of a picture: mean of red, green and blue. */
function colour(page: Page, testId: string, area: Area): Promise<number[]> {
  return page.getByTestId(testId).evaluate((video: HTMLVideoElement, [x, y, w, h]) => {
    const g = new OffscreenCanvas(1, 1).getContext('2d');
    if (!g || video.videoWidth === 0) return [];
    const [width, height] = [video.videoWidth, video.videoHeight];
    g.drawImage(video, x * width, y * height, w * width, h * height, 0, 0, 1, 1);
    return [...g.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }, area);
}

test('a picture behind me: the others see it in place of my wall, another one at once, and blur where it does not load', async () => {
  const picture = { backgroundBlur: true, backdrop: 'plain' };
  const ada = await join('Ada', 'picture', {
    person: sitter,
    before: watch,
    remembers: picture,
    expected: /ERR_FAILED/,
  });
  const bob = await join('Bob', 'picture', { before: noDevices });
  await bob.page.getByTestId('remote-video').waitFor();
  const wall = () => colour(bob.page, 'remote-video', WALL);
  // Petrol is green, the painted wall is warm paper with black stripes: of that red is the most.
  const isPetrol = ([r = 0, g = 0]: number[]) => g > r + 20;
  await vi.waitFor(async () => expect(isPetrol(await wall()), String(await wall())).toBe(true), patience);
  await vi.waitFor(async () => expect(await detail(bob.page, 'remote-video', FACE)).toBeGreaterThan(2), patience);
  expect((await seen(ada.page)).given).not.toContain('device');

  await ada.page.route('**/effects-*/hills.webp', (route) => route.abort());
  await openSettings(ada.page);
  await ada.page.getByTestId('backdrop-plain').and(ada.page.locator('[aria-pressed=true]')).waitFor();
  await ada.page.getByTestId('backdrop-hills').click();
  await ada.page.getByTestId('backdrop-missing').waitFor();
  await expectAccessible(ada.page, 'settings with a picture that did not load');
  await vi.waitFor(async () => {
    expect(isPetrol(await wall())).toBe(false);
    expect(await detail(bob.page, 'remote-video', WALL)).toBeLessThan(4);
  }, patience);
  await ada.page.getByTestId('backdrop-plain').click();
  await vi.waitFor(async () => expect(isPetrol(await wall())).toBe(true), patience);
  await ada.page.getByTestId('backdrop-missing').waitFor({ state: 'detached' });

  const file = ada.page.getByTestId('backdrop-file');
  await file.setInputFiles({ name: 'beach.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') });
  await ada.page.getByTestId('backdrop-unreadable').waitFor();
  const blue = await ada.page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
    const paint = canvas.getContext('2d') as CanvasRenderingContext2D;
    paint.fillStyle = '#00f';
    paint.fillRect(0, 0, 64, 36);
    return canvas.toDataURL().split(',')[1] ?? '';
  });
  await file.setInputFiles({ name: 'beach.png', mimeType: 'image/png', buffer: Buffer.from(blue, 'base64') });
  await ada.page.getByTestId('backdrop-unreadable').waitFor({ state: 'detached' });
  const own = ada.page.getByTestId('backdrop-own').and(ada.page.locator('[aria-pressed=true]'));
  await own.locator('img').waitFor();
  await vi.waitFor(async () => {
    const [r = 0, g = 0, b = 0] = await wall();
    expect(b).toBeGreaterThan(Math.max(r, g) + 60);
  }, patience);
  await expectAccessible(ada.page, 'settings with a picture of my own');
  expect(await media(ada.page)).toMatchObject({ video: 'live', sends: 'blurred' });
  expect((await seen(ada.page)).given).not.toContain('device');
});

test('blur in the lobby: one button beside the camera, and it is remembered', async () => {
  const { page } = await open({ query: '?room=lobby', person: sitter });
  const wall = () => detail(page, 'local-video', WALL);
  const button = page.getByTestId('toggle-blur');
  await page.getByTestId('local-video').waitFor();
  await vi.waitFor(async () => expect(await wall()).toBeGreaterThan(20), patience);
  expect(await button.getAttribute('aria-pressed')).toBe('false');
  await button.click();
  await vi.waitFor(async () => expect(await wall()).toBeLessThan(4), patience);
  await page.locator('[data-testid=toggle-blur][aria-pressed=true]').waitFor();
  await expectAccessible(page, 'lobby with blur');
  await page.reload();
  await page.getByTestId('local-video').waitFor();
  await vi.waitFor(async () => expect(await wall()).toBeLessThan(4), patience);
});

test('blur from an earlier visit: the first frame that leaves is blurred, and so is that of another camera', async () => {
  const ada = await join('Ada', 'again', { before: watch, remembers: { backgroundBlur: true } });
  const bob = await join('Bob', 'again');
  await bob.page.getByTestId('remote-video').waitFor();
  await openSettings(ada.page);
  const first = await media(ada.page);
  expect(first).toMatchObject({ video: 'live', sends: 'blurred' });
  const select = ada.page.getByTestId('device-videoinput');
  await select.selectOption({ label: 'fake_device_2' });
  await vi.waitFor(
    async () =>
      expect(await media(ada.page)).toMatchObject({ video: 'live', sends: 'blurred', camera: 'fake_device_2' }),
    patience,
  );
  const frames = (await received(bob.page)).framesDecoded;
  await vi.waitFor(async () => expect((await received(bob.page)).framesDecoded).toBeGreaterThan(frames + 5), patience);
  const { given } = await seen(ada.page);
  expect(given).toContain('blurred');
  expect(given).not.toContain('device');
});

test('blur that does not load, or breaks in a call: says so, sends nothing, and asks before it shows the room', async () => {
  // A frame that is inside Chromium's stream when its worker fails can be closed by nobody: the two tests below hold those that can be.
  const expected = /ERR_FAILED|503|VideoFrame was garbage collected/;
  const { page } = await open({ query: '?room=broken', before: watch, expected });
  await page.getByTestId('local-video').waitFor();
  await page.route('**/effects-*/model.bin', (route) => route.fulfill({ status: 503 }));
  await page.getByRole('button', { name: 'Settings' }).click();
  await flip(page, 'backgroundBlur');
  await page.getByTestId('blur-failed').waitFor();
  await expectAccessible(page, 'settings when blur failed');
  await page.keyboard.press('Escape');
  expect(await media(page)).toMatchObject({ video: 'failed', sends: 'none', camera: undefined });
  await expectAccessible(page, 'blur failed in the lobby');
  // Chromium takes the first frame of a stream before anybody reads it: that one would stay open.
  expect(await page.evaluate(() => (globalThis as unknown as Inside).taken)).toBe(0);
  await page.unroute('**/effects-*/model.bin');
  await page.route('**/effects-*/blur-worker.js', (route) => route.abort());
  const again = page.waitForEvent('requestfailed');
  await page.getByRole('button', { name: 'Try again' }).click();
  await again;
  await page.getByTestId('blur-failed').waitFor();

  await enter(page, 'Ada');
  const bob = await join('Bob', 'broken');
  await page.getByTestId('remote-video').waitFor();
  await bob.page.getByTestId('peer-tile').waitFor();
  await page.getByTestId('blur-banner').waitFor();
  await expectAccessible(page, 'blur failed in a call');
  await page.unroute('**/effects-*/blur-worker.js');
  await page.getByRole('button', { name: 'Try again' }).click();
  await bob.page.getByTestId('remote-video').waitFor();
  expect((await seen(page)).given).not.toContain('device');

  await page.evaluate(() => (globalThis as unknown as Inside).workers.at(-1)?.dispatchEvent(new ErrorEvent('error')));
  await page.getByTestId('blur-banner').waitFor();
  await bob.page.getByTestId('remote-video').waitFor({ state: 'detached' });
  expect((await seen(page)).given).not.toContain('device');
  await page.getByRole('button', { name: 'Show me without blur' }).click();
  await bob.page.getByTestId('remote-video').waitFor();
  expect((await seen(page)).given.at(-1)).toBe('device');
});

test('blur where the browser has no streams of frames: by canvas', async () => {
  const { page } = await open({
    person: sitter,
    remembers: { backgroundBlur: true },
    before: () => {
      Reflect.deleteProperty(globalThis, 'MediaStreamTrackGenerator');
    },
  });
  await page.getByTestId('local-video').waitFor();
  await vi.waitFor(async () => {
    expect(await detail(page, 'local-video', WALL)).toBeLessThan(4);
    expect(await detail(page, 'local-video', FACE)).toBeGreaterThan(2);
  }, patience);
});

/** Runs in the blur worker before its own code: the third blurred frame is not taken. Tells how many frames are open there. */
function countFrames(third: 'waits' | 'is refused'): void {
  const frames = new Set<VideoFrame>();
  const channel = new BroadcastChannel('open-frames');
  // A closed frame has no size.
  const tell = () => channel.postMessage([...frames].filter(({ codedWidth }) => codedWidth > 0).length);
  const { read } = ReadableStreamDefaultReader.prototype;
  const { write, abort } = WritableStreamDefaultWriter.prototype;
  const { close } = VideoFrame.prototype;
  let written = 0;
  let refuse = () => {};
  Object.assign(ReadableStreamDefaultReader.prototype, {
    async read(this: ReadableStreamDefaultReader) {
      const result = await read.call(this);
      if (result.value instanceof VideoFrame) frames.add(result.value);
      return result;
    },
  });
  WritableStreamDefaultWriter.prototype.write = function (frame: VideoFrame) {
    frames.add(frame);
    if (++written < 3) return write.call(this, frame);
    tell();
    return new Promise((_, reject) => {
      refuse = () => reject(new Error('not taken'));
      if (third === 'is refused') refuse();
    });
  };
  WritableStreamDefaultWriter.prototype.abort = function (reason) {
    refuse();
    return abort.call(this, reason);
  };
  VideoFrame.prototype.close = function () {
    close.call(this);
    if (written >= 3) tell();
  };
}

test.each(['waits', 'is refused'] as const)('blur that ends while a frame %s leaves none open', async (third) => {
  const { page } = await open({ query: '?room=frames', before: watch });
  await page.getByTestId('local-video').waitFor();
  await page.route('**/effects-*/blur-worker.js', async (route) => {
    const response = await route.fetch();
    // The name helper: esbuild wraps functions of test files in it.
    const prelude = `const __name = (f) => f; (${countFrames})(${JSON.stringify(third)});`;
    await route.fulfill({ response, body: `${prelude}${await response.text()}` });
  });
  await page.evaluate(() => {
    const told: number[] = [];
    Object.assign(globalThis, { told });
    new BroadcastChannel('open-frames').onmessage = ({ data }) => told.push(data);
  });
  const told = () => page.evaluate(() => (globalThis as unknown as { told: number[] }).told);
  await page.getByTestId('toggle-blur').click();
  await vi.waitFor(async () => expect((await told())[0]).toBe(1), patience);
  if (third === 'waits') await page.evaluate(() => (globalThis as unknown as Inside).__tandem.media.setCamera(false));
  else await page.getByTestId('blur-failed').waitFor();
  await vi.waitFor(async () => expect((await told()).at(-1)).toBe(0), patience);
  await vi.waitFor(() => expect(page.workers()).toEqual([]), patience);
});

test('a blur worker that hangs is ended with the camera', async () => {
  const { page } = await open({ query: '?room=hangs', before: watch });
  await page.getByTestId('local-video').waitFor();
  await page.route('**/effects-*/blur-worker.js', (route) =>
    route.fulfill({ contentType: 'text/javascript', body: 'onmessage = () => postMessage({ type: "want" });' }),
  );
  await page.getByTestId('toggle-blur').click();
  await vi.waitFor(() => expect(page.workers()).toHaveLength(1), patience);
  await page.evaluate(() => (globalThis as unknown as Inside).__tandem.media.setCamera(false));
  await vi.waitFor(() => expect(page.workers()).toEqual([]), patience);
});
