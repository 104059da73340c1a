/** The PWA in real Chromium: every state outside of a call, clean for axe in both schemes, without a console error or CSP violation. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startPwa } from './pwa/harness.ts';
import { enter, expectAccessible, noDevices, patience, pwaSuite } from './pwa/suite.ts';
import { received } from './support/browser.ts';
import { startCoturn } from './support/coturn.ts';

// The certificate of the coturn in here is its own.
const suite = pwaSuite(['--ignore-certificate-errors']);
const { open, join, peer } = suite;

test('lobby: warms up, shows me, remembers my name, asks for one that is missing', async () => {
  const { page } = await open();
  await page.getByTestId('local-video').waitFor();
  await page.locator('[data-testid=readiness][data-state=ready]').waitFor();
  expect(await page.getByTestId('room-name').textContent()).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{6}$/);
  await page.getByRole('button', { name: 'Start call' }).waitFor();
  await expectAccessible(page, 'lobby');

  const way = () => page.getByTestId('join').boundingBox();
  const before = await way();
  await page.getByTestId('join').click();
  await page.getByText('Tell the others who you are.').waitFor();
  expect(await way()).toEqual(before);
  await expectAccessible(page, 'lobby without a name');
  await page.getByTestId('name-input').fill('Ada');
  await page.reload();
  await vi.waitFor(async () => expect(await page.getByTestId('name-input').inputValue()).toBe('Ada'), patience);

  await page.getByTestId('have-link').click();
  await page.getByTestId('room-input').fill(`${suite.pwa.origin}/?room=golden-harbor`);
  await page.getByTestId('room-input').blur();
  expect(await page.getByTestId('room-input').inputValue()).toBe('golden-harbor');
  await page.getByRole('button', { name: 'Join now' }).waitFor();
  await expectAccessible(page, 'lobby with a link');
  await page.getByTestId('start-new').click();
  await page.getByTestId('room-name').waitFor();

  // Chromium offers installing when it wants to: not while it is driven by a test.
  await page.evaluate(() => {
    const prompt = async () => void Object.assign(globalThis, { prompted: true });
    dispatchEvent(Object.assign(new Event('beforeinstallprompt'), { prompt }));
  });
  await page.getByTestId('install').click();
  await page.getByTestId('install').waitFor({ state: 'detached' });
  expect(await page.evaluate(() => 'prompted' in globalThis)).toBe(true);

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

test('a name and a press before the page has its code: the name stays, and so does the room', async () => {
  const { page } = await open();
  const code = Promise.withResolvers<void>();
  await page.route('**/_next/static/**/*.js', async (route) => {
    await code.promise;
    await route.continue();
  });
  await page.goto(`${suite.pwa.origin}/?room=early`, { waitUntil: 'commit' });
  await page.getByTestId('name-input').fill('Ada');
  await page.getByTestId('join').click({ force: true });
  await page.getByTestId('name-input').press('Enter');
  code.resolve();
  await page.getByTestId('join').click();
  await page.getByTestId('empty-room').waitFor();
  expect(new URL(page.url()).searchParams.get('room')).toBe('early');
});

test('no devices at all: sees and hears the others', async () => {
  const ada = await join('Ada', 'nothing', { before: noDevices });
  const bob = await join('Bob', 'nothing');
  await ada.page.getByTestId('remote-video').waitFor();
  await vi.waitFor(async () => expect((await received(ada.page)).framesDecoded).toBeGreaterThan(5), patience);
  await bob.page.getByTestId('peer-tile').getByText('Microphone off').waitFor();
  await expectAccessible(bob.page, 'a call with somebody who has no camera');
});

test('offline in the lobby: it says so, and joins by itself when there is a network', async () => {
  const { context, page } = await open({
    query: '?room=cable',
    before: noDevices,
    expected: /ERR_INTERNET_DISCONNECTED|WebSocket/,
  });
  await page.locator('[data-testid=readiness][data-state=ready]').waitFor();
  await context.setOffline(true);
  // Nobody has said yet that they want to join.
  await page
    .locator('[data-testid=readiness][data-state=offline]')
    .getByText('You are offline. You can join as soon as there is a network.')
    .waitFor();
  await enter(page, 'Ada');
  await page
    .locator('[data-testid=obstacle][data-obstacle=offline]')
    .getByText('Joining goes on by itself when there is a network.')
    .waitFor();
  await expectAccessible(page, 'offline in the lobby');
  await context.setOffline(false);
  await page.getByTestId('empty-room').waitFor();
});

