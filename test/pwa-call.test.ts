/** Calls of the PWA in real Chromium, with its fake devices: what people do in them, and what happens to them. */
import { type PeerMetadata, SignalingSession } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  atRest,
  enter,
  expectAccessible,
  hasFocus,
  type Inside,
  muted,
  noDevices,
  patience,
  pwaSuite,
} from './pwa/suite.ts';
import { launchBrowser, received } from './support/browser.ts';

const suite = pwaSuite();
const { open, join, peer } = suite;

test('two pages: pictures, chat, reactions, hands, panels, a device switch, leaving and rating', async () => {
  const reports: unknown[] = [];
  const ada = await join('Ada', 'meeting');
  await ada.page.route('**/reports', async (route) => {
    reports.push(route.request().postDataJSON());
    await route.fulfill({ status: 204 });
  });
  await ada.page.getByTestId('empty-room').waitFor();
  expect(await ada.page.getByTestId('invite-link').textContent()).toContain('?room=meeting');
  await expectAccessible(ada.page, 'empty room');

  const bob = await join('Bob', 'meeting');
  await bob.page.route('**/reports', (route) => route.fulfill({ status: 204 }));
  await ada.page.getByTestId('remote-video').waitFor();
  await bob.page.getByTestId('remote-video').waitFor();
  await vi.waitFor(async () => {
    const now = await received(ada.page);
    expect(now.framesDecoded).toBeGreaterThan(5);
    expect(now.audioEnergy).toBeGreaterThan(0);
  }, patience);
  await expectAccessible(ada.page, 'call');

  await bob.page.keyboard.press('c');
  await bob.page.getByTestId('chat-input').fill('Good morning');
  await bob.page.keyboard.press('Enter');
  await ada.page.getByRole('button', { name: 'Chat, 1 new message' }).click();
  await ada.page.getByTestId('chat-line').getByText('Good morning').waitFor();
  await expectAccessible(ada.page, 'chat');
  await ada.page.getByTestId('open-chat').click();

  await ada.page.getByTestId('react').click();
  await expectAccessible(ada.page, 'reactions');
  await ada.page.getByTestId('reaction-heart').click();
  await bob.page.getByTestId('floating-reaction').first().waitFor();
  await ada.page.getByTestId('toggle-hand').click();
  await bob.page.getByTestId('peer-tile').getByText('Hand raised').waitFor();

  await ada.page.getByTestId('open-people').click();
  await vi.waitFor(async () => expect(await ada.page.getByTestId('person').count()).toBe(2), patience);
  await expectAccessible(ada.page, 'people');
  await ada.page.getByRole('button', { name: 'Invite' }).last().click();
  const watch = new URL(`http://${await ada.page.getByTestId('live-link').textContent()}`);
  expect([watch.host, watch.pathname, watch.search]).toEqual([
    new URL(suite.pwa.origin).host,
    '/live/',
    '?room=meeting',
  ]);
  await expectAccessible(ada.page, 'invitation');
  await ada.page.keyboard.press('Escape');
  await ada.page.getByTestId('quality-badge').click();
  await ada.page.getByTestId('stats-panel').getByText('Round trip').waitFor();
  await expectAccessible(ada.page, 'connection details');
  await ada.page.keyboard.press('?');
  await ada.page.getByTestId('shortcut-sheet').waitFor();
  await expectAccessible(ada.page, 'shortcuts');
  await ada.page.keyboard.press('Escape');

  // Mute by key: the other side sees it.
  await ada.page.keyboard.press('m');
  await bob.page.getByTestId('peer-tile').getByText('Microphone off').waitFor();
  await ada.page.keyboard.press('m');

  // A call of less than five seconds asks for no rating.
  await ada.page.waitForTimeout(5000);
  await ada.page.getByTestId('leave').click();
  await ada.page.locator('[data-testid=ended][data-end=left]').waitFor();
  await expectAccessible(ada.page, 'after the call');
  await ada.page.getByTestId('rate-2').click();
  await expectAccessible(ada.page, 'rating');
  await ada.page.getByRole('button', { name: 'Sound' }).click();
  await ada.page.getByRole('button', { name: 'Send' }).click();
  await vi.waitFor(() => expect(reports).toHaveLength(2), patience);
  expect(reports[0]).toMatchObject({ version: 1, roomSize: 2, legs: [{ outcome: 'connected', phase: 'end' }] });
  expect(reports[1]).toMatchObject({ rating: 2, issues: ['audio'] });
  await bob.page.getByTestId('empty-room').waitFor();
  await ada.page.getByTestId('rejoin').click();
  await ada.page.getByTestId('local-video').waitFor();
});

