/** Recordings from the first word to the parts that are kept: real Chromium, signaling on Redis, a media node with real Janus. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openRecordingStore } from '../packages/service/src/recordings/index.ts';
import { type SdkBrowser, startSdkBrowser } from './sdk/harness.ts';
import { enginePids, type MediaStack, startMediaStack } from './support/media-stack.ts';

const WAIT = { timeout: 40_000, interval: 200 };
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

test('R-1 R-6 two people of a mesh are recorded by a media node, all see it, and it goes on when the engines die', async () => {
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
  expect((await recordingOf(ask('GET', path))).status).toBe('processing');
  // A connection to each of the two engines, of each person.
  expect([...(await keptParts()).keys()].filter((name) => name.endsWith('audio-0'))).toHaveLength(4);
  // As soon as the node has passed on the rest.
  await vi.waitFor(async () => expect((await ask('DELETE', path)).status).toBe(204), WAIT);
  expect([...(await keptParts())]).toEqual([]);
  expect(browser.errors).toEqual([]);
});