test('a full room is waited for: in by itself when somebody leaves, out by Cancel', async () => {
  const tiny = { maxRoomSize: 2 };
  suite.grant(tiny);
  await peer('tiny', 'one', tiny);
  const two = await peer('tiny', 'two', tiny);
  const { page } = await join('Ada', 'tiny', { before: noDevices });
  await page.locator('[data-testid=obstacle][data-obstacle=full]').waitFor();
  await expectAccessible(page, 'room full');
  await page.getByTestId('cancel-join').click();
  await page.getByTestId('obstacle').waitFor({ state: 'detached' });
  await page.getByTestId('join').click();
  await page.locator('[data-testid=obstacle][data-obstacle=full]').waitFor();
  two.leave();
  await page.getByTestId('peer-tile').getByText('one', { exact: true }).waitFor();
});

test('a kick, a closed room, a refused token: each has its own words', async () => {
  onTestFinished(() => {
    suite.pwa.auth.status = 200;
  });
  const host = await peer('strict', 'host', { kick: true });
  const kicked = await join('Mallory', 'strict', { before: noDevices });
  await kicked.page.getByTestId('peer-tile').waitFor();
  host.kick([...host.peers.keys()][0] ?? '', 'test');
  await kicked.page.locator('[data-testid=ended][data-end=kicked]').waitFor();

  const closed = await join('Ada', 'strict', { before: noDevices });
  await closed.page.getByTestId('peer-tile').waitFor();
  host.closeRoom('test');
  await closed.page.locator('[data-testid=ended][data-end=closed]').waitFor();

  suite.pwa.auth.status = 403;
  const refused = await join('Ada', 'strict', { before: noDevices, expected: /403/ });
  await refused.page.locator('[data-testid=ended][data-end=refused]').waitFor();
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
    serviceWorkers: 'allow',
    expected: /ERR_|WebSocket|Failed to load resource|Failed to fetch/,
  });
  // Who comes for a call gets it first: the copy of the app waits for its end.
  await page.getByTestId('name-input').fill('Ada');
  await page.getByTestId('join').click();
  // A machine that takes three seconds to come here has begun with it already: none begins in the call.
  const registered = () => page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).length);
  await page.getByTestId('empty-room').waitFor();
  const before = await registered();
  await page.waitForTimeout(4000);
  expect(await registered()).toBe(before);
  await page.getByTestId('leave').click();
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  await page.goto(own.origin);
  await vi.waitFor(
    async () => expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true),
    patience,
  );

  await page.getByTestId('join').click();
  await page.getByTestId('empty-room').waitFor();
  await page.evaluate(() => Object.assign(globalThis, { samePage: true }));
  const worker = await readFile(path.join(dir, 'sw.js'), 'utf8');
  await writeFile(path.join(dir, 'sw.js'), `${worker}\n// next version\n`);
  await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).update()));
  await page.getByTestId('update-deferred').waitFor({ state: 'attached' });
  expect(await page.getByTestId('update-notice').count()).toBe(0);
  expect(await page.evaluate(() => 'samePage' in globalThis)).toBe(true);
  // It would take over this tab as well.
  const lobby = await page.context().newPage();
  await lobby.goto(own.origin);
  await lobby.getByTestId('update-notice').waitFor();
  await lobby.getByRole('button', { name: 'Update' }).click();
  await lobby.getByTestId('update-notice').waitFor({ state: 'detached' });
  const waits = async () => (await navigator.serviceWorker.ready).waiting !== null;
  expect(await page.evaluate(waits), 'a tab is in a call').toBe(true);
  await lobby.close();

  await page.getByTestId('leave').click();
  await page.getByTestId('update-notice').waitFor();
  await page.getByTestId('ended').waitFor();
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
    cached.filter((url) => /config\.json|sw\.js|security-headers|effects-|\/auth|\/ws|\/reports|\/health/.test(url)),
  ).toEqual([]);

  await own[Symbol.asyncDispose]();
  running = false;
  await page.reload();
  await page.getByTestId('name-input').waitFor();
  await page.goto(`${own.origin}/nowhere/`);
  await page.getByText('You are offline').waitFor();
  await expectAccessible(page, 'offline page');
});

