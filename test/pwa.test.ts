/** The PWA in real Chromium: every state it can be in, clean for axe in both schemes, without a console error or CSP violation. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PeerMetadata } from '@tandem/rtc';
import { SignalingSession } from '@tandem/rtc';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { launchBrowser, received } from './support/browser.ts';

const patience = { timeout: 90_000, interval: 200 };
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let browser: Browser;
let pwa: Pwa;

beforeAll(async () => {
  [browser, pwa] = await Promise.all([launchBrowser(), startPwa()]);
});
afterAll(async () => {
  await browser?.close();
  await pwa?.[Symbol.asyncDispose]();
});

interface Opened {
  context: BrowserContext;
  page: Page;
}

/** A page of its own; what it complains about fails the test, unless `expected` says so. */
async function open(
  options: { before?: () => void; expected?: RegExp; origin?: string; query?: string } & BrowserContextOptions = {},
): Promise<Opened> {
  const { before, expected, origin = pwa.origin, query = '', ...rest } = options;
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 800 }, ...rest });
  context.setDefaultTimeout(patience.timeout);
  await context.addInitScript(() => {
    const kept: RTCPeerConnection[] = [];
    Object.assign(globalThis, { keptConnections: kept });
    globalThis.RTCPeerConnection = new Proxy(globalThis.RTCPeerConnection, {
      construct: (target, args) => {
        const connection = Reflect.construct(target, args) as RTCPeerConnection;
        kept.push(connection);
        return connection;
      },
    });
    addEventListener('securitypolicyviolation', (event) =>
      console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`),
    );
  });
  if (before) await context.addInitScript(before);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} ${message.location().url}`);
  });
  onTestFinished(async () => {
    await context.close();
    expect(complaints.filter((text) => !expected?.test(text))).toEqual([]);
  });
  await page.goto(`${origin}/${query}`);
  // Chromium drops what it is loading when any interface of the machine comes or goes (containers of other tests).
  while (complaints.some((text) => text.includes('ERR_NETWORK_CHANGED'))) {
    complaints.length = 0;
    await page.goto(`${origin}/${query}`);
  }
  return { context, page };
}

async function join(name: string, room: string, options: Parameters<typeof open>[0] = {}): Promise<Opened> {
  const opened = await open({ ...options, query: `?room=${room}` });
  await opened.page.getByTestId('name-input').fill(name);
  await opened.page.getByTestId('join').click();
  return opened;
}

/** Somebody in the room without a browser. */
async function peer(room: string, name: string, grants = {}): Promise<SignalingSession> {
  const session = new SignalingSession({
    url: `${pwa.origin}/ws/signal`,
    getToken: () => pwa.token(name, grants),
  });
  onTestFinished(() => session.close());
  await session.join(room, { name } as PeerMetadata);
  return session;
}

