/** A room that grows past a mesh: real Chromium, real signaling on Redis, a media node with real Janus. Cheap cameras. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JanusEngine } from '../infra/media-node/src/janus-engine.ts';
import { newSecret } from '../packages/rtc/src/encryption/index.ts';
import { type SdkBrowser, startSdkBrowser, until } from './sdk/harness.ts';
import { everybody as isWhole, shown } from './sdk/whole.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';

/** People from which the media node serves: few, since each page encodes and decodes on this machine. */
const FROM = 3;

let stack: MediaStack;
let browser: SdkBrowser;

beforeAll(async () => {
  stack = await startMediaStack({ from: FROM, node: { MESH_AFTER_SECONDS: 2 } });
  await stack.mediaNode('m1', 26_000);
  browser = await startSdkBrowser();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await stack?.[Symbol.asyncDispose]();
});

async function enter(roomId: string, name: string, more: { audience?: true; secret?: string } = {}): Promise<Page> {
  const page = await browser.page();
  const token = await stack.keys.token(name, more.audience ? { publish: false } : {});
  await page.evaluate((options) => globalThis.harness.start(options), {
    url: stack.url,
    token,
    roomId,
    name,
    media: 'canvas' as const,
    ...more,
  });
  await shown(page);
  return page;
}
/** Of all connections of the page: bytes of pictures that came in, and pictures that were decoded. */
async function pictures(): Promise<{ bytes: number; frames: number }> {
  const sum = { bytes: 0, frames: 0 };
  for (const connection of globalThis.harness.connections)
    for (const stat of (await connection.getStats()).values()) {
      if (stat.type !== 'inbound-rtp' || stat.kind !== 'video') continue;
      sum.bytes += stat.bytesReceived;
      sum.frames += stat.framesDecoded ?? 0;
    }
  return sum;
}
/** How Chromium layers what it sends of the camera in time. */
async function temporalLayers(): Promise<readonly string[]> {
  const modes = new Set<string>();
  for (const connection of globalThis.harness.connections)
    for (const stat of (await connection.getStats()).values())
      if (stat.type === 'outbound-rtp' && stat.kind === 'video' && stat.framesEncoded > 0)
        modes.add(stat.scalabilityMode);
  return [...modes];
}
const everybody = (page: Page, people: number, topology: 'mesh' | 'sfu') =>
  isWhole(page, { people, topology, log: stack.log });

test('a mesh becomes a room of the media node and a mesh again, and each picture moves after each step', async () => {
  const room = 'grow';
  const [ada, bob] = [await enter(room, 'ada'), await enter(room, 'bob')];
  await everybody(ada, 1, 'mesh');
  await everybody(bob, 1, 'mesh');
  await ada.evaluate(() => globalThis.harness.resetGaps());
  const eve = await enter(room, 'eve');
  for (const page of [ada, bob, eve]) await everybody(page, 2, 'sfu');
  // The pair is closed on both sides, and its picture never stood still: 6 frames a second are 167 ms apart.
  const [seen] = (await shown(ada)).filter((p) => p.name === 'bob');
  expect(seen?.pair).toBeUndefined();
  console.log('gap at the switch, ms:', seen?.longestGap);
  // A newcomer of such a room opens no pair.
  const dan = await enter(room, 'dan');
  for (const page of [ada, bob, eve, dan]) await everybody(page, 3, 'sfu');
  expect((await shown(dan)).map((p) => p.timings['offer-sent'])).toEqual([undefined, undefined, undefined]);
  // Two left: after a while a mesh again.
  for (const page of [dan, eve]) await page.evaluate(() => globalThis.harness.call?.leave());
  for (const page of [ada, bob]) await everybody(page, 1, 'mesh');
  await until('the node has let go', async () => stack.nodes[0]?.rooms.size === 0);
  expect(stack.nodes[0]?.engines.map((e) => e.legs)).toEqual([0, 0]);
  expect(browser.errors).toEqual([]);
  for (const page of [ada, bob, eve, dan]) await page.close();
});

