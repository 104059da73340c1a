/** The live page in Chromium: real encoder (npm `whip-whep`), signaling, Redis, edge, media nodes with Janus. */
import http from 'node:http';
import { createLogger } from '@tandem/service';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { EdgeConfig } from '../infra/local/edge/config.ts';
import { startEdge } from '../infra/local/edge/server.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { clientDir, serveAuth } from './pwa/harness.ts';
import { expectAccessible, type OpenOptions, openPage, patience } from './pwa/suite.ts';
import { launchBrowser } from './support/browser.ts';
import { type EncoderPage, openEncoder, publishFrom } from './support/encoder-page.ts';
import { expectLowLatency, readPlaylist } from './support/hls-playlist.ts';
import { enginePids, type MediaStack, startMediaStack } from './support/media-stack.ts';
import { childrenNamed } from './support/processes.ts';

/** What the browser says of requests that are refused on purpose. */
const REFUSED = /Failed to load resource/;
let stack: MediaStack;
let browser: Browser;
let origin: string;
let served: Awaited<ReturnType<typeof serveAuth>>;
const kept = new AsyncDisposableStack();

beforeAll(async () => {
  stack = kept.use(await startMediaStack({ from: 9, node: { MAX_VIEWERS: 2, MAX_PACKAGERS: 1 } }));
  browser = await launchBrowser();
  kept.defer(() => browser.close());
  const nodes = [await stack.mediaNode('l1', 34_000), await stack.mediaNode('l2', 35_000)];
  served = await serveAuth(stack.keys);
  kept.defer(() => void served.authServer.close());
  const config: EdgeConfig = {
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'silent',
    CLIENT_DIR: clientDir,
    AUTH_TARGETS: `http://127.0.0.1:${served.authPort}`,
    SIGNALING_TARGETS: stack.url.replace(/^ws/, 'http').replace(/\/ws.*/, ''),
    MEDIA_TARGETS: nodes.map(({ httpPort }) => `http://127.0.0.1:${httpPort}`).join(),
    CLIENT_SETTINGS: '{}',
  };
  const edge = kept.use(await startEdge(config, createLogger('edge', 'silent')));
  origin = `http://127.0.0.1:${edge.port}`;
});
afterAll(() => kept.disposeAsync());

const open = async (room: string, options: OpenOptions = {}): Promise<Page> =>
  (await openPage(browser, origin, { expected: REFUSED, query: `live/?room=${room}`, ...options })).page;
const state = (page: Page) => page.getByTestId('live').getAttribute('data-state');
const reaches = (page: Page, wanted: string) =>
  vi.waitFor(async () => expect(await state(page)).toBe(wanted), { ...patience, interval: 20 });

/** The picture moves. */
async function moves(page: Page): Promise<void> {
  const frames = () =>
    page
      .getByTestId('live-video')
      .evaluate((video: HTMLVideoElement) => video.getVideoPlaybackQuality().totalVideoFrames);
  const before = await frames();
  await vi.waitFor(async () => expect(await frames()).toBeGreaterThan(before + 3), patience);
}

/** A page that publishes a canvas and a tone. */
async function encoder(room: string): Promise<Page> {
  const page = await openEncoder(browser, origin);
  onTestFinished(() => page.context().close());
  await publish(page, room);
  return page;
}
const publish = async (page: Page, room: string) =>
  publishFrom(page, { url: `${origin}/whip/${room}`, token: await stack.keys.token(`${room}-encoder`) });

test('W-10 the page waits for the stream, shows it muted, counts viewers, and says when it ends and begins again', async () => {
  const page = await open('show');
  await reaches(page, 'not-live');
  await page.getByText('Not live yet').first().waitFor();
  await expectAccessible(page, 'not live yet');
  // The page says how long its first picture took: for the node's metrics.
  const said = page.waitForRequest(/\/whep\/show\/[^?]+\?first-picture-ms=\d+$/);
  const studio = await encoder('show');
  await reaches(page, 'live');
  console.log(`live page: first picture ${/\d+$/.exec((await said).url())?.[0]} ms after it asked`);
  await moves(page);
  const video = page.getByTestId('live-video');
  expect(await video.evaluate((element: HTMLVideoElement) => element.muted)).toBe(true);
  await page.getByTestId('live-viewers').getByText('1 person is watching').waitFor();
  await page.getByTestId('live-delay').waitFor();
  await expectAccessible(page, 'live');
  await page.getByTestId('live-sound').click();
  expect(await video.evaluate((element: HTMLVideoElement) => element.muted)).toBe(false);
  await page.keyboard.press('m');
  expect(await video.evaluate((element: HTMLVideoElement) => element.muted)).toBe(true);
  await page.keyboard.press('f');
  await vi.waitFor(
    async () => expect(await page.evaluate(() => document.fullscreenElement?.className)).toBe('live-frame'),
    patience,
  );
  await page.keyboard.press('f');
  await vi.waitFor(async () => expect(await page.evaluate(() => document.fullscreenElement)).toBeNull(), patience);
  await studio.evaluate(() => (globalThis as unknown as EncoderPage).client.stop());
  await reaches(page, 'ended');
  await expectAccessible(page, 'ended');
  await publish(studio, 'show');
  await reaches(page, 'live');
  await moves(page);
});

