/** A call in somebody else's page, in Chromium: who may frame the pages is decided by the browser from what the edge says. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PeerMetadata, SignalingSession } from '@tandem/rtc';
import type { Browser, Frame, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { BUDGET, measure } from '../packages/embed/size.ts';
import type { EmbeddedCall } from '../packages/embed/src/index.ts';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';
import { examplesOf, installPacked, type PackedPackage, typeCheck } from './support/packed.ts';

const kept = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), 'tandem-embed-'));
const installed = join(folder, 'node_modules/@tandem/embed');
let packed: PackedPackage;
let browser: Browser;

beforeAll(async () => {
  kept.defer(() => rmSync(folder, { recursive: true }));
  packed = installPacked('embed', folder);
  browser = await launchBrowser();
  kept.defer(() => browser.close());
});
afterAll(() => kept.disposeAsync());

/** Somebody's site; each path answers with what `files` has for it. @returns its origin under the name `localhost` */
async function startSite(files: Record<string, string>): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const type = pathname.endsWith('.js') ? 'text/javascript' : 'text/html';
    response.writeHead(pathname in files ? 200 : 404, { 'content-type': type }).end(files[pathname]);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((done) => void server.close(() => done()));
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** Pages of a build that says that nobody may frame them, as each build does. */
function strictBuild(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tandem-framed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const headers = { 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" };
  writeFileSync(join(folder, 'security-headers.json'), JSON.stringify(headers));
  mkdirSync(join(folder, 'live'));
  for (const file of ['index.html', 'live/index.html', '404.html']) writeFileSync(join(folder, file), '<p>a call</p>');
  return folder;
}

/** What a page of `site` sees of `address` in a frame. */
async function framed(site: string, address: string): Promise<'shown' | 'refused'> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page: Page = await context.newPage();
  const refused = new Promise<'refused'>((resolve) => {
    page.on('console', (line) => /frame-ancestors|X-Frame-Options/.test(line.text()) && resolve('refused'));
  });
  await page.goto(site);
  await page.evaluate((src) => {
    const frame = document.createElement('iframe');
    frame.src = src;
    document.body.append(frame);
  }, address);
  const shown = page.frameLocator('iframe').getByText('a call').waitFor({ timeout: 60_000 });
  return Promise.race([refused, shown.then(() => 'shown' as const)]);
}

test('an origin of embedOrigins may frame the pages; the browser refuses another one, and everybody by default', async () => {
  const [clinic, other] = [await startSite({ '/': 'clinic' }), await startSite({ '/': 'other' })];
  const start = async (clientSettings: object): Promise<Pwa> => {
    const pwa = await startPwa({ clientDir: strictBuild(), clientSettings });
    onTestFinished(() => pwa[Symbol.asyncDispose]());
    return pwa;
  };
  const open = await start({ embedOrigins: [clinic] });
  const closed = await start({});
  for (const path of ['/', '/?room=a', '/live/?room=a', '/nowhere']) {
    expect([path, await framed(clinic, open.origin + path)]).toEqual([path, 'shown']);
    expect([path, await framed(other, open.origin + path)]).toEqual([path, 'refused']);
    expect([path, await framed(clinic, closed.origin + path)]).toEqual([path, 'refused']);
  }
});

/** What a stranger writes: the package as a script of the site, events kept for the test. */
const PAGE = `<!doctype html><title>Clinic</title><div id="visit"></div><script type="module">
import { EmbeddedCall, EmbedError } from '/embed.js';
const query = new URLSearchParams(location.search);
const events = [];
let busy = true;
const getToken = async () => {
  const before = busy;
  busy = false;
  if (before) throw new Error('the backend is restarting');
  return (await fetch('/token')).text();
};
const readyTimeout = Number(query.get('ready') ?? 60000);
const call = new EmbeddedCall(document.querySelector('#visit'), { url: query.get('url'), roomId: 'visit', name: 'Zoe', getToken, readyTimeout });
for (const name of ['joined', 'left', 'peer-joined', 'peer-left', 'media'])
  call.on(name, (data) => events.push([name, data]));
const codeOf = (promise) => promise.then(() => 'done', (error) => [error instanceof EmbedError, error.code]);
Object.assign(globalThis, { call, codeOf, events });
</script>`;

interface Stranger {
  call: EmbeddedCall;
  /** Timers that wait for the frame. */
  readyTimers: Set<number>;
  codeOf(promise: Promise<void>): Promise<unknown>;
  events: [string, unknown][];
}

