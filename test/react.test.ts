/** @tandem/react as a stranger has it: packed, beside React and the packed SDK, the README's example bundled without Next, in Chromium. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { SignalingSession } from '@tandem/rtc';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { BUDGET, measure } from '../packages/react/size.ts';
import { type Pwa, startPwa } from './pwa/harness.ts';
import { patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';
import { installPacked, type PackedPackage, typeCheck } from './support/packed.ts';

const kept = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), 'tandem-react-'));
let packed: PackedPackage;
let pwa: Pwa;
let browser: Browser;

/** Mounts the example twice over, as strict mode does; the address says which room and name, `stop` takes it out of the page. */
const MAIN = `
import { StrictMode, version } from 'react';
import { createRoot } from 'react-dom/client';
import { Visit } from './example.tsx';
const query = new URLSearchParams(location.search);
const root = createRoot(document.querySelector('#visit') as Element);
root.render(<StrictMode><Visit roomId={query.get('room') ?? ''} name={query.get('name') ?? ''} /></StrictMode>);
Object.assign(globalThis, { stop: () => root.unmount(), reactVersion: version });
`;

/** What a stranger installs as well. `REACT_VERSION=18.3.1` takes another React, from the registry: .ci/run does. */
function installReact(): void {
  for (const name of ['react', 'react-dom', 'scheduler', '@types/react', 'csstype']) {
    const from = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    cpSync(from, join(folder, 'node_modules', name), { recursive: true });
  }
  const { REACT_VERSION: version } = process.env;
  if (!version) return;
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const types = version.split('.')[0] ?? version;
  const wanted = [`react@${version}`, `react-dom@${version}`, `@types/react@${types}`];
  execFileSync('npm', ['install', '--no-save', '--no-audit', ...wanted], { cwd: folder, stdio: 'pipe' });
}

async function bundleExample(): Promise<void> {
  const example = /```tsx\n([\s\S]*?)```/.exec(packed.readme)?.[1] ?? '';
  expect(example).toContain('useCall({');
  writeFileSync(join(folder, 'example.tsx'), example);
  writeFileSync(join(folder, 'main.tsx'), MAIN);
  const out = join(folder, 'out');
  mkdirSync(out);
  writeFileSync(
    join(out, 'index.html'),
    '<!doctype html><title>Visit</title><link rel="icon" href="data:,"><div id="visit"></div><script type="module" src="/main.js"></script>',
  );
  const entryPoints = [join(folder, 'main.tsx')];
  await build({ entryPoints, bundle: true, format: 'esm', jsx: 'automatic', outdir: out, absWorkingDir: folder });
}

beforeAll(async () => {
  kept.defer(() => rmSync(folder, { recursive: true }));
  installReact();
  packed = installPacked('react', folder);
  installPacked('rtc', folder);
  await bundleExample();
  pwa = kept.use(await startPwa({ clientDir: join(folder, 'out') }));
  browser = await launchBrowser();
  kept.defer(() => browser.close());
});
afterAll(() => kept.disposeAsync());

test('the package: what it holds, its types and the example of its README, its size', async () => {
  expect(packed.manifest).toMatchObject({ peerDependencies: { react: '>=18', '@tandem/rtc': '0.1.0' } });
  expect(packed.manifest.dependencies).toBeUndefined();
  expect(packed.paths).toEqual(expect.arrayContaining(['index.js', 'types/index.d.ts', 'README.md', 'LICENSE']));
  expect(packed.paths.filter((path) => path.includes('test'))).toEqual([]);
  expect(readFileSync(join(folder, 'node_modules/@tandem/react/index.js'), 'utf8')).toMatch(/^'use client';/);
  const lib = ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable', 'esnext.disposable'];
  writeFileSync(
    join(folder, 'wrong.tsx'),
    `import { TrackVideo, useCall, usePeers } from '@tandem/react';
export function Wrong() {
  const { call, state } = useCall({ url: '/ws/signal', roomId: undefined, getToken: async () => '' });
  // @ts-expect-error
  if (state === 'over') return null;
  // @ts-expect-error
  usePeers(call)[0]?.stream.getTracks().name;
  // @ts-expect-error
  return <TrackVideo track="camera" />;
}
`,
  );
  for (const file of ['example.tsx', 'wrong.tsx']) typeCheck(folder, file, { lib, jsx: 'react-jsx' });
  expect((await measure()).gzip).toBeLessThanOrEqual(BUDGET);
});

/** A screen to share, 320 pixels wide, without the browser's picker. */
const fakeScreen = () => {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 320, height: 200 });
    const paint = canvas.getContext('2d');
    setInterval(() => {
      if (!paint) return;
      paint.fillStyle = `hsl(${Math.round(performance.now() / 10) % 360} 80% 50%)`;
      paint.fillRect(0, 0, 320, 200);
    }, 100);
    return canvas.captureStream(10);
  };
};