test('a picture that is not shown is not received, others go on receiving it, and it comes back', async () => {
  const room = 'unseen';
  const pages = [await enter(room, 'ada'), await enter(room, 'bob'), await enter(room, 'eve')];
  for (const page of pages) await everybody(page, 2, 'sfu');
  const [ada, , eve] = pages as [Page, Page, Page];
  const limit = (lines: number | undefined) =>
    ada.evaluate((wanted) => {
      const { call } = globalThis.harness;
      call?.limitVideo(wanted, call.peers.find((peer) => peer.name === 'bob')?.peerId);
    }, lines);
  const framesOfBob = async (page: Page) => (await shown(page)).find((p) => p.name === 'bob')?.frames ?? 0;
  const grows = async (page: Page) => {
    const before = await framesOfBob(page);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return (await framesOfBob(page)) > before;
  };
  await limit(0);
  await until('bob is not received by ada', async () => !(await grows(ada)));
  expect(await grows(eve)).toBe(true);
  // No pair is made for what is not asked for.
  expect((await shown(ada)).map((p) => p.topology)).toEqual(['sfu', 'sfu']);
  await limit(undefined);
  await everybody(ada, 2, 'sfu');
  for (const page of pages) await page.close();
  expect(browser.errors).toEqual([]);
});

/** Everybody's camera in 180 lines, but bob's in as many. */
const limit = (page: Page, lines: number | undefined) =>
  page.evaluate((wanted) => {
    const { call } = globalThis.harness;
    for (const { peerId, name } of call?.peers ?? []) call?.limitVideo(name === 'bob' ? wanted : 180, peerId);
  }, lines);
/** The last sizes that bob was told to send are these. */
const isTold = (bob: Page, sizes: string) =>
  until(`bob sends ${sizes}`, async () => {
    const told = await bob.evaluate(() => {
      const states = globalThis.harness.log.filter((one) => one.what === 'media-state');
      return states.map(({ detail }) => (detail as { state: { send?: string[] } }).state.send?.join());
    });
    return told.findLast((sent) => sent !== undefined) === sizes;
  });
/** Bob's picture moves, and has that number of lines. */
const moves = (page: Page, lines: number) =>
  until(
    `bob moves in ${lines} lines`,
    async () => {
      const seen = async () => (await shown(page)).find((p) => p.name === 'bob');
      const before = await seen();
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const after = await seen();
      // More than the keyframe of a change.
      return (after?.frames ?? 0) > (before?.frames ?? 0) + 5 && after?.height === lines;
    },
    30_000,
  );
async function leave(room: string, pages: readonly Page[]): Promise<void> {
  for (const page of pages) await page.evaluate(() => globalThis.harness.call?.leave());
  await until('the node has let go', async () => !stack.nodes[0]?.rooms.has(room));
  for (const page of pages) await page.close();
  expect(browser.errors).toEqual([]);
}

test('a small camera moves on for who shows it small when another one wants all of it', async () => {
  const room = 'small';
  const pages = [await enter(room, 'ada'), await enter(room, 'bob'), await enter(room, 'eve')];
  for (const page of pages) await everybody(page, 2, 'sfu');
  const [ada, bob, eve] = pages as [Page, Page, Page];
  for (const page of [ada, eve]) await limit(page, 180);
  await isTold(bob, 'low');
  for (const page of [ada, eve]) await moves(page, 180);
  await limit(eve, undefined);
  await isTold(bob, 'high,low');
  for (const page of [eve, ada]) await moves(page, 180);
  await leave(room, pages);
});

test('another camera, or one that is made smaller, is seen by who shows it small and by who shows it large', async () => {
  const room = 'sizes';
  const pages = [await enter(room, 'ada'), await enter(room, 'bob'), await enter(room, 'eve')];
  for (const page of pages) await everybody(page, 2, 'sfu');
  const [ada, bob, eve] = pages as [Page, Page, Page];
  const use = (width: number, height: number) =>
    bob.evaluate(([w, h]) => globalThis.harness.call?.setTrack('video', globalThis.harness.canvasTrack(w, h)), [
      width,
      height,
    ] as const);
  await use(1280, 720);
  await limit(ada, 180);
  await limit(eve, 360);
  await isTold(bob, 'mid,low');
  await expect.poll(() => bob.evaluate(temporalLayers), { timeout: 30_000 }).toEqual(['L1T1']);
  for (const [width, height] of [
    [1280, 720],
    [320, 180],
    [640, 480],
    [360, 640],
  ] as const) {
    await use(width, height);
    // Either way up: the shorter side of a picture is what counts.
    const scaled = (most: number) => Math.round((height * most) / Math.max(most, Math.min(width, height)));
    await moves(ada, scaled(180));
    await moves(eve, scaled(360));
  }
  await leave(room, pages);
});