interface Embedded {
  readonly page: Page;
  readonly pwa: Pwa;
  /** What the page gives the frame. */
  readonly token: string;
  /** The frame's window. */
  readonly frame: () => Frame;
  happened(): Promise<[string, unknown][]>;
}

/** In the page: timers as long as `readyTimeout` there are kept until they are cleared. */
function watchReadyTimers(): void {
  const { setTimeout: start, clearTimeout: stop } = window;
  const readyTimers = new Set<number>();
  const started = (...of: Parameters<typeof start>) => {
    const timer = start(...of);
    if (of[1] === 60_000) readyTimers.add(timer);
    return timer;
  };
  const stopped = (timer?: number) => {
    if (timer !== undefined) readyTimers.delete(timer);
    stop(timer);
  };
  Object.assign(window, { readyTimers, setTimeout: started, clearTimeout: stopped });
}

/** A stranger's page with a call in it. @param query of the page, `url` aside */
async function embed(query = '', before?: (page: Page) => Promise<unknown>): Promise<Embedded> {
  const files: Record<string, string> = { '/': PAGE, '/embed.js': readFileSync(join(installed, 'index.js'), 'utf8') };
  const site = await startSite(files);
  const pwa = await startPwa({ clientSettings: { embedOrigins: [site] } });
  onTestFinished(() => pwa[Symbol.asyncDispose]());
  const token = await pwa.token('patient-7');
  files['/token'] = token;
  const context = await browser.newContext({ serviceWorkers: 'block' });
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await before?.(page);
  await page.goto(`${site}/?url=${encodeURIComponent(pwa.origin)}${query}`);
  const frame = () => page.frames().find((one) => one.url().startsWith(pwa.origin)) as Frame;
  const happened = () => page.evaluate(() => (globalThis as unknown as Stranger).events);
  return { page, pwa, token, frame, happened };
}

const waitingTimers = (page: Page) => page.evaluate(() => (globalThis as unknown as Stranger).readyTimers.size);
const named = (events: [string, unknown][], name: string) => events.filter(([one]) => one === name);

test('a stranger’s page joins with its own token, hears who comes and goes, switches devices, and leaves', async () => {
  const addresses: string[] = [];
  const { page, pwa, token, frame, happened } = await embed('', async (page) => {
    page.on('request', (request) => addresses.push(request.url()));
    page.on('websocket', (socket) => addresses.push(socket.url()));
    await page.addInitScript(watchReadyTimers);
    // A frame that goes as one whose process died: without a word. First of the listeners, so that the page's own does not run.
    await page.addInitScript(() => addEventListener('pagehide', (event) => event.stopImmediatePropagation()));
  });
  const ada = new SignalingSession({ url: `${pwa.origin}/ws/signal`, getToken: () => pwa.token('ada') });
  onTestFinished(() => ada.close());
  await ada.join('visit', { name: 'Ada' } as PeerMetadata);
  await page.evaluate(() => (globalThis as unknown as Stranger).call.join());
  expect(await waitingTimers(page), 'timers once the frame has answered').toBe(0);
  await vi.waitFor(async () => {
    const events = await happened();
    expect(named(events, 'joined')).toEqual([['joined', { roomId: 'visit' }]]);
    expect(named(events, 'peer-joined')).toEqual([['peer-joined', { peerId: ada.peerId, name: 'Ada' }]]);
    expect(named(events, 'media').at(-1)).toEqual(['media', { audio: true, video: true }]);
  }, patience);
  expect(pwa.issued, 'tokens of the service').toEqual([]);
  expect([...ada.peers.values()].map(({ userId, metadata }) => [userId, metadata?.name])).toEqual([
    ['patient-7', 'Zoe'],
  ]);
  expect(addresses.map((address) => new URL(address).pathname)).toEqual(
    expect.arrayContaining(['/', '/ws/signal', '/auth/ice-servers']),
  );
  expect(addresses.filter((address) => address.includes(token))).toEqual([]);

  await page.evaluate(async () => {
    const { call } = globalThis as unknown as Stranger;
    await call.setAudio(false);
    await call.setVideo(false);
  });
  expect(named(await happened(), 'media').at(-1)).toEqual(['media', { audio: false, video: false }]);
  await frame().getByTestId('toggle-mic').click();
  await vi.waitFor(
    async () => expect(named(await happened(), 'media').at(-1)).toEqual(['media', { audio: true, video: false }]),
    patience,
  );
  ada.close();
  await vi.waitFor(async () => expect(named(await happened(), 'peer-left')).toHaveLength(1), patience);

  await page.evaluate(() => (globalThis as unknown as Stranger).call.leave());
  await vi.waitFor(
    async () => expect(named(await happened(), 'left')).toEqual([['left', { reason: 'left' }]]),
    patience,
  );
  await frame().getByTestId('ended').waitFor();
  // A new call of its own, or a link, would lead the frame out of the room of the page around.
  expect([await frame().getByTestId('new-call').count(), await frame().getByRole('link').count()]).toEqual([0, 0]);
  // Again, and the frame loads anew in mid-call.
  await page.evaluate(() => (globalThis as unknown as Stranger).call.join());
  await frame().evaluate(() => location.reload());
  await vi.waitFor(
    async () =>
      expect(named(await happened(), 'left').map(([, data]) => data)).toEqual([{ reason: 'left' }, { reason: 'gone' }]),
    patience,
  );
  await page.evaluate(() => (globalThis as unknown as Stranger).call.join());
  const after = await page.evaluate(async () => {
    const { call, codeOf } = globalThis as unknown as Stranger;
    call.remove();
    call.remove();
    return [await codeOf(call.setAudio(true)), document.querySelectorAll('iframe').length];
  });
  expect(after).toEqual([[true, 'removed'], 0]);
  expect(await waitingTimers(page), 'timers of a call that was removed').toBe(0);
  expect(named(await happened(), 'left').at(-1)).toEqual(['left', { reason: 'removed' }]);
});