test('diagnostics: each device, the service, each way to a real relay, a call through it; and what is missing', async () => {
  await using coturn = await startCoturn();
  const { username, credential } = coturn;
  const turn = (...urls: string[]) => {
    suite.pwa.auth.iceServers = [{ urls, username, credential }];
  };
  onTestFinished(() => {
    suite.pwa.auth.iceServers = [];
  });
  const { page } = await open({ query: 'diagnostics/' });
  await expectAccessible(page, 'diagnostics');
  const run = async (): Promise<Record<string, string>> => {
    await page.getByTestId('run-checks').click();
    await page.getByTestId('report').waitFor();
    const names = ['camera', 'microphone', 'service', 'relay', 'loop'];
    const states = names.map(async (n) => [n, await page.getByTestId(`check-${n}`).getAttribute('data-state')]);
    return Object.fromEntries(await Promise.all(states));
  };
  const report = () => page.getByTestId('report').textContent();

  const { port, tlsPort } = coturn;
  const udp = `turn:127.0.0.1:${port}?transport=udp`;
  const tcp = `turn:127.0.0.1:${port}?transport=tcp`;
  turn(udp, tcp, `turns:127.0.0.1:${tlsPort}?transport=tcp`);
  expect(await run(), String(await report())).toEqual({
    camera: 'pass',
    microphone: 'pass',
    service: 'pass',
    relay: 'pass',
    loop: 'pass',
  });
  expect(await report()).toMatch(/PASS {2}Relay: Reached over UDP, TCP, TLS/);
  expect(await report()).toMatch(/PASS {2}Test call through the relay: Connected after \d+ ms, .* [1-9]\d* frames/);
  await expectAccessible(page, 'diagnostics report');

  turn(udp, tcp, `turns:127.0.0.1:${port + 1}?transport=tcp`);
  expect(await run()).toMatchObject({ relay: 'warn', loop: 'pass' });
  expect(await report()).toContain('Reached over UDP, TCP, not over TLS');

  turn();
  // Where sound may not be played yet, a microphone is not heard: that says nothing of it.
  await page.evaluate(() => Object.defineProperty(BaseAudioContext.prototype, 'state', { get: () => 'suspended' }));
  expect(await run()).toMatchObject({ microphone: 'warn', relay: 'warn', loop: 'skip' });
  expect(await report()).toMatch(/WARN {2}Microphone: .*did not let this page listen/);
  // Five rows, all of them on the page and one below the other.
  const tops = await page
    .locator('.checks > li')
    .evaluateAll((rows) => rows.map((row) => row.getBoundingClientRect().top));
  expect(tops).toEqual([...tops].sort((a, b) => a - b));
  expect(new Set(tops).size).toBe(5);
});

test('on a phone nothing overflows, the way in is in reach, every target fits a finger; no page has words', async () => {
  const { page } = await open({
    query: '?room=phone',
    viewport: { width: 360, height: 600 },
    hasTouch: true,
    isMobile: true,
    expected: /404/,
  });
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  /** Controls that are smaller than 44 × 44 px (WCAG 2.5.5), as text. */
  const tooSmall = () =>
    page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>('a, button, select, input')].flatMap((element) => {
        const { width, height } = element.getBoundingClientRect();
        if (!element.checkVisibility() || element.closest('.skip') || element.closest('label')) return [];
        return Math.min(width, height) < 43.5 ? [`${element.outerHTML.slice(0, 90)}: ${width} × ${height}`] : [];
      }),
    );
  await page.getByTestId('local-video').waitFor();
  expect(await overflow()).toBeLessThanOrEqual(0);
  expect(await tooSmall()).toEqual([]);
  const way = await page.getByTestId('join').boundingBox();
  expect(way && way.y + way.height).toBeLessThanOrEqual(600);
  await page.getByRole('heading', { name: 'Join phone' }).waitFor();
  await expectAccessible(page, 'lobby on a phone');

  await enter(page, 'Ada');
  await page.getByTestId('empty-room').waitFor();
  expect(await overflow()).toBeLessThanOrEqual(0);
  await page.getByTestId('more').click();
  await expectAccessible(page, 'menu on a phone');
  expect(await overflow()).toBeLessThanOrEqual(0);
  expect(await tooSmall()).toEqual([]);
  await page.goto(`${suite.pwa.origin}/nowhere`);
  await page.getByText('There is nothing at this address.').waitFor();
  await expectAccessible(page, 'not found');
});
