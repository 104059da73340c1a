/** A call in somebody else's page, in Chromium: who may frame the pages is decided by the browser from what the edge says. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { launchBrowser } from './support/browser.ts';

const kept = new AsyncDisposableStack();
let browser: Browser;

beforeAll(async () => {
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
