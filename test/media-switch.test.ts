/**
 * What happens while a room goes from pairs to its media node and back: somebody shares a screen, mutes, comes, leaves, and the engine dies. Real Chromium,
 * signaling on Redis and Janus; test/media-room.test.ts has the same once the room is there.
 */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { JanusEngine } from '../infra/media-node/src/janus-engine.ts';
import { type SdkBrowser, startSdkBrowser, until } from './sdk/harness.ts';
import { everybodyOf, everybody as isWhole, shown } from './sdk/whole.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';

let stack: MediaStack;
let browser: SdkBrowser;
const pages: Page[] = [];

beforeAll(async () => {
  stack = await startMediaStack({ from: 3, node: { MESH_AFTER_SECONDS: 2 } });
  await stack.mediaNode('m1', 26_000);
  browser = await startSdkBrowser();
});
afterEach(async () => {
  await Promise.all(
    pages.splice(0).map(async (page) => {
      await page.evaluate(() => globalThis.harness.call?.leave());
      await page.close();
    }),
  );
  await until('the node has let go', async () => stack.nodes[0]?.rooms.size === 0);
  expect(stack.nodes[0]?.engines.map((e) => e.legs)).toEqual([0, 0]);
  expect(browser.errors).toEqual([]);
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

async function enter(roomId: string, name: string): Promise<Page> {
  const page = await browser.page();
  pages.push(page);
  const token = await stack.keys.token(name);
  const options = { url: stack.url, token, roomId, name, media: 'canvas' as const };
  await page.evaluate((given) => globalThis.harness.start(given), options);
  return page;
}
const everybody = (page: Page, people: number, topology: 'mesh' | 'sfu') =>
  isWhole(page, { people, topology, log: stack.log });

/** Two by a pair. */
async function pair(room: string): Promise<[Page, Page]> {
  const both = await Promise.all([enter(room, 'ada'), enter(room, 'bob')]);
  await Promise.all(both.map((page) => everybody(page, 1, 'mesh')));
  return both;
}
const seenOf = async (page: Page, name: string) => (await shown(page)).find((p) => p.name === name);
/** As that person says. */
const isMuted = (page: Page, name: string) =>
  page.evaluate((who) => globalThis.harness.call?.peers.find((p) => p.name === who)?.metadata.audio === false, name);
const screenOf = (page: Page, name: string) => page.evaluate((who) => globalThis.harness.screenFrames(who), name);

/** The screen of that person is shown on this page and moves. A new connection counts from zero. */
async function sees(page: Page, name: string): Promise<void> {
  await until(`the screen of ${name} moves`, async () => {
    const before = await screenOf(page, name);
    await new Promise((resolve) => setTimeout(resolve, 300));
    return before > 0 && (await screenOf(page, name)) > before;
  });
}

test('a screen that is shared and a microphone that is muted stay so in the switch to a media node and back', async () => {
  const room = 'share';
  const [ada, bob] = await pair(room);
  await ada.evaluate(() => globalThis.harness.call?.setTrack('screen', globalThis.harness.canvasTrack(640, 360)));
  await sees(bob, 'ada');
  const eve = await enter(room, 'eve');
  await until('the node is in the room', async () => stack.nodes[0]?.rooms.has(room) === true);
  // The switch is under way.
  await bob.evaluate(() => globalThis.harness.call?.setAudio(false));
  const bobIsSilent = (page: Page) =>
    until('all come by the node, bob without a voice', async () => {
      const others = await shown(page);
      const isServed = others.length === 2 && others.every((p) => p.topology === 'sfu' && p.frames > 0);
      return isServed && others.every((p) => p.level > 0 === (p.name !== 'bob')) && (await isMuted(page, 'bob'));
    });
  await Promise.all([everybody(bob, 2, 'sfu'), bobIsSilent(ada), bobIsSilent(eve)]);
  await Promise.all([bob, eve].map((page) => sees(page, 'ada')));
  expect((await seenOf(ada, 'bob'))?.level).toBe(0);
  // Back by pairs, with what they are: the one sharing, the other one muted; and then heard again.
  await eve.evaluate(() => globalThis.harness.call?.leave());
  await everybody(bob, 1, 'mesh');
  await until('bob comes by the pair', async () => (await seenOf(ada, 'bob'))?.topology === 'mesh');
  await sees(bob, 'ada');
  expect([(await seenOf(ada, 'bob'))?.level, await isMuted(ada, 'bob')]).toEqual([0, true]);
  await bob.evaluate(() => globalThis.harness.call?.setAudio(true));
  await everybody(ada, 1, 'mesh');
  expect(await isMuted(ada, 'bob')).toBe(false);
});

test('a screen that is shared, and a person who comes, during the switch: all see all', async () => {
  const room = 'come';
  const [ada, bob] = await pair(room);
  const coming = [enter(room, 'eve'), enter(room, 'dan')];
  await until('the node is in the room', async () => stack.nodes[0]?.rooms.has(room) === true);
  await bob.evaluate(() => globalThis.harness.call?.setTrack('screen', globalThis.harness.canvasTrack(640, 360)));
  const all = [ada, bob, ...(await Promise.all(coming))];
  await everybodyOf(all, { people: 3, topology: 'sfu', log: stack.log });
  await Promise.all(all.filter((page) => page !== bob).map((page) => sees(page, 'bob')));
});

test('a person who leaves during the switch, and an engine that dies in it: those who stay see each other', async () => {
  const room = 'fall';
  const [ada, bob] = await pair(room);
  const eve = await enter(room, 'eve');
  const node = stack.nodes[0];
  await until('the node is in the room', async () => node?.rooms.has(room) === true);
  const coming = enter(room, 'dan');
  await eve.evaluate(() => globalThis.harness.call?.leave());
  const busy = await until('an engine has legs', async () => node?.engines.find((e) => e.legs > 0) as JanusEngine);
  process.kill(busy.pid, 'SIGKILL');
  const dan = await coming;
  await everybodyOf([ada, bob, dan], { people: 2, topology: 'sfu', log: stack.log });
});