test('W-11 a node that is killed is replaced: the page goes on by itself when the encoder is back', async () => {
  const studio = await encoder('kill');
  const page = await open('kill');
  await reaches(page, 'live');
  const node = stack.nodes.find(({ rooms }) => rooms.has('kill'));
  if (!node) throw new Error('no node serves the room');
  for (const pid of enginePids(node)) process.kill(pid, 'SIGKILL');
  await node[Symbol.asyncDispose]();
  await reaches(page, 'reconnecting');
  await vi.waitFor(() => publish(studio, 'kill'), patience);
  await reaches(page, 'live');
  await moves(page);
});

test('W-12 a full node, a lost network and a link without a room are said as such', async () => {
  const offline = await open('other');
  await reaches(offline, 'not-live');
  await offline.context().setOffline(true);
  await reaches(offline, 'offline');
  await offline.context().setOffline(false);
  await reaches(offline, 'not-live');
  await offline.close();
  await encoder('full');
  const pages = [await open('full'), await open('full')];
  for (const page of pages) await reaches(page, 'live');
  const third = await open('full', { blocked: ['hls/live.m3u8'] });
  await reaches(third, 'full');
  await expectAccessible(third, 'full');
  await pages[0]?.close();
  await reaches(third, 'live');
  const nowhere = await open('');
  await nowhere.getByText('This link names no room').waitFor();
  await expectAccessible(nowhere, 'no room');
});