/** Somebody's page. What it complains about fails the test. */
async function open(name: string): Promise<Page> {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'], serviceWorkers: 'block' });
  await context.addInitScript(fakeScreen);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));
  onTestFinished(async () => {
    await context.close();
    expect(complaints).toEqual([]);
  });
  await page.goto(`${pwa.origin}/?room=visit&name=${name}`);
  return page;
}

/** Is the picture of this name moving, and does the voice play? */
const seen = (page: Page, name: string) =>
  page.evaluate((label) => {
    const figure = [...document.querySelectorAll('figure')].find((one) => one.textContent === label);
    const [video, audio] = [figure?.querySelector('video'), figure?.querySelector('audio')];
    return { width: video?.videoWidth ?? 0, time: video?.currentTime ?? 0, playing: audio?.paused === false };
  }, name);

/** The React that ours is built with, unless another was asked for. */
const wantedReact = process.env.REACT_VERSION ?? createRequire(import.meta.url)('react/package.json').version;

test('two pages of the README’s example, in strict mode, see and hear each other, leave, come back, and are gone with their component', async () => {
  const watch = new SignalingSession({ url: `${pwa.origin}/ws/signal`, getToken: () => pwa.token('watch') });
  onTestFinished(() => watch.close());
  await watch.join('visit', { name: 'Watch' });
  const names = () => [...watch.peers.values()].map(({ metadata }) => metadata?.name).sort();
  const [ada, bob] = [await open('Ada'), await open('Bob')];
  for (const [page, other] of [
    [ada, 'Bob'],
    [bob, 'Ada'],
  ] as const)
    await vi.waitFor(async () => {
      const { width, time, playing } = await seen(page, other);
      expect([width > 0, time > 0, playing]).toEqual([true, true, true]);
    }, patience);
  expect(await ada.evaluate(() => (globalThis as unknown as { reactVersion: string }).reactVersion)).toBe(wantedReact);
  expect(names(), 'one person each, though strict mode mounts twice').toEqual(['Ada', 'Bob']);
  // The test microphone beeps.
  await bob.locator('figure[data-speaking=true]').getByText('Ada').waitFor(patience);

  await ada.getByRole('button', { name: 'Leave' }).click();
  await vi.waitFor(() => expect(names()).toEqual(['Bob']), patience);
  await vi.waitFor(async () => expect(await bob.locator('figcaption').allTextContents()).toEqual(['Watch']), patience);
  await ada.getByRole('button', { name: 'Join' }).click();
  await vi.waitFor(async () => expect((await seen(bob, 'Ada')).time).toBeGreaterThan(0), patience);
  expect(names()).toEqual(['Ada', 'Bob']);

  await ada.getByRole('button', { name: 'Share screen' }).click();
  await vi.waitFor(async () => expect((await seen(bob, 'Ada')).width).toBe(320), patience);
  await ada.getByRole('button', { name: 'Stop sharing' }).click();
  await vi.waitFor(async () => expect((await seen(bob, 'Ada')).width).toBeGreaterThan(320), patience);

  await ada.evaluate(() => (globalThis as unknown as { stop(): void }).stop());
  await vi.waitFor(() => expect(names()).toEqual(['Bob']), patience);
  expect(await ada.locator('#visit').innerHTML()).toBe('');
});

test('S-38 a backend moves somebody: the example goes along with the token of the move, says where it is, and leaves from there', async () => {
  const page = await open('Ada');
  const watch = new SignalingSession({ url: `${pwa.origin}/ws/signal`, getToken: () => pwa.token('watch') });
  onTestFinished(() => watch.close());
  await watch.join('annex', { name: 'Watch' });
  const names = () => [...watch.peers.values()].map(({ metadata }) => metadata?.name);
  await page.getByText('joined').waitFor(patience);
  const authorization = `Bearer ${await pwa.backendToken()}`;
  const rooms = `${pwa.origin}/v1/rooms`;
  const { peers } = (await (await fetch(`${rooms}/visit/peers`, { headers: { authorization } })).json()) as {
    peers: { peerId: string; userId: string; metadata: { name: string } }[];
  };
  const ada = peers.find(({ metadata }) => metadata.name === 'Ada');
  const token = await pwa.token(ada?.userId ?? '', { rooms: ['annex'] });
  const moved = await fetch(`${rooms}/visit/peers/${ada?.peerId}/move`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ roomId: 'annex', token }),
  });
  expect(moved.status).toBe(204);
  await page.getByText('You are now in annex').waitFor(patience);
  await vi.waitFor(() => expect(names()).toEqual(['Ada']), patience);
  await page.getByRole('button', { name: 'Leave' }).click();
  await vi.waitFor(() => expect(names()).toEqual([]), patience);
  // What was left is over: it begins where it was asked for.
  await page.getByRole('button', { name: 'Join' }).click();
  await page.getByText('joined').waitFor(patience);
  expect(await page.getByRole('status').count()).toBe(0);
  expect(names()).toEqual([]);
});

test('a refused join says why', async () => {
  pwa.auth.grants = { rooms: ['elsewhere'] };
  onTestFinished(() => {
    pwa.auth.grants = {};
  });
  const page = await open('Eve');
  await page.getByText('Over: forbidden').waitFor(patience);
});