/** WCAG 2.2 A and AA, in light and dark. */
async function expectAccessible(page: Page, state: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    // Colours fade from one scheme to the other: read them when they have arrived.
    await page.evaluate(() => new Promise((done) => setTimeout(done, 200)));
    await page.evaluate(axeSource);
    const violations = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
      const result = await axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      });
      return result.violations.map(
        (v) =>
          `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary?.split('\n')[1]?.trim() ?? ''}`).join(', ')}`,
      );
    });
    expect(violations, `${state}, ${colorScheme}`).toEqual([]);
  }
}

const noDevices = () => {
  navigator.mediaDevices.enumerateDevices = async () => [];
  navigator.mediaDevices.getUserMedia = async () => {
    throw new DOMException('Requested device not found', 'NotFoundError');
  };
};

test('lobby: warms up, shows me, remembers my name, asks for one that is missing', async () => {
  const { page } = await open();
  await page.getByTestId('local-video').waitFor();
  await page.locator('[data-testid=readiness][data-state=ready]').waitFor();
  expect(await page.getByTestId('room-input').inputValue()).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{6}$/);
  await expectAccessible(page, 'lobby');

  await page.getByTestId('join').click();
  await page.getByText('Tell the others who you are.').waitFor();
  await expectAccessible(page, 'lobby without a name');
  await page.getByTestId('name-input').fill('Ada');
  await page.reload();
  await vi.waitFor(async () => expect(await page.getByTestId('name-input').inputValue()).toBe('Ada'), patience);

  await page.getByTestId('toggle-cam').click();
  await page.getByTestId('local-video').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Settings' }).click();
  await page.getByTestId('language').waitFor();
  await expectAccessible(page, 'settings');
  await page.getByTestId('language').selectOption('ar');
  await vi.waitFor(async () => expect(await page.evaluate(() => document.documentElement.dir)).toBe('rtl'), patience);
  await expectAccessible(page, 'settings in Arabic');
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
});

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
  expect(await ada.page.getByTestId('person').count()).toBe(2);
  await expectAccessible(ada.page, 'people');
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

  // Another microphone: a new track in the same sender, and sound goes on.
  const label = () =>
    ada.page.evaluate(() => {
      const { keptConnections } = globalThis as unknown as { keptConnections: RTCPeerConnection[] };
      return keptConnections[0]?.getSenders().find((s) => s.track?.kind === 'audio')?.track?.label ?? '';
    });
  const before = await label();
  await ada.page.getByTestId('more').click();
  await ada.page.getByTestId('open-settings').click();
  const select = ada.page.getByTestId('device-audioinput').last();
  await select.waitFor();
  const options = await select.locator('option').allTextContents();
  const other = options.find((text) => text !== before && /Fake Audio Input/.test(text));
  expect(other, `another microphone among ${options.join(', ')}`).toBeDefined();
  await select.selectOption({ label: other ?? '' });
  await vi.waitFor(async () => expect(await label()).toBe(other), patience);
  const energy = (await received(bob.page)).audioEnergy;
  await vi.waitFor(async () => expect((await received(bob.page)).audioEnergy).toBeGreaterThan(energy), patience);
  await ada.page.keyboard.press('Escape');

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

test('permission refused: says who refused, and joins all the same', async () => {
  const { page } = await join('Ada', 'refused', {
    before: () => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('Permission denied by system', 'NotAllowedError');
      };
    },
  });
  await page.getByTestId('empty-room').waitFor();
  await page.getByTestId('device-banner').waitFor();
  await expectAccessible(page, 'call without permission');
  const lobby = await open({
    before: () => {
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('Permission denied by system', 'NotAllowedError');
      };
    },
  });
  await lobby.page.locator('[data-testid=permission-help][data-problem=system]').waitFor();
  await lobby.page.getByRole('button', { name: 'Join without camera and microphone' }).waitFor();
  await expectAccessible(lobby.page, 'permission refused');
});

test('no devices at all: sees and hears the others', async () => {
  const ada = await join('Ada', 'nothing', { before: noDevices });
  const bob = await join('Bob', 'nothing');
  await ada.page.getByTestId('remote-video').waitFor();
  await vi.waitFor(async () => expect((await received(ada.page)).framesDecoded).toBeGreaterThan(5), patience);
  await bob.page.getByTestId('peer-tile').getByText('Microphone off').waitFor();
  await expectAccessible(bob.page, 'a call with somebody who has no camera');
});

test('a full room, a kick, a closed room, a refused token: each has its own words', async () => {
  const tiny = { maxRoomSize: 2 };
  pwa.auth.grants = tiny;
  onTestFinished(() => {
    pwa.auth.grants = {};
    pwa.auth.status = 200;
  });
  await peer('tiny', 'one', tiny);
  await peer('tiny', 'two', tiny);
  const full = await join('Ada', 'tiny', { before: noDevices });
  await full.page.locator('[data-testid=ended][data-end=room_full]').waitFor();
  await expectAccessible(full.page, 'room full');
  pwa.auth.grants = {};

  const host = await peer('strict', 'host', { kick: true });
  const kicked = await join('Mallory', 'strict', { before: noDevices });
  await kicked.page.getByTestId('peer-tile').waitFor();
  host.kick([...host.peers.keys()][0] ?? '', 'test');
  await kicked.page.locator('[data-testid=ended][data-end=kicked]').waitFor();

  const closed = await join('Ada', 'strict', { before: noDevices });
  await closed.page.getByTestId('peer-tile').waitFor();
  host.closeRoom('test');
  await closed.page.locator('[data-testid=ended][data-end=closed]').waitFor();

  pwa.auth.status = 403;
  const refused = await join('Ada', 'strict', { before: noDevices, expected: /403/ });
  await refused.page.locator('[data-testid=ended][data-end=refused]').waitFor();
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

test('service worker: an update waits for the end of the call; offline the shell opens; nothing live is cached', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'tandem-pwa-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await cp(path.resolve('apps/client/out'), dir, { recursive: true });
  const own = await startPwa({ clientDir: dir });
  let running = true;
  onTestFinished(async () => {
    if (running) await own[Symbol.asyncDispose]();
  });
  const { page } = await open({
    origin: own.origin,
    before: noDevices,
    expected: /ERR_|WebSocket|Failed to load resource|Failed to fetch/,
  });
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await page.reload();
  await vi.waitFor(
    async () => expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true),
    patience,
  );

  await page.getByTestId('name-input').fill('Ada');
  await page.getByTestId('join').click();
  await page.getByTestId('empty-room').waitFor();
  await page.evaluate(() => Object.assign(globalThis, { samePage: true }));
  const worker = await readFile(path.join(dir, 'sw.js'), 'utf8');
  await writeFile(path.join(dir, 'sw.js'), `${worker}\n// next version\n`);
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await page.getByTestId('update-deferred').waitFor({ state: 'attached' });
  expect(await page.getByTestId('update-notice').count()).toBe(0);
  expect(await page.evaluate(() => 'samePage' in globalThis)).toBe(true);

  await page.getByTestId('leave').click();
  await page.getByTestId('update-notice').waitFor();
  await expectAccessible(page, 'update offered');
  await page.getByRole('button', { name: 'Update' }).click();
  await vi.waitFor(async () => expect(await page.evaluate(() => 'samePage' in globalThis)).toBe(false), patience);

  const cached = await page.evaluate(async () => {
    const urls: string[] = [];
    for (const name of await caches.keys())
      for (const request of await (await caches.open(name)).keys()) urls.push(new URL(request.url).pathname);
    return urls;
  });
  expect(cached).toContain('/index.html');
  expect(
    cached.filter((url) => /config\.json|sw\.js|security-headers|\/auth|\/ws|\/reports|\/health/.test(url)),
  ).toEqual([]);

  await own[Symbol.asyncDispose]();
  running = false;
  await page.reload();
  await page.getByTestId('name-input').waitFor();
  await page.goto(`${own.origin}/nowhere/`);
  await page.getByText('You are offline').waitFor();
  await expectAccessible(page, 'offline page');
});