test('devices: another microphone, camera and speaker without a gap; one is pulled out and another takes over', async () => {
  const ada = await join('Ada', 'devices');
  const bob = await join('Bob', 'devices');
  await ada.page.getByTestId('remote-video').waitFor();
  const sent = (kind: string) =>
    ada.page.evaluate((k) => {
      const { keptConnections } = globalThis as unknown as { keptConnections: RTCPeerConnection[] };
      // A pair that was rebuilt has left its first connection behind.
      const live = keptConnections.findLast((connection) => connection.connectionState !== 'closed');
      const track = live?.getSenders().find((s) => s.track?.kind === k)?.track;
      return track ? { id: track.id, label: track.label } : undefined;
    }, kind);
  const stillArrives = async () => {
    const before = await received(bob.page);
    await vi.waitFor(async () => {
      const now = await received(bob.page);
      expect(now.audioEnergy).toBeGreaterThan(before.audioEnergy);
      expect(now.framesDecoded).toBeGreaterThan(before.framesDecoded);
    }, patience);
  };
  await stillArrives();

  await ada.page.getByTestId('more').click();
  await ada.page.getByTestId('open-settings').click();
  const choose = async (kind: string, name: RegExp, except = '') => {
    const select = ada.page.getByTestId(`device-${kind}`);
    await select.waitFor();
    const options = await select.locator('option').allTextContents();
    const other = options.find((text) => text !== except && name.test(text));
    expect(other, `another ${kind} among ${options.join(', ')}`).toBeDefined();
    await select.selectOption({ label: other ?? '' });
    return { label: other ?? '', id: await select.inputValue() };
  };
  const microphone = await choose('audioinput', /Fake Audio Input/, (await sent('audio'))?.label);
  await vi.waitFor(async () => expect((await sent('audio'))?.label).toBe(microphone.label), patience);
  // Not fake_device_1: Chromium shows its pictures and never encodes them.
  const camera = await choose('videoinput', /fake_device_2/);
  await vi.waitFor(async () => expect((await sent('video'))?.label).toBe(camera.label), patience);
  const speaker = await choose('audiooutput', /Fake Audio Output/);
  const sinks = () => ada.page.evaluate(() => Array.from(document.querySelectorAll('audio'), (audio) => audio.sinkId));
  await vi.waitFor(async () => expect(await sinks()).toEqual([speaker.id]), patience);
  await ada.page.keyboard.press('Escape');
  await stillArrives();

  // What the browser does when a device goes: the track ends.
  const gone = await sent('audio');
  await ada.page.evaluate(() => {
    const { audioTrack } = (globalThis as unknown as Inside).__tandem.media.get();
    audioTrack?.stop();
    audioTrack?.dispatchEvent(new Event('ended'));
  });
  await ada.page.getByText(`${microphone.label} was unplugged.`).waitFor();
  await vi.waitFor(async () => {
    const now = await sent('audio');
    expect(now).toBeDefined();
    expect(now?.id).not.toBe(gone?.id);
  }, patience);
  await stillArrives();
});

test('beside the switches: devices, blur and the rest in reach of a keyboard; on a phone in the menu, above the controls', async () => {
  const { page } = await join('Ada', 'choices');
  await page.getByTestId('empty-room').waitFor();
  await page.getByTestId('mic-choices').focus();
  await page.keyboard.press('Enter');
  await hasFocus(page, 'device-audioinput');
  await expectAccessible(page, 'microphone and sound');
  await page.keyboard.press('Escape');
  await page.getByTestId('device-audioinput').waitFor({ state: 'detached' });
  await hasFocus(page, 'mic-choices');

  await page.getByTestId('cam-choices').click();
  await expectAccessible(page, 'camera and background');
  const mirrored = () => page.getByTestId('local-video').evaluate((video) => video.classList.contains('mirror'));
  expect(await mirrored()).toBe(true);
  await page.getByTestId('switch-mirror').click();
  expect(await mirrored()).toBe(false);
  await page.getByTestId('open-settings').click();
  await page.getByTestId('language').waitFor();
  await page.keyboard.press('Escape');

  await page.setViewportSize({ width: 360, height: 640 });
  expect(await page.getByTestId('cam-choices').isVisible()).toBe(false);
  await page.getByTestId('more').click();
  await page.getByTestId('more-cam').click();
  await page.getByTestId('device-videoinput').waitFor();
  await expectAccessible(page, 'camera and background on a phone');
  await page.keyboard.press('Escape');
  await hasFocus(page, 'more');
  await page.getByTestId('open-chat').click();
  await page.getByTestId('chat-input').waitFor();
  await page.getByTestId('toggle-mic').click();
  expect(await muted(page)).toBe(true);
  await expectAccessible(page, 'chat on a phone');
});

