/** What the page waits for may come when it is not wanted any more: after the call nothing is live, whatever came when. */

import type { Page } from 'playwright-core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { random } from '../packages/rtc/src/testing.ts';
import { startPwa } from './pwa/harness.ts';
import { type Inside, patience, pwaSuite } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

const suite = pwaSuite();
const { open, join } = suite;

/** Every answer of the browser that brings something live is late, by chance, and remembered. */
function lateDevices() {
  const given: MediaStreamTrack[] = [];
  const waiting: (() => void)[] = [];
  const media = navigator.mediaDevices;
  const late = { held: false };
  const whole = media.getUserMedia.bind(media);
  const remember = async (stream: MediaStream) => {
    given.push(...stream.getTracks());
    if (late.held) await new Promise<void>((done) => waiting.push(done));
    return stream;
  };
  media.getUserMedia = async (constraints) => remember(await whole(constraints));
  let pickers = 0;
  media.getDisplayMedia = async () => {
    pickers++;
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 64 });
    canvas.getContext('2d')?.fillRect(0, 0, 64, 64);
    return remember(canvas.captureStream(5));
  };
  Object.assign(globalThis, {
    late: {
      hold: (on: boolean) => {
        late.held = on;
      },
      release: () => {
        for (const done of waiting.splice(0)) done();
      },
      live: () => given.filter((track) => track.readyState === 'live').map((track) => track.kind),
      pickers: () => pickers,
    },
  });
}
interface Late {
  late: { hold(on: boolean): void; release(): void; live(): string[]; pickers(): number };
  keptConnections: RTCPeerConnection[];
}
const late = <T>(page: Page, run: (late: Late['late']) => T): Promise<T> =>
  page.evaluate(`(${String(run)})(globalThis.late)`) as Promise<T>;

/** Nothing captures, no connection is open but that made ready for the next call. */
async function expectNothingLive(page: Page, what: string): Promise<void> {
  await vi.waitFor(async () => expect(await late(page, (l) => l.live()), what).toEqual([]), patience);
}

test('the screen picker is open when the call ends: what it gives is stopped; a second picker is not opened', async () => {
  const { page } = await join('Ada', 'picker', { before: lateDevices });
  await page.getByTestId('empty-room').waitFor();
  await late(page, (l) => l.hold(true));
  await page.keyboard.press('s');
  await page.keyboard.press('s');
  await vi.waitFor(async () => expect(await late(page, (l) => l.live())).toContain('video'), patience);
  expect(await late(page, (l) => l.pickers())).toBe(1);
  await page.getByTestId('leave').click();
  await page.getByTestId('ended').waitFor();
  await late(page, (l) => l.release());
  await expectNothingLive(page, 'after the picker answered');
  expect(
    await page.evaluate(() => (globalThis as unknown as Inside).__tandem.model.get().sharing),
    'nothing is shared',
  ).toBeUndefined();
});

test('ten seeds of switches, devices and screens with late answers, then the end: nothing is live', async () => {
  const { page } = await open({ before: lateDevices, query: '?room=late' });
  await page.getByTestId('name-input').fill('Ada');
  await page.getByTestId('join').click();
  for (let seed = 1; seed <= 10; seed++) {
    const chance = random(seed);
    await page.getByTestId('leave').waitFor();
    for (let step = 0; step < 8; step++) {
      await late(page, chance() < 0.6 ? (l) => l.hold(true) : (l) => l.hold(false));
      await page.keyboard.press(['m', 'v', 's', 'v'][Math.floor(chance() * 4)] ?? 'v');
      if (chance() < 0.3) await late(page, (l) => l.release());
    }
    await page.getByTestId('leave').click();
    await page.getByTestId('ended').waitFor();
    await late(page, (l) => {
      l.hold(false);
      l.release();
    });
    await expectNothingLive(page, `seed ${seed}`);
    await page.getByTestId('rejoin').click();
  }
});

test('a WebSocket that is swallowed: words that name it, the checks, and a way back to a lobby that works', async () => {
  const { page } = await open({
    query: '?room=swallowed',
    // The page asks by a plain request why no socket opens.
    expected: /426 \(Upgrade Required\)/,
    before: () => {
      // A proxy that takes the handshake and never answers it, until it is mended.
      let swallows = true;
      class Swallowed extends EventTarget {
        readonly readyState = 0;
        send(): void {}
        close(): void {}
      }
      Object.assign(globalThis, {
        WebSocket: new Proxy(WebSocket, {
          construct: (whole, args) => (swallows ? new Swallowed() : Reflect.construct(whole, args)),
        }),
        mend: () => {
          swallows = false;
        },
      });
    },
  });
  await page.getByTestId('name-input').fill('Ada');
  await page.getByTestId('join').click();
  await page.getByTestId('still-trying').getByRole('button', { name: 'Cancel' }).waitFor();
  await page.locator('[data-testid=obstacle][data-obstacle=websocket]').waitFor();
  expect(await page.getByTestId('obstacle').getByRole('link', { name: 'Check my devices and network' }).count()).toBe(
    1,
  );
  await page.getByTestId('cancel-join').click();
  await page.getByTestId('obstacle').waitFor({ state: 'detached' });
  expect(await page.getByTestId('join').isEnabled()).toBe(true);
  await page.getByTestId('local-video').waitFor();
  await page.evaluate(() => (globalThis as unknown as { mend(): void }).mend());
  await page.getByTestId('join').click();
  await page.getByTestId('empty-room').waitFor();
});

test('the permission is taken back in the call: the page says so, and not that something was unplugged', async () => {
  const { page } = await join('Ada', 'revoked');
  await page.getByTestId('empty-room').waitFor();
  await page.evaluate(() => {
    navigator.permissions.query = async () => ({ state: 'denied' }) as PermissionStatus;
    navigator.mediaDevices.getUserMedia = async () => {
      throw new DOMException('Permission denied', 'NotAllowedError');
    };
    const { audioTrack } = (globalThis as unknown as Inside).__tandem.media.get();
    audioTrack?.stop();
    audioTrack?.dispatchEvent(new Event('ended'));
  });
  await page.getByTestId('device-banner').getByText('Your browser blocks camera and microphone').waitFor();
  expect(await page.getByText('was unplugged').count()).toBe(0);
});

test('plain http on a LAN name: says that the page is not secure, and why, instead of stopping', async () => {
  const browser = await launchBrowser(['--host-resolver-rules=MAP lan.test 127.0.0.1']);
  try {
    const { page } = await open({
      // Chromium says that it ignores the header on such a page.
      expected: /Cross-Origin-Opener-Policy/,
      browser,
      origin: suite.pwa.origin.replace('127.0.0.1', 'lan.test'),
      query: '?room=lan',
    });
    await page.locator('[data-testid=permission-help][data-problem=insecure]').waitFor();
    await page.getByTestId('name-input').fill('Ada');
    await page.getByTestId('join').click();
    await page.getByTestId('empty-room').waitFor();
  } finally {
    await browser.close();
  }
});

test('http://[::1] is a page of this machine like any other: camera, service, call', async () => {
  const pwa = await startPwa({ host: '::1' });
  // After the page, which complains of a service that is gone: the last that is registered runs first.
  onTestFinished(() => pwa[Symbol.asyncDispose]());
  const { page } = await open({ origin: pwa.origin, query: '?room=six' });
  await page.getByTestId('local-video').waitFor();
  await page.getByTestId('name-input').fill('Ada');
  await page.getByTestId('join').click();
  await page.getByTestId('empty-room').waitFor();
  expect(await page.getByTestId('invite-link').textContent()).toContain('[::1]');
});