test('W-13 past the limit of its node a page shows the room by HLS, seconds late, and says so; it ends with the stream', async () => {
  const studio = await encoder('late');
  for (const page of [await open('late'), await open('late')]) await reaches(page, 'live');
  const third = await open('late');
  const asked: URL[] = [];
  third.on('request', (request) => asked.push(new URL(request.url())));
  await reaches(third, 'live');
  await moves(third);
  // hls.js asks for each part when the playlist says that it is there, which it waits for.
  const partsAfter = async (wanted: number) =>
    await vi.waitFor(() => {
      const parts = asked.filter(({ pathname }) => /\/\d+\.\d+\.m4s$/.test(pathname));
      expect(parts.length).toBeGreaterThan(wanted);
      return parts.length;
    }, patience);
  await partsAfter(await partsAfter(0));
  expect(asked.filter(({ searchParams }) => searchParams.has('_HLS_part')).length).toBeGreaterThan(1);
  const video = third.getByTestId('live-video');
  expect(await video.evaluate((one: HTMLVideoElement) => [one.srcObject, one.videoWidth, one.videoHeight])).toEqual([
    null,
    1280,
    720,
  ]);
  await third
    .getByTestId('live-delay')
    .getByText(/^\d+ seconds? behind$/)
    .waitFor();
  await expectAccessible(third, 'live by HLS');

  const token = await stack.keys.token('reader', { rooms: ['late'], publish: false });
  const text = await readPlaylist(origin, 'late', token);
  const id = /^([\w-]{24})\/\d+\.m4s$/m.exec(text)?.[1] ?? '';
  expect(text).toContain(`#EXT-X-MAP:URI="${id}/init.mp4"`);
  expect(text).not.toContain('#EXT-X-ENDLIST');
  await expectLowLatency(origin, 'late', token);
  // Any node has it, from the one that serves the room: a new one, and by the edge the other.
  const { httpPort } = await stack.mediaNode('l3', 36_000);
  for (const at of [`http://127.0.0.1:${httpPort}`, origin]) {
    const now = await readPlaylist(at, 'late', token);
    const response = await fetch(`${at}/whep/late/hls/${now.split('\n').findLast((line) => line.endsWith('.m4s'))}`);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('video/mp4');
    expect(response.headers.get('cache-control')).toBe('public, max-age=60, immutable');
    // A media segment of ISO/IEC 14496-12: its bytes came through whole.
    const bytes = Buffer.from(await response.arrayBuffer()).toString('latin1');
    expect(['styp', 'moof']).toContain(bytes.slice(4, 8));
    expect(bytes.includes('mdat')).toBe(true);
  }
  const status = async (path: string, bearer?: string) =>
    await raw(`/whep/${path}`, bearer === undefined ? {} : { authorization: `Bearer ${bearer}` });
  expect(await status('late/hls/live.m3u8')).toBe(401);
  expect(await status('late/hls/live.m3u8', await stack.keys.token('eve', { rooms: ['other'] }))).toBe(403);
  expect(await status('nobody/hls/live.m3u8', await stack.keys.token('eve'))).toBe(409);
  expect(await status(`late/hls/${id}/init.mp4`)).toBe(200);
  const odd = ['in.sdp', 'live.m3u8', '..%2Fin.sdp', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '../init.mp4', '1.m4s%00'];
  for (const file of odd) expect([400, 404], file).toContain(await status(`late/hls/${id}/${file}`));
  // 503: of a room that has just come here another node may have it.
  for (const folder of ['..', '%2e%2e', '.', 'A'.repeat(24)])
    expect([400, 404, 503], folder).toContain(await status(`late/hls/${folder}/init.mp4`));
  await studio.evaluate(() => (globalThis as unknown as EncoderPage).client.stop());
  // The node that had the room ends the playlist; another one knows of no stream.
  const now = () => readPlaylist(origin, 'late', token).catch((error: Error) => error.message);
  await vi.waitFor(async () => expect(await now()).toMatch(/#EXT-X-ENDLIST|^409 /), patience);
  await reaches(third, 'ended');
});

/** For the page: media goes by a relay, of which there is none. */
function withoutPath(): void {
  const { prototype } = RTCPeerConnection;
  const { setConfiguration } = prototype;
  prototype.setConfiguration = function (configuration) {
    setConfiguration.call(this, { ...configuration, iceServers: [], iceTransportPolicy: 'relay' });
  };
}

test('W-13 a page whose network lets no media through shows the room by HLS', async () => {
  await encoder('walled');
  const page = await open('walled', { before: withoutPath });
  await reaches(page, 'live');
  await moves(page);
  await page
    .getByTestId('live-delay')
    .getByText(/behind$/)
    .waitFor();
});

const TOKENS = { HLS: [10, '.m3u8', 10], WebRTC: [25, 'first-picture-ms', 2] } as const;
test.each(['HLS', 'WebRTC'] as const)('W-8 W-13 %s goes on past the end of its token, with a later one', async (by) => {
  const [life, asked, times] = TOKENS[by];
  served.auth.life = life;
  onTestFinished(() => void delete served.auth.life);
  await encoder(`longer-${life}`);
  const page = await open(`longer-${life}`, by === 'HLS' ? { before: withoutPath } : {});
  await reaches(page, 'live');
  const [posted, bearers] = [new Set<string>(), new Set<string>()];
  page.on('request', (request) => {
    if (request.method() === 'POST') posted.add(new URL(request.url()).pathname);
    if (request.url().includes(asked)) bearers.add(request.headers().authorization ?? '');
  });
  // Renewed at half of its life (of WebRTC with the number of viewers, each 20 s). A node takes it for 30 s past its end: the first one is refused long before.
  await vi.waitFor(() => expect(bearers.size).toBeGreaterThan(times), { ...patience, timeout: 90_000 });
  expect([...posted]).toEqual(['/auth/refresh']);
  await moves(page);
});

test('W-13 the program that makes HLS is killed: the page goes on by itself, with what the next one makes, and says nothing false meanwhile', async () => {
  await encoder('killed');
  const page = await open('killed', { before: withoutPath });
  await reaches(page, 'live');
  await moves(page);
  const states = await page.evaluateHandle(() => {
    const said: (string | undefined)[] = [];
    const shown = document.querySelector<HTMLElement>('[data-testid=live]');
    const look = () => void said.push(shown?.dataset.state);
    if (shown) new MutationObserver(look).observe(shown, { attributeFilter: ['data-state'] });
    return said;
  });
  const token = await stack.keys.token('reader', { rooms: ['killed'], publish: false });
  const before = /URI="([\w-]{24})\//.exec(await readPlaylist(origin, 'killed', token))?.[1] ?? '';
  expect(before).not.toBe('');
  // What the page had loaded before would move for a while by itself.
  const next = page.waitForResponse((response) => {
    const [, id] = /\/hls\/([\w-]{24})\/\d[\d.]*\.m4s$/.exec(response.url()) ?? [];
    return response.ok() && id !== undefined && id !== before;
  });
  for (const pid of childrenNamed('ffmpeg')) process.kill(pid, 'SIGKILL');
  await next;
  await reaches(page, 'live');
  await moves(page);
  expect(await states.jsonValue()).not.toContain('ended');
});

test('W-13 W-14 what is sealed between people has no HLS, and the page says so, until it is sealed no more', async () => {
  await encoder('sealed');
  const token = await stack.keys.token('ada');
  const session = new SignalingSession({ url: stack.url, getToken: async () => token });
  onTestFinished(() => session.close());
  await session.join('sealed', { encryption: { key: 'of ada' } } as never);
  const ask = () => raw('/whep/sealed/hls/live.m3u8', { authorization: `Bearer ${token}` });
  await vi.waitFor(async () => expect(await ask()).toBe(403), patience);
  const page = await open('sealed');
  await reaches(page, 'encrypted');
  await page.getByText('only the people in it can see it').first().waitFor();
  await expectAccessible(page, 'encrypted');
  session.close();
  await reaches(page, 'live');
});

/** The path as it is: `fetch` would resolve its dots. @returns the status */
const raw = (path: string, headers: Record<string, string> = {}) =>
  new Promise<number | undefined>((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const request = http.request({ hostname, port, path, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject).end();
  });