test('a shared screen takes the stage; spotlight, pin, picture in picture', async () => {
  const ada = await join('Ada', 'stage');
  const bob = await join('Bob', 'stage');
  await peer('stage', 'Grace');
  await ada.page.getByTestId('remote-video').waitFor();
  await ada.page.getByTestId('peer-tile').getByText('Grace').waitFor();
  /** Whose tile is the largest. */
  const largest = async () => {
    await atRest(ada.page);
    return ada.page.evaluate(() => {
      const area = (tile: Element) => tile.getBoundingClientRect().width * tile.getBoundingClientRect().height;
      const [first, second] = [...document.querySelectorAll('.tile')].sort((a, b) => area(b) - area(a));
      return first && second && area(first) > 2 * area(second) ? first.getAttribute('aria-label') : undefined;
    });
  };
  await vi.waitFor(async () => expect(await largest()).toBeUndefined(), patience);

  await bob.page.getByTestId('toggle-screen').click();
  const screen = ada.page.getByTestId('screen-video');
  await screen.waitFor();
  await vi.waitFor(async () => {
    expect(await screen.evaluate((video: HTMLVideoElement) => video.videoWidth)).toBeGreaterThan(0);
    expect(await largest()).toBe('Bob shares the screen');
  }, patience);
  await expectAccessible(ada.page, 'a shared screen');
  await expectAccessible(bob.page, 'sharing a screen');
  const full = () => ada.page.evaluate(() => document.fullscreenElement?.getAttribute('data-testid'));
  await ada.page.getByTestId('screen-tile').hover();
  await ada.page.getByTestId('screen-full').click();
  await vi.waitFor(async () => expect(await full()).toBe('screen-tile'), patience);
  await ada.page.getByTestId('screen-full').click();
  await vi.waitFor(async () => expect(await full()).toBeUndefined(), patience);
  await bob.page.getByTestId('toggle-screen').click();
  await screen.waitFor({ state: 'detached' });

  // Stopped from the browser's own bar: the track ends.
  await bob.page.getByTestId('toggle-screen').click();
  await screen.waitFor();
  await bob.page.evaluate(() => {
    const { sharing } = (globalThis as unknown as Inside).__tandem.model.get();
    sharing?.stop();
    sharing?.dispatchEvent(new Event('ended'));
  });
  await screen.waitFor({ state: 'detached' });
  await bob.page.locator('[data-testid=toggle-screen][aria-pressed=false]').waitFor();

  await ada.page.getByTestId('more').click();
  await ada.page.getByRole('button', { name: 'Spotlight' }).click();
  await ada.page.keyboard.press('Escape');
  await vi.waitFor(async () => expect(await largest()).toBeDefined(), patience);
  await ada.page.getByTestId('peer-tile').filter({ hasText: 'Grace' }).hover();
  await ada.page.getByRole('button', { name: 'Pin Grace' }).click();
  await vi.waitFor(async () => expect(await largest()).toBe('Grace'), patience);
  await expectAccessible(ada.page, 'spotlight');
  await ada.page.getByRole('button', { name: 'Unpin Grace' }).click();

  const inPicture = () =>
    ada.page.evaluate(() => document.pictureInPictureElement?.closest('.tile')?.getAttribute('aria-label'));
  // As in a browser without windows for documents: the largest picture. With them: test/pwa-pip.test.ts.
  await ada.page.evaluate(() => Reflect.deleteProperty(globalThis, 'documentPictureInPicture'));
  await ada.page.getByTestId('more').click();
  await ada.page.getByRole('button', { name: 'Picture in picture' }).click();
  await vi.waitFor(async () => expect(await inPicture()).toBe('Bob'), patience);
  await ada.page.getByTestId('more').click();
  await ada.page.getByRole('button', { name: 'Picture in picture' }).click();
  await vi.waitFor(async () => expect(await inPicture()).toBeUndefined(), patience);
});

