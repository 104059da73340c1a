/** Calls that are encrypted end to end, in real Chromium: who has the secret sees, hears and reads, and nobody else. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';
import { newSecret } from '../packages/rtc/src/encryption/index.ts';
import { type SdkBrowser, startSdkBrowser, until } from './sdk/harness.ts';

let keys: TestKeys;
let node: Awaited<ReturnType<typeof startTestNode>>;
let browser: SdkBrowser;

beforeAll(async () => {
  keys = await startTestKeys();
  node = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*' } });
  browser = await startSdkBrowser();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
  await keys?.[Symbol.asyncDispose]();
});

interface Entrance {
  readonly secret?: string;
  readonly metadata?: Record<string, unknown>;
}
async function enter(roomId: string, name: string, given: string | Entrance = {}): Promise<Page> {
  const { secret, metadata = {} } = typeof given === 'string' ? { secret: given } : given;
  const page = await browser.page();
  const token = await keys.token(name);
  const options = { url: node.wsUrl, token, roomId, name, metadata, media: 'canvas' as const };
  await page.evaluate((given) => globalThis.harness.start(given), { ...options, ...(secret ? { secret } : {}) });
  return page;
}
const view = (page: Page) => page.evaluate(() => globalThis.harness.view());
const peer = async (page: Page, name: string) => (await view(page)).peers.find((p) => p.name === name);

/** `page` sees and hears `name`, more than before. */
async function media(page: Page, name: string): Promise<void> {
  const before = await peer(page, name);
  await until(`${name} is seen and heard`, async () => {
    const now = await peer(page, name);
    return (
      now !== undefined &&
      now.framesDecoded > (before?.framesDecoded ?? 0) + 2 &&
      now.audioEnergy > (before?.audioEnergy ?? 0)
    );
  });
}

/** Bytes of pictures that came from `name`, and how many pictures were made of them. */
const received = (page: Page, name: string) =>
  page.evaluate(async (wanted) => {
    const { call } = globalThis.harness;
    const found = call?.peers.find((p) => p.name === wanted);
    let [bytes, frames, energy] = [0, 0, 0];
    for (const stat of ((await call?.connection(found?.peerId ?? '')?.getStats()) ?? new Map()).values()) {
      if (stat.type !== 'inbound-rtp') continue;
      if (stat.kind === 'video') bytes += stat.bytesReceived;
      frames += stat.framesDecoded ?? 0;
      energy += stat.totalAudioEnergy ?? 0;
    }
    return { bytes, frames, energy };
  }, name);

const lines = async (page: Page) =>
  (await view(page)).log.flatMap(({ what, detail }) => (what === 'chat' ? [(detail as { text: string }).text] : []));

test('two with the secret meet; whoever has it not gets packets and neither picture, sound nor chat, and is not seen', async () => {
  const secret = newSecret();
  const [ada, bob] = [await enter('sealed', 'ada', secret), await enter('sealed', 'bob', secret)];
  await Promise.all([media(ada, 'bob'), media(bob, 'ada')]);
  expect([(await peer(ada, 'bob'))?.trust, (await peer(bob, 'ada'))?.trust]).toEqual(['trusted', 'trusted']);
  const numbers = (await Promise.all([view(ada), view(bob)])).map((v) => v.safetyNumber);
  expect(numbers[0]).toMatch(/^(\d{5} ){5}\d{5}$/);
  expect(numbers[1]).toBe(numbers[0]);

  const [eve, wrong] = [await enter('sealed', 'eve'), await enter('sealed', 'wrong', newSecret())];
  for (const page of [eve, wrong])
    await until('packets of ada', async () => (await received(page, 'ada')).bytes > 20_000);
  for (const name of ['eve', 'wrong']) {
    expect((await peer(ada, name))?.trust).toBe('without-key');
    expect(await received(ada, name)).toMatchObject({ frames: 0, energy: 0 });
  }
  // What a decoder without any key makes of encrypted Opus is noise; with the wrong one it gets nothing.
  expect(await received(eve, 'ada')).toMatchObject({ frames: 0 });
  expect(await received(wrong, 'ada')).toMatchObject({ frames: 0, energy: 0 });

  // By the data channel and, when that is closed, through signaling.
  const say = (text: string) => ada.evaluate((line) => void globalThis.harness.call?.chat(line), text);
  await say('by channel');
  await until('the line', async () => (await lines(bob)).includes('by channel'));
  await ada.evaluate(() => {
    const { call } = globalThis.harness;
    for (const p of call?.peers ?? []) call?.connection(p.peerId)?.close();
  });
  await say('by signaling');
  await until('the second line', async () => (await lines(bob)).includes('by signaling'));
  expect(await lines(eve)).toEqual([]);
  expect(await lines(wrong)).toEqual([]);
  for (const page of [ada, bob, eve, wrong]) await page.close();
  expect(browser.errors).toEqual([]);
});

