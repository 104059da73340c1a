/** What the service worker keeps of the pages has the headers of the day it was kept: that must not decide who frames them today. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startPwa } from './pwa/harness.ts';
import { patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

/** Longer than the service worker waits for the network before it takes its copy, ms. */
const SLOW_MS = 6000;

let browser: Browser;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());

async function serve(answer: (path: string, response: ServerResponse) => unknown): Promise<number> {
  const server = createServer((request, response) => answer(request.url ?? '/', response));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    return new Promise<void>((done) => void server.close(() => done()));
  });
  return (server.address() as AddressInfo).port;
}

interface Deployment {
  readonly origin: string;
  /** Who may frame the pages, and how long they take, ms: change at any time. */
  readonly pages: { ancestors: string; delay: number; name: string };
}

/** The built pages behind an edge that can be set anew without a new build. Services are away: the lobby is there without them. */
async function deploy(ancestors: string): Promise<Deployment> {
  const pwa = await startPwa();
  onTestFinished(() => pwa[Symbol.asyncDispose]());
  const pages = { ancestors, delay: 0, name: 'first' };
  const port = await serve(async (path, response): Promise<unknown> => {
    if (/^\/(auth|ws|reports|health)/.test(path)) return response.writeHead(503).end();
    const got = await fetch(pwa.origin + path);
    let body: Buffer | string = Buffer.from(await got.arrayBuffer());
    const headers: Record<string, string> = { 'content-type': got.headers.get('content-type') ?? '' };
    if (headers['content-type']?.includes('html')) {
      headers['content-security-policy'] = `frame-ancestors ${pages.ancestors}`;
      body = body.toString().replace('<body', `<body data-served="${pages.name}"`);
      await new Promise((done) => setTimeout(done, pages.delay));
    }
    return response.writeHead(got.status, headers).end(body);
  });
  return { origin: `http://127.0.0.1:${port}`, pages };
}

/** Loads the page and says what became of the frame in it. */
async function framed(page: Page, load: () => Promise<unknown>): Promise<'shown' | 'refused'> {
  const refused = new Promise<'refused'>((resolve) => {
    page.on('console', (line) => /frame-ancestors/.test(line.text()) && resolve('refused'));
  });
  await load();
  const shown = page.frameLocator('iframe').getByTestId('join').waitFor(patience);
  return Promise.race([refused, shown.then(() => 'shown' as const)]);
}

const PATHS = ['/?room=visit&embed=1', '/index.html?room=visit'];
test.each(PATHS)(
  'an origin that is no longer in embedOrigins does not frame the copy of %s in the service worker',
  async (path) => {
    const origins: string[] = [];
    const port = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<iframe src="${origins[0]}${path}"></iframe>`);
    });
    // Another origin of the same site: Chromium lets no frame of another site have a service worker in a context like this one.
    const site = `http://127.0.0.1:${port}`;
    const { origin, pages } = await deploy(site);
    origins.push(origin);
    const context = await browser.newContext();
    onTestFinished(() => context.close());
    const page = await context.newPage();
    expect(await framed(page, () => page.goto(site))).toBe('shown');
    const frame = () => page.frames().find((one) => one.url().startsWith(origin));
    await frame()?.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
    expect(await framed(page, () => page.reload())).toBe('shown');
    await vi.waitFor(async () => {
      expect(await frame()?.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
    }, patience);

    pages.ancestors = "'none'";
    expect(await framed(page, () => page.reload())).toBe('refused');
    pages.delay = SLOW_MS;
    expect(await framed(page, () => page.reload({ waitUntil: 'commit' }))).toBe('refused');
  },
);

test('a page of its own is as new as the network has it, and the copy when that is slow', async () => {
  const { origin, pages } = await deploy("'none'");
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(origin);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => {}));
  pages.name = 'second';
  await page.reload();
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  expect(await page.locator('body').getAttribute('data-served')).toBe('second');
  pages.delay = 60_000;
  pages.name = 'third';
  await page.reload();
  expect(await page.locator('body').getAttribute('data-served')).toBe('first');
});