test('S-124 an audience sees and hears by a media node, sends nothing, and has a pair with nobody', async () => {
  const room = 'watched';
  const ada = await enter(room, 'ada');
  const zoe = await enter(room, 'zoe', { audience: true });
  // Two people are a mesh otherwise; and the others do not need a picture of who has none.
  await everybody(zoe, 1, 'sfu');
  await until('ada knows', async () => (await shown(ada)).every((p) => p.audience && p.state === 'connected'));
  const node = stack.nodes.find((n) => n.rooms.has(room));
  // One up leg, ada's, and two down legs, on the engine that had none.
  expect(node?.engines.map((engine) => engine.legs)).toContain(3);
  for (const page of [ada, zoe]) {
    expect(await page.evaluate(() => globalThis.harness.call?.peers.map((p) => p.timings['offer-sent']))).toEqual([
      undefined,
    ]);
    await page.close();
  }
  expect(browser.errors).toEqual([]);
});

test('an encrypted room goes through the media node, which forwards what only those with the secret can decode', async () => {
  const [room, secret] = ['sealed', newSecret()];
  const pages = [
    await enter(room, 'ada', { secret }),
    await enter(room, 'bob', { secret }),
    await enter(room, 'eve', { secret }),
  ];
  for (const page of pages) await everybody(page, 2, 'sfu');
  // With another secret: this page has what the node has, the packets and no key.
  const other = await enter(room, 'other', { secret: newSecret() });
  await until('packets of the node', async () => (await other.evaluate(pictures)).bytes > 20_000);
  expect(await other.evaluate(pictures)).toMatchObject({ frames: 0 });
  expect((await shown(other)).map((p) => p.frames)).toEqual([0, 0, 0]);
  expect((await shown(pages[0] as Page)).find((p) => p.name === 'other')?.frames).toBe(0);
  await other.close();
  for (const page of pages) await page.close();
  expect(browser.errors).toEqual([]);
});

test('who comes late gets the last lines of the chat from a peer, past the media node, also where they are sealed', async () => {
  for (const secret of [undefined, newSecret()]) {
    const room = secret ? 'sealed-chat' : 'chat';
    const come = (name: string) => enter(room, name, secret ? { secret } : {});
    const [ada, bob, eve] = [await come('ada'), await come('bob'), await come('eve')];
    for (const page of [ada, bob, eve]) await everybody(page, 2, 'sfu');
    // More than one answer may have: the newest of them fit.
    const said = await ada.evaluate(async () => {
      const texts = Array.from({ length: 20 }, (_, n) => `${n} ${'ü'.repeat(1500)}`);
      for (const text of texts) await globalThis.harness.call?.chat(text).delivered;
      return texts;
    });
    const dan = await come('dan');
    const history = () =>
      dan.evaluate(() => {
        const entry = globalThis.harness.log.find(({ what }) => what === 'chat-history');
        return (entry?.detail as { lines: { name: string; text: string }[] } | undefined)?.lines;
      });
    await until('dan has them', async () => (await history()) !== undefined);
    const lines = (await history()) ?? [];
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.map(({ text }) => text)).toEqual(said.slice(-lines.length));
    expect(new Set(lines.map(({ name }) => name))).toEqual(new Set(['ada']));
    for (const page of [ada, bob, eve, dan]) await page.close();
  }
  expect(browser.errors).toEqual([]);
});

test('a killed engine is followed by the other one of its node, a drained node by another node', async () => {
  const room = 'move';
  const pages = [await enter(room, 'ada'), await enter(room, 'bob'), await enter(room, 'eve')];
  for (const page of pages) await everybody(page, 2, 'sfu');
  const first = stack.nodes.find((n) => n.rooms.has(room));
  const busy = first?.engines.find((e) => e.legs > 0) as JanusEngine;
  process.kill(busy.pid, 'SIGKILL');
  await busy.ended;
  for (const page of pages) await everybody(page, 2, 'sfu');
  expect(first?.rooms.get(room)?.state).toBe('serving');
  const second = await stack.mediaNode('m2', 28_000);
  await pages[0]?.evaluate(() => globalThis.harness.resetGaps());
  await first?.drain();
  expect(second.rooms.has(room), `the nodes said:\n${stack.log.slice(-40).join('\n')}`).toBe(true);
  for (const page of pages) await everybody(page, 2, 'sfu');
  console.log(
    'gap at the move, ms:',
    (await shown(pages[0] as Page)).map((p) => p.longestGap),
  );
  for (const page of pages) await page.close();
  expect(browser.errors).toEqual([]);
});