test('somebody comes, a connection is made anew, somebody leaves: those who stay see each other each time', async () => {
  const secret = newSecret();
  const [ada, bob] = [await enter('changing', 'ada', secret), await enter('changing', 'bob', secret)];
  await Promise.all([media(ada, 'bob'), media(bob, 'ada')]);
  const alone = (await view(ada)).safetyNumber;
  const dan = await enter('changing', 'dan', secret);
  for (const page of [ada, bob]) await media(page, 'dan');
  for (const name of ['ada', 'bob']) await media(dan, name);
  expect((await view(ada)).safetyNumber).not.toBe(alone);
  expect((await view(dan)).safetyNumber).toBe((await view(ada)).safetyNumber);
  await ada.evaluate(() => {
    const { call } = globalThis.harness;
    call?.rebuild(call.peers.find((p) => p.name === 'bob')?.peerId ?? '');
  });
  await until('a new connection', async () => ((await peer(ada, 'bob'))?.framesDecoded ?? 99) < 99);
  await Promise.all([media(ada, 'bob'), media(bob, 'ada')]);
  await dan.evaluate(() => globalThis.harness.call?.leave());
  await until('dan is gone', async () => (await view(ada)).peers.length === 1);
  // Longer than a change of keys takes.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  await Promise.all([media(ada, 'bob'), media(bob, 'ada')]);
  expect((await view(ada)).safetyNumber).toBe(alone);
  for (const page of [ada, bob, dan]) await page.close();
  expect(browser.errors).toEqual([]);
});

test('whoever copies an announcement is not trusted, hears nothing, and changes no safety number', async () => {
  const secret = newSecret();
  const [ada, bob] = [await enter('copied', 'ada', secret), await enter('copied', 'bob', secret)];
  await Promise.all([media(ada, 'bob'), media(bob, 'ada')]);
  const number = (await view(bob)).safetyNumber;
  const announced = (await peer(bob, 'ada'))?.metadata.encryption;
  expect(announced).toMatchObject({ v: 2 });
  const eve = await enter('copied', 'eve', { metadata: { encryption: announced } });
  await until('packets of bob', async () => (await received(eve, 'bob')).bytes > 20_000);
  expect((await peer(bob, 'eve'))?.trust).not.toBe('trusted');
  expect((await view(bob)).safetyNumber).toBe(number);
  await until('ten seconds', async () => (await peer(bob, 'eve'))?.trust === 'without-key');
  // Ada sees her own announcement, which she could read herself.
  await until('ten seconds', async () => (await peer(ada, 'eve'))?.trust === 'without-key');
  for (const page of [ada, bob]) {
    expect(await received(page, 'eve')).toMatchObject({ frames: 0, energy: 0 });
    expect((await view(page)).safetyNumber).toBe(number);
  }
  expect((await peer(bob, 'ada'))?.trust).toBe('trusted');
  for (const page of [ada, bob, eve]) await page.close();
});

test('tracks of one person in the place of another are not shown', async () => {
  const secret = newSecret();
  const [ada, bob] = [await enter('placed', 'ada', secret), await enter('placed', 'bob', secret)];
  await media(ada, 'bob');
  // As if signaling or a media node had said that these are somebody else's tracks.
  const say = (whose: string) =>
    ada.evaluate((owner) => {
      const { call, encryption } = globalThis.harness;
      const [of] = call?.peers ?? [];
      for (const track of of?.stream.getTracks() ?? []) encryption?.expects(owner || (of?.peerId ?? ''), track);
    }, whose);
  await say('carol');
  const [before, bytes] = [await received(ada, 'bob'), (await received(ada, 'bob')).bytes];
  await until('packets', async () => (await received(ada, 'bob')).bytes > bytes + 20_000);
  // One frame may have been on its way.
  expect((await received(ada, 'bob')).frames).toBeLessThanOrEqual(before.frames + 1);
  await say('');
  await media(ada, 'bob');
  for (const page of [ada, bob]) await page.close();
  expect(browser.errors).toEqual([]);
});
