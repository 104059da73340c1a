/** The PWA where nothing is set up for it: below a path, from a server that only hands out files, its services elsewhere. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { startTestAuth } from '@tandem/auth/testing';
import { startTestNode } from '@tandem/signaling/testing';
import type { Page } from 'playwright-core';
import { expect, onTestFinished, test, vi } from 'vitest';
import { enter, openPage, patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';

const client = path.resolve('apps/client');
const out = path.resolve('.local/pwa-hosting');
const TYPES: Record<string, string> = {
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  json: 'application/json',
};

interface Media extends Partial<Record<'audioTrack' | 'videoTrack' | 'microphone' | 'camera', MediaStreamTrack>> {
  audio: string;
  video: string;
  blurFailed: boolean;
  filterFailed: boolean;
}
/** What the page sends of camera and microphone, with enough beside it to say why when it is not what was wanted. */
const effects = (page: Page) =>
  page.evaluate(() => {
    const { media } = (globalThis as unknown as { __tandem: { media: { get(): Media } } }).__tandem;
    const { audioTrack, videoTrack, microphone, camera, audio, video, blurFailed, filterFailed } = media.get();
    const blurred = !!videoTrack && videoTrack !== camera;
    const filtered = !!audioTrack && audioTrack !== microphone;
    return { audio, video, blurred, filtered, blurFailed, filterFailed };
  });
const bothOn = { audio: 'live', video: 'live', blurred: true, filtered: true, blurFailed: false, filterFailed: false };

/** Files, a folder's index.html, 404.html: what any bucket does. Remembers what it could not find. */
async function startFileServer(prefix: string) {
  const missing: string[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost').pathname;
    const name = url.endsWith('/') ? `${url}index.html` : url;
    const body = url.startsWith(prefix)
      ? await readFile(path.join(out, name.slice(prefix.length))).catch(() => null)
      : null;
    if (!body) missing.push(url);
    response.writeHead(body ? 200 : 404, {
      'content-type': TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    });
    response.end(body ?? (await readFile(path.join(out, '404.html'))));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const stop = async () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, missing, stop };
}

test('below /calls, from plain files, services at other origins: lobby, call, links, worker, diagnostics, offline', async () => {
  await mkdir(out, { recursive: true });
  onTestFinished(() => rm(out, { recursive: true, force: true }));
  const build = spawn(process.execPath, ['scripts/build.ts'], {
    cwd: client,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BASE_PATH: '/calls', OUT_DIR: path.relative(client, out) },
  });
  const said: string[] = [];
  for (const stream of [build.stdout, build.stderr]) stream.on('data', (chunk) => said.push(String(chunk)));
  expect((await once(build, 'exit'))[0], said.join('')).toBe(0);

  const files = await startFileServer('/calls/');
  onTestFinished(files.stop);
  await using auth = await startTestAuth({ ALLOWED_ORIGINS: files.origin });
  await using signaling = await startTestNode({ keys: auth, config: { ALLOWED_ORIGINS: files.origin } });
  const settings = { authUrl: auth.url, signalingUrl: `http://127.0.0.1:${signaling.port}` };
  await writeFile(path.join(out, 'config.json'), JSON.stringify(settings));

  const browser = await launchBrowser();
  onTestFinished(() => browser.close());
  const base = `${files.origin}/calls`;
  const open = (query: string, remembers = {}) =>
    // At the end the file server goes: what is being loaded is reset, what comes after is refused.
    openPage(browser, base, {
      ...{ query, remembers, serviceWorkers: 'allow' },
      expected: /ERR_CONNECTION_(REFUSED|RESET)|WebSocket/,
    });

  const { page: ada } = await open('?room=deep');
  await ada.locator('[data-testid=readiness][data-state=ready]').waitFor();
  await ada.getByTestId('lobby-title').getByText('Join deep').waitFor();
  expect(await ada.evaluate(async () => (await navigator.serviceWorker.ready).scope)).toBe(`${base}/`);
  const manifest = await ada.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=manifest]')?.href ?? '';
    const { start_url, scope, icons } = await (await fetch(link)).json();
    const statuses = icons.map(async ({ src }: { src: string }) => (await fetch(new URL(src, link))).status);
    return [new URL(start_url, link).href, new URL(scope, link).href, ...new Set(await Promise.all(statuses))];
  });
  expect(manifest).toEqual([`${base}/`, `${base}/`, 200]);

  await enter(ada, 'Ada');
  const invitation = `${base.replace(/^https?:\/\//, '')}/?room=deep`;
  await vi.waitFor(async () => expect(await ada.getByTestId('invite-link').textContent()).toBe(invitation), patience);
  const { page: bob } = await open('?room=deep', { backgroundBlur: true, noiseFilter: true });
  await enter(bob, 'Bob');
  await ada.getByTestId('remote-video').waitFor();
  await bob.getByTestId('remote-video').waitFor();
  // Effects, from a server that knows neither their types nor their folder.
  await vi.waitFor(async () => expect(await effects(bob)).toEqual(bothOn), patience);
  await ada.getByTestId('leave').click();
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`${settings.signalingUrl}/metrics`)).text();
    expect(metrics).toMatch(/^tandem_reports_total\{outcome="accepted"[^}]*\} [1-9]/m);
  }, patience);
  await ada.getByTestId('new-call').click();

  await ada.getByRole('link', { name: 'Check my devices and network' }).click();
  await ada.getByTestId('run-checks').waitFor();
  await ada.getByRole('link', { name: 'Back' }).click();
  await ada.getByTestId('join').waitFor();
  expect(new URL(ada.url()).pathname).toBe('/calls/');
  expect(files.missing.filter((url) => url !== '/favicon.ico')).toEqual([]);

  await files.stop();
  await ada.reload();
  await ada.getByTestId('join').waitFor();
  await ada.goto(`${base}/nowhere/`);
  await ada.getByText('You are offline').waitFor();
});
