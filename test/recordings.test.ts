/**
 * Recordings from the first word to the file, in a bucket: `npm start` with its composer and its page, real Janus and ffmpeg, Chromium, and a server of S3.
 * A folder holds the same (packages/service/src/recordings/store.integration.test.ts).
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { type Stack, startStack } from '../infra/local/stack.ts';
import { composeRecording } from '../infra/recording-composer/src/compose.ts';
import {
  openRecordingStore,
  prefixOf,
  prefixOfRoom,
  type RecordingStore,
} from '../packages/service/src/recordings/index.ts';
import { type S3Server, startS3 } from '../packages/service/src/testing/index.ts';
import { downloaded, enter as enterPage, openPage } from './pwa/suite.ts';
import { type SdkBrowser, startSdkBrowser } from './sdk/harness.ts';
import { launchBrowser } from './support/browser.ts';

const run = promisify(execFile);
const WAIT = { timeout: 90_000, interval: 200 };
/** Composing costs about 0.6 s of CPU a second of two people. */
const COMPOSED = { timeout: 200_000, interval: 1000 };
const PART_SECONDS = 1;
let s3: S3Server;
let bucket: RecordingStore;
let stack: Stack;
let browser: SdkBrowser;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'recordings-'));
  s3 = await startS3();
  Object.assign(process.env, s3.env);
  bucket = await openRecordingStore(s3.url);
  stack = await startStack({
    port: 0,
    nodes: 1,
    media: true,
    dataDir: folder,
    recordings: { RECORDINGS: s3.url, ...s3.env },
    env: {
      auth: { OPEN_GRANTS: '{"record":true}' },
      // Two people are a mesh here: only the recording gives them a media node. How a node sheds is not the question.
      signaling: { ALLOWED_ORIGINS: '*', MEDIA_FROM: '9', MAX_EVENT_LOOP_DELAY_MS: '10000' },
      media: { RECORDING_PART_SECONDS: `${PART_SECONDS}`, MESH_AFTER_SECONDS: '2' },
      composer: { EVERY_SECONDS: '1' },
    },
  });
  expect(stack.leftOut).toEqual([]);
  browser = await startSdkBrowser();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
  await s3?.[Symbol.asyncDispose]();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function tokenOf(userId: string, grants: object = {}): Promise<string> {
  const answer = await fetch(`${stack.authUrl}/auth/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, name: userId, grants }),
  });
  const { token } = (await answer.json()) as { token: string };
  return token;
}

async function enter(roomId: string, name: string): Promise<Page> {
  const page = await browser.page();
  const url = `${stack.signalingUrls[0]?.replace(/^http/, 'ws')}/ws/signal`;
  const options = { url, token: await tokenOf(name), roomId, name, media: 'canvas' as const };
  await page.evaluate((start) => globalThis.harness.start(start), options);
  return page;
}

/** By somebody with the grant `record`, or by who has other grants. */
async function ask(method: string, path: string, grants: object = {}): Promise<Response> {
  const url = `${stack.signalingUrls[0]}/v1/rooms/${path}`;
  const headers = { authorization: `Bearer ${await tokenOf('keeper', grants)}` };
  return fetch(url, { method, headers, redirect: 'manual' });
}
/** The address of a file, which needs no token of ours. */
async function fileOf(path: string, name: string): Promise<Buffer> {
  const answer = await ask('GET', `${path}/files/${name}`);
  const address = answer.headers.get('location') ?? '';
  expect([answer.status, new URL(address).origin]).toEqual([303, s3.env.AWS_ENDPOINT_URL_S3]);
  const file = await fetch(address);
  expect(file.headers.get('content-disposition')).toContain('attachment');
  return Buffer.from(await file.arrayBuffer());
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
async function begin(roomId: string): Promise<{ recordingId: string; path: string }> {
  const begun = await ask('POST', `${roomId}/recordings`);
  expect(begun.status).toBe(201);
  const { recordingId } = await recordingOf(Promise.resolve(begun));
  return { recordingId, path: `${roomId}/recordings/${recordingId}` };
}

/** What a process has started. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

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

/** Bytes and number of the closed parts of each file in the bucket now. */
async function keptParts(roomId: string): Promise<Map<string, { bytes: number; parts: number }>> {
  const files = new Map<string, { bytes: number; parts: number }>();
  for (const { key, bytes } of await bucket.list(prefixOfRoom(roomId))) {
    const [, name] = /\/parts\/([^/]+)\//.exec(key) ?? [];
    if (!name) continue;
    const file = files.get(name) ?? { bytes: 0, parts: 0 };
    files.set(name, { bytes: file.bytes + bytes, parts: file.parts + 1 });
  }
  return files;
}

/** Microphone and camera of two people have that number of closed parts. */
const areKept = async (roomId: string, parts: number): Promise<void> => {
  const kept = [...(await keptParts(roomId))].filter(([, file]) => file.parts >= parts);
  const slots = kept.map(([name]) => /(audio|video)-\d+$/.exec(name)?.[1]);
  for (const slot of ['audio', 'video']) expect(slots.filter((one) => one === slot).length).toBeGreaterThanOrEqual(2);
};

/** Of a part of the picture at a time, its brightness, 0 to 255. */
async function brightness(path: string, at: number, crop: string): Promise<number> {
  const filter = `crop=${crop},signalstats,metadata=print:key=lavfi.signalstats.YAVG:file=-`;
  const args = ['-v', 'error', '-ss', `${at}`, '-i', path, '-vf', filter, '-frames:v', '1', '-f', 'null', '-'];
  const { stdout } = await run('ffmpeg', args);
  return Number(/YAVG=([\d.]+)/.exec(stdout)?.[1]);
}
async function loudness(path: string): Promise<number> {
  const { stderr } = await run('ffmpeg', ['-i', path, '-map', '0:a', '-af', 'volumedetect', '-f', 'null', '-']);
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1]);
}

/** `codec,width,height` of each. */
async function streamsOf(path: string): Promise<string[]> {
  const asked = ['-v', 'error', '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0', path];
  return (await run('ffprobe', asked)).stdout.trim().split('\n');
}

test('R-1 R-6 R-7 two people are recorded, all see it, an engine dies meanwhile, and the film has the picture and the sound of both', async () => {
  const [ada, bob] = [await enter('visit', 'ada'), await enter('visit', 'bob')];
  expect((await ask('POST', 'visit/recordings', { record: false })).status).toBe(403);
  const { path } = await begin('visit');
  for (const page of [ada, bob])
    await vi.waitFor(async () => expect(await recordedSince(page)).toBeGreaterThan(1), WAIT);
  // The sign comes first.
  await expect
    .poll(async () => (await recordingOf(ask('GET', path))).status, { timeout: 60_000, interval: 200 })
    .toBe('recording');
  await byNode(ada, bob);
  await goesOn(6);
  for (const pid of childrenOf(stack.pids.media ?? 0)) process.kill(pid, 'SIGKILL');
  await byNode(ada, bob);
  await goesOn(4);
  expect(await recordedSince(bob)).toBeGreaterThan(1);
  expect((await ask('POST', `${path}/stop`)).status).toBe(200);
  for (const page of [ada, bob]) await vi.waitFor(async () => expect(await recordedSince(page)).toBeUndefined(), WAIT);
  await Promise.all([ada.close(), bob.close()]);
  await vi.waitFor(async () => expect((await recordingOf(ask('GET', path))).status).toBe('ready'), COMPOSED);
  const ready = await recordingOf(ask('GET', path));
  const tracks = ready.files.filter(({ kind }) => kind === 'track').map(({ userId, slot }) => `${userId} ${slot}`);
  // Of both connections, before and after.
  const each = ['ada audio', 'ada video', 'bob audio', 'bob video'];
  expect(tracks.toSorted()).toEqual(each.flatMap((one) => [one, one]));
  expect(ready.durationSeconds).toBeGreaterThan(9);
  const film = join(folder, 'film.webm');
  writeFileSync(film, await fileOf(path, 'composed.webm'));
  expect(await streamsOf(film)).toEqual(['vp8,1280,720', 'opus']);
  // Two tiles side by side; black is 16. A busy machine has its first picture of somebody seconds after the sound.
  for (const crop of ['600:300:20:210', '600:300:660:210']) {
    const early = await Promise.all([3, 5, 7].map((at) => brightness(film, at, crop)));
    expect(Math.max(...early)).toBeGreaterThan(30);
    expect(await brightness(film, ready.durationSeconds - 1, crop)).toBeGreaterThan(30);
  }
  expect(await loudness(film)).toBeGreaterThan(-50);
  for (const { name, slot } of ready.files.filter((file) => file.slot === 'audio')) {
    const track = join(folder, `${slot}-${name}`);
    writeFileSync(track, await fileOf(path, name));
    expect(await loudness(track)).toBeGreaterThan(-50);
  }
  // Nothing is left but the files, and in the end nothing.
  expect([...(await keptParts('visit'))]).toEqual([]);
  expect((await (await ask('GET', 'visit/recordings')).json()).recordings).toHaveLength(1);
  expect((await ask('DELETE', path)).status).toBe(204);
  expect(await (await ask('GET', 'visit/recordings')).json()).toEqual({ recordings: [] });
  for (const place of ['rooms/', 'waiting/']) expect(await bucket.list(place)).toEqual([]);
  expect(browser.errors).toEqual([]);
});

test('R-6 a node dies with all that it had: the bucket has everything up to the last closed part, and the next node goes on', async () => {
  const ada = await enter('lecture', 'ada');
  const { recordingId } = await begin('lecture');
  const CLOSED = 3;
  const both = async () => {
    const kept = [...(await keptParts('lecture'))].filter(([, { parts }]) => parts >= CLOSED);
    expect(kept.map(([name]) => name.replace(/^\d+-\d+-/, '')).sort()).toEqual(['audio-0', 'video-1']);
  };
  await vi.waitFor(both, WAIT);
  const before = new Set((await keptParts('lecture')).keys());
  const pid = stack.pids.media ?? 0;
  for (const dead of [pid, ...childrenOf(pid)]) process.kill(dead, 'SIGKILL');
  const left = await openRecordingStore(join(folder, 'left'));
  for (const { key } of await bucket.list('rooms/')) {
    const body = await bucket.read(key);
    if (body) await left.put(key, await buffer(body));
  }
  const workDir = join(folder, 'work');
  mkdirSync(workDir);
  const prefix = prefixOf('lecture', recordingId);
  const made = await composeRecording({
    ...{ store: left, prefix, id: recordingId, workDir, signal: AbortSignal.timeout(200_000) },
    ...{ say: () => {}, holds: async () => true },
  });
  expect(made.error).toBeUndefined();
  expect(made.files.map(({ userId, slot }) => `${userId} ${slot}`).sort()).toEqual([
    'ada audio',
    'ada video',
    'undefined undefined',
  ]);
  // A part holds what came since the one before it; the first begins with the recording.
  expect(made.durationMs).toBeGreaterThan((CLOSED - 1) * PART_SECONDS * 1000);
  const film = join(folder, 'left/', `${prefix}composed.webm`);
  expect(await streamsOf(film)).toEqual(['vp8,1280,720', 'opus']);
  expect(await brightness(film, made.durationMs / 1000 - 1, '600:300:340:210')).toBeGreaterThan(30);
  // The node is back, or another one has the room: it writes files of its own.
  await vi.waitFor(async () => {
    expect(await recordedSince(ada)).toBeGreaterThan(1);
    expect([...(await keptParts('lecture')).keys()].filter((name) => !before.has(name))).toHaveLength(2);
  }, WAIT);
  await ada.close();
});

test('R-1 R-4 R-8 a moderator records from the page: everybody sees the sign, and the film is in the list, is saved, plays, and is deleted', async () => {
  const pages = await launchBrowser();
  onTestFinished(() => pages.close());
  const open = async (name: string) => {
    const opened = await openPage(pages, stack.origin, { query: '?room=taped', locale: 'en-GB' });
    await enterPage(opened.page, name);
    return opened;
  };
  const [{ page, context }, { page: bob }] = [await open('Ada'), await open('Bob')];
  await page.getByTestId('people-count').click();
  await page.getByTestId('record').getByText('Record').click();
  for (const one of [page, bob]) await one.getByTestId('recording-sign').getByText('Recording').waitFor();
  await vi.waitFor(() => areKept('taped', 4), WAIT);
  await page.getByTestId('record').getByText('Stop recording').click();
  for (const one of [page, bob]) await one.getByTestId('recording-sign').waitFor({ state: 'detached' });
  await page.getByTestId('recordings').click();
  const row = page.getByTestId('recording-row');
  await row.and(page.locator('[data-status=ready]')).waitFor({ timeout: COMPOSED.timeout });
  expect(await row.innerText()).toMatch(/ · by you · 0:\d\d/);
  const saved = downloaded(page, context);
  await page.getByTestId('save-film').click();
  const film = await (await saved).path();
  expect(await streamsOf(film)).toEqual(['vp8,1280,720', 'opus']);
  expect(await loudness(film)).toBeGreaterThan(-70);
  await page.getByTestId('remove-recording').click();
  await page.getByTestId('remove-recording-sure').click();
  await page.getByText('There are none yet.').waitFor();
  expect(await bucket.list(prefixOfRoom('taped'))).toEqual([]);
});