test('a silent microphone is noticed, and talking to a closed one; the space bar opens it while held', async () => {
  const { page } = await open({
    query: '?room=voice',
    before: () => {
      // A microphone whose voice the test turns up and down.
      navigator.mediaDevices.getUserMedia = async () => {
        const context = new AudioContext();
        const out = context.createMediaStreamDestination();
        const tone = context.createOscillator();
        const gain = context.createGain();
        gain.gain.value = 0;
        tone.connect(gain).connect(out);
        tone.start();
        Object.assign(globalThis, { say: (volume: number) => gain.gain.setValueAtTime(volume, context.currentTime) });
        return out.stream;
      };
    },
  });
  const say = (volume: number) =>
    page.evaluate((v) => (globalThis as unknown as { say(volume: number): void }).say(v), volume);
  await page.getByTestId('silent-warning').waitFor();
  await expectAccessible(page, 'a silent microphone');
  await say(0.4);
  await page.getByTestId('silent-warning').waitFor({ state: 'detached' });

  await enter(page, 'Ada');
  await page.getByTestId('empty-room').waitFor();
  await page.keyboard.press('m');
  await page.getByTestId('talking-muted').waitFor();
  await expectAccessible(page, 'talking while muted');
  await page.getByRole('button', { name: 'Turn on', exact: true }).click();
  await page.getByTestId('talking-muted').waitFor({ state: 'detached' });
  expect(await muted(page)).toBe(false);

  await page.locator('#main').focus();
  await page.keyboard.press('m');
  await page.keyboard.down(' ');
  await vi.waitFor(async () => expect(await muted(page)).toBe(false), patience);
  await page.keyboard.up(' ');
  await vi.waitFor(async () => expect(await muted(page)).toBe(true), patience);
  await page.keyboard.down(' ');
  await vi.waitFor(async () => expect(await muted(page)).toBe(false), patience);
  // Another window comes to the front: this one never hears that the key goes up.
  await page.evaluate(() => dispatchEvent(new Event('blur')));
  await vi.waitFor(async () => expect(await muted(page)).toBe(true), patience);
});

test('a browser that holds sound back: a button turns it on', async () => {
  const strict = await launchBrowser(['--autoplay-policy=user-gesture-required']);
  onTestFinished(() => strict.close());
  await join('Bob', 'sound');
  const { page } = await open({
    browser: strict,
    // Whatever Playwright does in a page counts as a gesture: this one joins and reports by itself.
    before: () => {
      const joining = setInterval(() => {
        const inside = (globalThis as unknown as Partial<Inside>).__tandem;
        if (!inside?.media.get().audioTrack) return;
        clearInterval(joining);
        void inside.model.join('sound', 'Ada');
      }, 100);
      const watching = setInterval(() => {
        if (!document.body?.textContent?.includes('The browser holds back the sound.')) return;
        clearInterval(watching);
        console.log('held back');
      }, 100);
    },
  });
  await page.waitForEvent('console', (message) => message.text() === 'held back');
  const paused = () => page.evaluate(() => Array.from(document.querySelectorAll('audio'), (audio) => audio.paused));
  expect(await paused()).toEqual([true]);
  await expectAccessible(page, 'sound held back');
  await page.getByRole('button', { name: 'Turn on sound' }).click();
  await vi.waitFor(async () => expect(await paused()).toEqual([false]), patience);
  await page.getByText('The browser holds back the sound.').waitFor({ state: 'detached' });
});

test('the screen stays on in a call; the same sign-in elsewhere ends it, with its own words', async () => {
  const { page } = await join('Ada', 'twice', {
    before: () => {
      const locks: WakeLockSentinel[] = [];
      Object.assign(globalThis, { locks });
      const request = navigator.wakeLock.request.bind(navigator.wakeLock);
      navigator.wakeLock.request = async (type) => {
        const lock = await request(type);
        locks.push(lock);
        return lock;
      };
    },
  });
  const awake = () =>
    page.evaluate(() => (globalThis as unknown as { locks: WakeLockSentinel[] }).locks.map((lock) => !lock.released));
  await page.getByTestId('empty-room').waitFor();
  await vi.waitFor(async () => expect(await awake()).toEqual([true]), patience);
  const token = suite.pwa.issued.at(-1) ?? '';
  const elsewhere = new SignalingSession({ url: `${suite.pwa.origin}/ws/signal`, getToken: async () => token });
  onTestFinished(() => elsewhere.close());
  await elsewhere.join('twice', { name: 'Ada' } as PeerMetadata);
  await page.locator('[data-testid=ended][data-end=replaced]').waitFor();
  await expectAccessible(page, 'replaced');
  expect(await awake()).not.toContain(true);
});

test('network away: a banner, no dialog; the call goes on afterwards', async () => {
  const { context, page } = await join('Ada', 'tunnel', {
    before: noDevices,
    expected: /ERR_INTERNET_DISCONNECTED|WebSocket/,
  });
  await page.getByTestId('empty-room').waitFor();
  await context.setOffline(true);
  await page.getByTestId('network-banner').waitFor();
  await expectAccessible(page, 'offline in a call');
  await context.setOffline(false);
  await page.getByTestId('network-banner').waitFor({ state: 'detached' });
  await page.getByTestId('leave').waitFor();
});