test('diagnostics: camera, microphone, service; says that there is no relay', async () => {
  const { page } = await open({ query: 'diagnostics/' });
  await expectAccessible(page, 'diagnostics');
  await page.getByTestId('run-checks').click();
  await page.getByTestId('report').waitFor();
  const state = (name: string) => page.getByTestId(`check-${name}`).getAttribute('data-state');
  expect(await Promise.all(['camera', 'microphone', 'service', 'relay', 'loop'].map(state))).toEqual([
    'pass',
    'pass',
    'pass',
    'warn',
    'skip',
  ]);
  expect(await page.getByTestId('report').textContent()).toContain('PASS  Service');
  await expectAccessible(page, 'diagnostics report');
});

test('on a phone nothing overflows, and a page that does not exist has words', async () => {
  const { page } = await join('Ada', 'phone', { viewport: { width: 390, height: 844 }, expected: /404/ });
  await page.getByTestId('empty-room').waitFor();
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(await overflow()).toBeLessThanOrEqual(0);
  await page.getByTestId('more').click();
  await expectAccessible(page, 'menu on a phone');
  expect(await overflow()).toBeLessThanOrEqual(0);
  await page.goto(`${pwa.origin}/nowhere`);
  await page.getByText('There is nothing at this address.').waitFor();
  await expectAccessible(page, 'not found');
});
