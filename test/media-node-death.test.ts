/**
 * A whole media node, its agent and both engines, is killed in each state of a room: called, connecting, serving the first of its people, serving all, and
 * at either end of a move. Real Chromium, signaling on Redis, and nodes that are processes; the death of one engine is in test/media-switch.test.ts.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { connectRedis, type RedisClient, readAssignment } from '../packages/service/src/index.ts';
import { type SdkBrowser, startSdkBrowser, until, within } from './sdk/harness.ts';
import { everybody as isWhole } from './sdk/whole.ts';
import { type MediaProcess, type MediaProcesses, startMediaProcesses } from './support/media-process.ts';

let processes: MediaProcesses;
let browser: SdkBrowser;
let redis: RedisClient;
const pages: Page[] = [];
const nodes: MediaProcess[] = [];
const said: string[] = [];

beforeAll(async () => {
  processes = await startMediaProcesses({ from: 3, complain: (line) => said.push(line) });
  redis = connectRedis(processes.redis.url);
  browser = await startSdkBrowser();
});
afterEach(async () => {
  for (const page of pages.splice(0)) {
    await page.evaluate(() => globalThis.harness.call?.leave());
    await page.close();
  }
  for (const node of nodes) await node.stop();
  expect(browser.errors).toEqual([]);
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  redis?.disconnect();
  await processes?.[Symbol.asyncDispose]();
});

async function startNode(): Promise<MediaProcess> {
  const node = await processes.start(`m${nodes.length + 1}`, 26_000 + nodes.length * 1000);
  nodes.push(node);
  return node;
}
async function open(): Promise<Page> {
  const page = await browser.page();
  pages.push(page);
  return page;
}
async function join(page: Page, roomId: string, name: string): Promise<void> {
  const { token } = await processes.auth.login(name);
  const options = { url: processes.url, token, roomId, name, media: 'canvas' as const };
  await page.evaluate((given) => globalThis.harness.start(given), options);
}
async function enter(roomId: string, name: string): Promise<Page> {
  const page = await open();
  await join(page, roomId, name);
  return page;
}
/** The node that the room was given. */
async function serving(room: string): Promise<MediaProcess | undefined> {
  const { node } = (await readAssignment(redis, room)) ?? {};
  return nodes.find(({ id }) => id === node);
}
const allBy = (topology: 'mesh' | 'sfu') =>
  Promise.all(pages.map((page) => isWhole(page, { people: pages.length - 1, topology, log: said })));

const noted = (page: Page) => page.evaluate(() => globalThis.harness.log.length);
/** The page comes to that step with a media node. @param since entries of its log that are of before */
const reaches = (page: Page, step: string, since: number): Promise<void> => {
  const there = page.evaluate(
    async ([name, first]) => {
      const isThere = () =>
        globalThis.harness.log
          .slice(first)
          .some(({ what, detail }) => what === 'timing' && (detail as { name: string }).name.startsWith(name));
      while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 2));
    },
    [step, since] as const,
  );
  return within(60_000, `${step} of a media node`, there);
};

test('a node that dies when it is called, when people connect to it, and when the first of them are served: the next one serves all', async () => {
  const room = 'switch';
  const ada = await enter(room, 'ada');
  await enter(room, 'bob');
  await allBy('mesh');
  const eve = await open();
  const called = await startNode();
  // It lives for the directory, and hears of nothing any more.
  called.signal('SIGSTOP');
  await join(eve, room, 'eve');
  await until('it is called', async () => (await serving(room)) === called);
  await called.stop();
  await allBy('mesh');
  for (const step of ['sfu:', 'sfu-up:', 'sfu-served']) {
    const since = await noted(ada);
    const node = await startNode();
    await reaches(ada, step, since);
    node.signal('SIGKILL');
  }
  const last = await startNode();
  await allBy('sfu');
  expect(await serving(room)).toBe(last);
});

test('a node that dies when it serves all, and either node of a move that dies in it: the next one serves all', async () => {
  const room = 'move';
  const ada = await enter(room, 'ada');
  for (const name of ['bob', 'eve']) await enter(room, name);
  const first = await startNode();
  await allBy('sfu');
  const second = await startNode();
  first.signal('SIGKILL');
  await until('the next one has it', async () => (await serving(room)) === second);
  await allBy('sfu');
  const move = async () => {
    const before = await serving(room);
    const next = await startNode();
    const since = await noted(ada);
    before?.signal('SIGTERM');
    await reaches(ada, 'sfu-up:', since);
    return { before, next };
  };
  const towards = await move();
  towards.next.signal('SIGKILL');
  const third = await startNode();
  await until('the third one has it', async () => (await serving(room)) === third);
  await allBy('sfu');
  const from = await move();
  from.before?.signal('SIGKILL');
  await allBy('sfu');
  expect(await serving(room)).toBe(from.next);
});
