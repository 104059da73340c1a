/**
 * HLS of a room, played by others than our page: hls.js as it comes, and ffmpeg and GStreamer, which know no parts, so what they get is a plain playlist
 * with segments.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { launchBrowser } from './support/browser.ts';
import { expectLowLatency, readPlaylist } from './support/hls-playlist.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';
import { childrenNamed } from './support/processes.ts';
import { startWebrtcbin } from './support/webrtcbin.ts';

const WAIT = { timeout: 60_000, interval: 100 };
const kept = new AsyncDisposableStack();
let stack: MediaStack;
let origin: string;
/** Of the playlist, without a token. */
let url: string;

beforeAll(async () => {
  stack = kept.use(await startMediaStack({ from: 9, node: { MAX_PACKAGERS: 1 } }));
  origin = `http://127.0.0.1:${(await stack.mediaNode('m1', 33_000)).httpPort}`;
  const encoder = kept.use(startWebrtcbin('whip', `${origin}/whip/show`, await stack.keys.token('encoder')));
  await vi.waitFor(() => expect(encoder.said).toContainEqual({ connection: 'connected' }), WAIT);
  url = `${await withToken(await stack.keys.token('viewer', { publish: false }))}/whep/show/hls/live.m3u8`;
  // A whole segment.
  await vi.waitFor(async () => expect(await (await fetch(url)).text()).toContain('#EXTINF'), WAIT);
});
afterAll(() => kept.disposeAsync());

/** These players send no token by themselves. @returns an origin that adds it */
async function withToken(token: string): Promise<string> {
  const server = http.createServer((request, response) => {
    const headers = { authorization: `Bearer ${token}` };
    const onward = http.request(new URL(request.url ?? '', origin), { headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy()).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  kept.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('W-13 the playlist and what it names are low-latency HLS as hls.js reads it', async () => {
  await expectLowLatency(origin, 'show', await stack.keys.token('reader', { publish: false }));
});

test('W-13 ffmpeg plays six seconds of it: each picture and all of the sound, one after the other', async () => {
  // A warning says that it reads the initialization anew for each segment.
  const args = ['-v', 'error', '-i', url, '-t', '6', '-f', 'framemd5', '-'];
  const { stdout, stderr } = await promisify(execFile)('ffmpeg', args, { timeout: 60_000 });
  expect(stderr).toBe('');
  const times = (stream: number) =>
    stdout
      .split('\n')
      .filter((line) => line.startsWith(`${stream},`))
      .map((line) => Number(line.split(',')[2]));
  const [video, audio] = [times(0), times(1)];
  // 30 a second, each after the one before: no segment repeats, lacks or reorders what its parts have.
  expect(new Set(video.slice(1).map((at, i) => at - (video[i] ?? 0))).size).toBe(1);
  expect(video.length).toBeGreaterThan(6 * 30 - 15);
  expect(audio.length).toBeGreaterThan(6 * 46 - 24);
  expect(audio.slice(1).every((at, i) => at > (audio[i] ?? 0))).toBe(true);
});

test('W-13 GStreamer plays it: pictures and sound come out of its decoders', async () => {
  const script = fileURLToPath(new URL('support/hls-player.py', import.meta.url));
  const player = spawn('/usr/bin/python3', [script, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void player.kill('SIGKILL'));
  const said: unknown[] = [];
  createInterface({ input: player.stdout }).on('line', (line) => void said.push(JSON.parse(line)));
  for (const decoded of ['video', 'audio'])
    await vi.waitFor(() => expect(said).toContainEqual({ decoded, frames: 100 }), WAIT);
  expect(said).toContainEqual({ demuxer: 'hlsdemux2' });
  expect(said.filter((one) => Object.hasOwn(one as object, 'problem'))).toEqual([]);
});

/** Of a page in which {@link HLS_JS} is. */
interface Played {
  readonly Hls: typeof import('hls.js').default;
  /** Folders of the packagers whose media were played. */
  readonly ids: string[];
  readonly fatal: string[];
}
const HLS_JS = fileURLToPath(new URL('../node_modules/hls.js/dist/hls.min.js', import.meta.url));

test('W-13 hls.js plays on in the same playlist when the program that makes it is killed: the next one follows after a discontinuity', async () => {
  const browser = await launchBrowser();
  onTestFinished(() => browser.close());
  const page = await browser.newPage();
  const player = new URL('/player', url).href;
  await page.route(player, (route) => route.fulfill({ contentType: 'text/html', body: '<video muted></video>' }));
  await page.goto(player);
  await page.addScriptTag({ path: HLS_JS });
  await page.evaluate((source) => {
    const { Hls } = globalThis as unknown as Played;
    const played = Object.assign(globalThis, { ids: [] as string[], fatal: [] as string[] });
    const { playlistLoadPolicy } = Hls.DefaultConfig;
    // It asks again for as long as a busy machine takes; three times by itself.
    const errorRetry = { maxNumRetry: 100, retryDelayMs: 500, maxRetryDelayMs: 500 };
    const hls = new Hls({ playlistLoadPolicy: { default: { ...playlistLoadPolicy.default, errorRetry } } });
    hls.on(Hls.Events.ERROR, (_, { fatal, details }) => void (fatal && played.fatal.push(details)));
    hls.on(Hls.Events.FRAG_CHANGED, (_, { frag }) => {
      const id = /([\w-]{24})\/[\d.]+m4s$/.exec(frag.url)?.[1];
      if (id !== undefined && !played.ids.includes(id)) played.ids.push(id);
    });
    hls.loadSource(source);
    const video = document.querySelector('video');
    if (!video) throw new Error('no video');
    hls.attachMedia(video);
    void video.play();
  }, url);
  const played = () =>
    page.evaluate(() => {
      const { ids, fatal } = globalThis as unknown as Played;
      return { ids, fatal, seconds: document.querySelector('video')?.currentTime ?? 0 };
    });
  await vi.waitFor(async () => expect((await played()).ids).toHaveLength(1), WAIT);
  for (const pid of childrenNamed('ffmpeg')) process.kill(pid, 'SIGKILL');
  await vi.waitFor(async () => expect((await played()).ids).toHaveLength(2), WAIT);
  const { seconds } = await played();
  await vi.waitFor(async () => expect((await played()).seconds).toBeGreaterThan(seconds + 2), WAIT);
  expect((await played()).fatal).toEqual([]);
  // What it had is where it was: the list has gone on.
  const token = await stack.keys.token('reader', { publish: false });
  expect(await readPlaylist(origin, 'show', token)).not.toContain('#EXT-X-ENDLIST');
});
