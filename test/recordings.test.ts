/** Recordings from the first word to the file: real Chromium, signaling on Redis, a media node with real Janus, janus-pp-rec and ffmpeg. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openRecordingStore } from '../packages/service/src/recordings/index.ts';
import { type SdkBrowser, startSdkBrowser } from './sdk/harness.ts';
import { enginePids, type MediaStack, startMediaStack } from './support/media-stack.ts';

const run = promisify(execFile);
const COMPOSER = new URL('../infra/recording-composer/main.ts', import.meta.url).pathname;
const WAIT = { timeout: 40_000, interval: 200 };
/** Composing costs about 1.5 s of CPU a second of two people. */
const COMPOSED = { timeout: 200_000, interval: 1000 };
let stack: MediaStack;
let browser: SdkBrowser;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'recordings-'));
  const RECORDINGS = join(folder, 'kept');
  // Two people are a mesh here: only the recording gives them a media node.
  stack = await startMediaStack({
    from: 9,
    node: { RECORDINGS, RECORDING_PART_SECONDS: 1, MESH_AFTER_SECONDS: 2 },
    signaling: { RECORDINGS },
  });
  await stack.mediaNode('m1', 34_000);
  browser = await startSdkBrowser();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function enter(roomId: string, name: string): Promise<Page> {
  const page = await browser.page();
  const token = await stack.keys.token(name);
  const options = { url: stack.url, token, roomId, name, media: 'canvas' as const };
  await page.evaluate((start) => globalThis.harness.start(start), options);
  return page;
}

async function ask(method: string, path: string, grants: object = { record: true }): Promise<Response> {
  const url = new URL(`/v1/rooms/${path}`, stack.url.replace(/^ws/, 'http'));
  return fetch(url, { method, headers: { authorization: `Bearer ${await stack.keys.token('ada', grants)}` } });
}
interface Recording {
  readonly recordingId: string;
  readonly status: string;
  readonly durationSeconds: number;
  readonly files: readonly {
    readonly name: string;
    readonly kind: string;
    readonly userId?: string;
    readonly slot?: string;
  }[];
}
const recordingOf = async (answer: Promise<Response>) => (await (await answer).json()) as Recording;

const recordedSince = (page: Page) => page.evaluate(() => globalThis.harness.session?.media?.recording);
/** The other one's picture comes from the node, and moves. */
async function movesByNode(page: Page): Promise<boolean> {
  const look = async () => (await page.evaluate(() => globalThis.harness.shown()))[0];
  const before = await look();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const now = await look();
  return now?.topology === 'sfu' && now.frames > (before?.frames ?? 0);
}
const byNode = (...pages: Page[]) =>
  vi.waitFor(async () => expect(await Promise.all(pages.map(movesByNode))).toEqual(pages.map(() => true)), WAIT);
/** Seconds of the call. */
const goesOn = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** Bytes of each file that is kept in closed parts by now. */
async function keptParts(): Promise<Map<string, number>> {
  const store = await openRecordingStore(join(folder, 'kept'));
  const sums = new Map<string, number>();
  for (const { key, bytes } of await store.list('rooms/')) {
    const [, name] = /\/parts\/([^/]+)\//.exec(key) ?? [];
    if (name) sums.set(name, (sums.get(name) ?? 0) + bytes);
  }
  return sums;
}

/** Of a part of the picture at a time, its brightness, 0 to 255. */
async function brightness(path: string, at: number, crop: string): Promise<number> {
  const filter = `crop=${crop},signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-`;
  const { stdout } = await run('ffmpeg', [
    '-v',
    'error',
    '-ss',
    `${at}`,
    '-i',
    path,
    '-vf',
    filter,
    '-frames:v',
    '1',
    '-f',
    'null',
    '-',
  ]);
  return Number(/YAVG=([\d.]+)/.exec(stdout)?.[1]);
}
async function loudness(path: string): Promise<number> {
  const { stderr } = await run('ffmpeg', ['-i', path, '-map', '0:a', '-af', 'volumedetect', '-f', 'null', '-']);
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]);
}