test('a frame answers only origins of its config.json, whoever may frame it', async () => {
  const { page, pwa, frame } = await embed('&ready=4000', (page) =>
    page.route('**/config.json', (route) => route.fulfill({ json: { embedOrigins: ['https://other.example'] } })),
  );
  const code = await page.evaluate(() => {
    const { call, codeOf } = globalThis as unknown as Stranger;
    return codeOf(call.join());
  });
  expect(code).toEqual([true, 'not_ready']);
  await frame().getByTestId('join').waitFor(patience);
  await vi.waitFor(() => expect(pwa.issued, 'a guest as everywhere').toHaveLength(1), patience);
});

test('the page gives the channel, and so the token, to no other window and no other origin', async () => {
  const { page, happened } = await embed('&ready=4000', (page) => page.route('**/*embed=1*', (route) => route.abort()));
  const got = await page.evaluate(async () => {
    const { call, codeOf } = globalThis as unknown as Stranger;
    const hello = `parent.postMessage({ tandem: 'frame', version: 1 }, '*'); onmessage = () => parent.postMessage('got it', '*')`;
    const heard: unknown[] = [];
    addEventListener('message', ({ data }) => heard.push(data));
    // Another frame of the page, and the call's own frame after something navigated it to another origin.
    const other = document.createElement('iframe');
    other.srcdoc = `<script>${hello}</script>`;
    document.body.append(other);
    call.element.srcdoc = `<script>${hello}</script>`;
    return [await codeOf(call.join()), heard];
  });
  expect(got).toEqual([
    [true, 'not_ready'],
    [
      { tandem: 'frame', version: 1 },
      { tandem: 'frame', version: 1 },
    ],
  ]);
  expect(await happened()).toEqual([]);
});

test('the package: what it holds, its types and the example of its README, its size', async () => {
  expect(packed.manifest.dependencies).toBeUndefined();
  expect(packed.paths).toEqual(expect.arrayContaining(['index.js', 'types/index.d.ts', 'README.md', 'LICENSE']));
  const [example = ''] = examplesOf(packed.readme);
  expect(example).toContain('new EmbeddedCall(');
  writeFileSync(join(folder, 'example.mts'), example);
  const lib = ['es2022', 'dom', 'dom.iterable'];
  typeCheck(folder, 'example.mts', { lib });
  writeFileSync(
    join(folder, 'wrong.mts'),
    `import type { EmbeddedCall } from '@tandem/embed';
declare const call: EmbeddedCall;
call.on('left', ({ reason }) => reason.length);
// @ts-expect-error
call.on('joined', ({ reason }) => reason);
// @ts-expect-error
void call.setAudio('on');
`,
  );
  typeCheck(folder, 'wrong.mts', { lib });
  expect((await measure()).gzip).toBeLessThanOrEqual(BUDGET);
});