test('R-1 R-6 R-7 two people are recorded, all see it, an engine dies meanwhile, and the film has the picture and the sound of both', async () => {
  const [ada, bob] = [await enter('visit', 'ada'), await enter('visit', 'bob')];
  expect((await ask('POST', 'visit/recordings', {})).status).toBe(403);
  const begun = await ask('POST', 'visit/recordings');
  expect(begun.status).toBe(201);
  const { recordingId } = await recordingOf(Promise.resolve(begun));
  const path = `visit/recordings/${recordingId}`;
  for (const page of [ada, bob])
    await vi.waitFor(async () => expect(await recordedSince(page)).toBeGreaterThan(1), WAIT);
  expect((await recordingOf(ask('GET', path))).status).toBe('recording');
  await byNode(ada, bob);
  await goesOn(6);
  // What a node that dies now leaves: sound and picture of both.
  await vi.waitFor(async () => {
    const kept = [...(await keptParts())]
      .filter(([, bytes]) => bytes > 1000)
      .map(([name]) => name.replace(/^\d+-\d+-/, ''));
    expect(kept.sort()).toEqual(['audio-0', 'audio-0', 'video-1', 'video-1']);
  }, WAIT);
  const [node] = stack.nodes;
  for (const pid of node ? enginePids(node) : []) process.kill(pid, 'SIGKILL');
  await byNode(ada, bob);
  await goesOn(4);
  expect(await recordedSince(bob)).toBeGreaterThan(1);
  expect((await ask('POST', `${path}/stop`)).status).toBe(200);
  for (const page of [ada, bob]) await vi.waitFor(async () => expect(await recordedSince(page)).toBeUndefined(), WAIT);
  const env = { ...process.env, RECORDINGS: join(folder, 'kept'), WORK_DIR: folder };
  await vi.waitFor(async () => {
    await run(process.execPath, [COMPOSER], { env });
    expect((await recordingOf(ask('GET', path))).status).toBe('ready');
  }, COMPOSED);
  const ready = await recordingOf(ask('GET', path));
  const tracks = ready.files.filter(({ kind }) => kind === 'track').map(({ userId, slot }) => `${userId} ${slot}`);
  // Of both connections, before and after.
  const each = ['ada audio', 'ada video', 'bob audio', 'bob video'];
  expect(tracks.toSorted()).toEqual(each.flatMap((one) => [one, one]));
  expect(ready.durationSeconds).toBeGreaterThan(9);
  const film = join(folder, 'film.webm');
  writeFileSync(film, Buffer.from(await (await ask('GET', `${path}/files/composed.webm`)).arrayBuffer()));
  const streams = ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0', film];
  expect((await run('ffprobe', streams)).stdout.trim().split('\n')).toEqual(['vp8,1280,720', 'opus']);
  // Two tiles side by side; black is 16.
  for (const crop of ['600:300:20:210', '600:300:660:210'])
    for (const at of [3, ready.durationSeconds - 1]) expect(await brightness(film, at, crop)).toBeGreaterThan(30);
  expect(await loudness(film)).toBeGreaterThan(-50);
  for (const { name, slot } of ready.files.filter((file) => file.slot === 'audio')) {
    const track = join(folder, `${slot}-${name}`);
    writeFileSync(track, Buffer.from(await (await ask('GET', `${path}/files/${name}`)).arrayBuffer()));
    expect(await loudness(track)).toBeGreaterThan(-50);
  }
  // Nothing is left but the files.
  expect([...(await keptParts())]).toEqual([]);
  expect((await ask('DELETE', path)).status).toBe(204);
  expect(await (await ask('GET', 'visit/recordings')).json()).toEqual({ recordings: [] });
  expect(browser.errors).toEqual([]);
});
