/**
 * Rules P-… of docs/pair-protocol.md: the browser SDK in real Chromium with a client that was written from that page alone, on another
 * WebRTC implementation, on either side of the pair.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';
import { type SdkBrowser, startSdkBrowser, until } from './sdk/harness.ts';
import { PairPeer, type PairPeerOptions } from './support/pair-peer.ts';

let keys: TestKeys;
let node: Awaited<ReturnType<typeof startTestNode>>;
let browser: SdkBrowser;
let rooms = 0;

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

const newRoom = () => `pair-${++rooms}`;
const view = (page: Page) => page.evaluate(() => globalThis.harness.view());

/** The SDK in a page, in `roomId`. */
async function startSdk(roomId: string, extra: object = {}): Promise<Page> {
  const page = await browser.page();
  onTestFinished(() => page.close());
  const options = { url: node.wsUrl, token: await keys.token('sdk'), roomId, name: 'Ada', ...extra };
  await page.evaluate((o) => globalThis.harness.start(o), options);
  return page;
}

/** The other client, connected and not yet in the room. */
async function startPeer(roomId: string, extra: Partial<PairPeerOptions> = {}): Promise<PairPeer> {
  const peer = await PairPeer.connect({
    url: node.wsUrl,
    token: await keys.token('other'),
    roomId,
    name: 'Bob',
    ...extra,
  });
  onTestFinished(() => {
    peer[Symbol.dispose]();
    expect(peer.violations).toEqual([]);
  });
  return peer;
}

/** Both sides say that the pair is up. */
async function connected(page: Page, peer: PairPeer): Promise<void> {
  const sides = async () => [(await view(page)).peers[0]?.state, [...peer.pairs.values()][0]?.isConnected];
  await until('both sides', async () => {
    const [sdk, other] = await sides();
    return sdk === 'connected' && other === true;
  }).catch(async (error) => {
    const pair = [...peer.pairs.values()][0];
    const steps = [...(pair?.descriptions ?? []), ...(pair?.said ?? [])].map(({ sdp: _, ...order }) => order);
    throw new Error(`${error}: ${JSON.stringify([await sides(), peer.violations, steps, (await view(page)).log])}`);
  });
}

const orders = (peer: PairPeer) => peer.pair.descriptions.map(({ sdp: _sdp, ...order }) => order);
const logged = async (page: Page, what: string) =>
  (await view(page)).log.filter((l) => l.what === what).map((l) => l.detail);

test('P-2 P-4 P-6 P-10 P-11 P-13 P-17 the other client comes later and calls; messages go both ways, once', async () => {
  const roomId = newRoom();
  const page = await startSdk(roomId);
  const peer = await startPeer(roomId);
  peer.join();
  await connected(page, peer);
  expect(orders(peer)).toEqual([{ type: 'answer', gen: 1, to: 1 }]);
  const [ada] = (await view(page)).peers;
  expect(ada).toMatchObject({ name: 'Bob', sections: 3, metadata: { audio: false, video: false } });
  // Sound and picture of the SDK arrive; its screen is off.
  await until('media', async () => (peer.pair.packets.get('0') ?? 0) > 5 && (peer.pair.packets.get('1') ?? 0) > 5);
  const delivered = await page.evaluate(async () => [
    ...((await globalThis.harness.call?.chat('Good morning')?.delivered) ?? []),
  ]);
  expect(delivered).toEqual([[peer.peerId, { ok: true, confirmed: true }]]);
  expect(peer.pair.messages.filter(({ tandem }) => tandem === 'chat')).toMatchObject([{ text: 'Good morning' }]);
  const line = { tandem: 'chat', id: 'one', text: 'Hello', at: Date.now() };
  for (const message of [line, line, { tandem: 'unknown' }, { tandem: 'data', id: 'two', data: { board: 7 } }])
    peer.pair.say(message);
  await until('data', async () => (await logged(page, 'data')).length > 0);
  expect(await logged(page, 'data')).toMatchObject([{ data: { board: 7 } }]);
  expect((await logged(page, 'chat')).filter((c) => !(c as { mine: boolean }).mine)).toMatchObject([
    { text: 'Hello', name: 'Bob' },
  ]);
  const acks = peer.pair.messages.filter(({ tandem }) => tandem === 'ack').map(({ id }) => id);
  expect(acks).toEqual(['one', 'one', 'two']);
});

test('P-2 P-14 P-15 the SDK comes later and calls; its ICE restart is the next offer; the other side replaces the connection', async () => {
  const roomId = newRoom();
  const peer = await startPeer(roomId);
  peer.join();
  const page = await startSdk(roomId);
  await connected(page, peer);
  const [first] = peer.pair.descriptions;
  expect(first).toMatchObject({ type: 'offer', gen: 1, n: 1 });
  const sections = [...(first?.sdp.matchAll(/^m=(\w+)/gm) ?? [])].map(([, kind]) => kind);
  expect(sections.filter((kind) => kind !== 'application')).toEqual(['audio', 'video', 'video']);
  expect(sections).toContain('application');
  expect(first?.sdp).toMatch(/^a=group:BUNDLE /m);
  await page.evaluate(() => globalThis.harness.call?.restartIce());
  await until('the restart', async () => peer.pair.descriptions.length > 1);
  const second = peer.pair.descriptions[1];
  expect(second).toMatchObject({ type: 'offer', gen: 1, n: 2 });
  const ufrag = (sdp = '') => /a=ice-ufrag:(\S+)/.exec(sdp)?.[1];
  expect(ufrag(second?.sdp)).not.toBe(ufrag(first?.sdp));
  // libdatachannel knows no ICE restart: the answer is a new connection.
  await until('generation 2', async () => peer.pair.gen === 2);
  await connected(page, peer);
  expect(orders(peer).at(-1)).toEqual({ type: 'answer', gen: 2, to: 1 });
});

test.each([
  ['polite', true],
  ['impolite', false],
])(
  'P-2 P-3 P-7 the other client is silent, then its offer crosses that of the SDK: it is the %s one',
  async (_side, polite) => {
    const roomId = newRoom();
    const page = await startSdk(roomId, { media: 'canvas' });
    const sdkId = (await view(page)).peerId ?? '';
    let peer: PairPeer;
    // Ids are the server's choice: until one is on the wanted side.
    do peer = await startPeer(roomId, { waits: true, crosses: true });
    while (peer.peerId > sdkId !== polite);
    peer.join();
    await connected(page, peer);
    expect(peer.pair.polite).toBe(polite);
    const [offer, ...rest] = orders(peer);
    expect(offer).toEqual({ type: 'offer', gen: 1, n: 1 });
    // The impolite side's offer is answered; the other one's is not.
    expect(rest).toEqual(polite ? [] : [{ type: 'answer', gen: 1, to: 1 }]);
    expect(peer.pair.said.map(({ type }) => type)).toEqual(polite ? ['offer', 'answer'] : ['offer']);
  },
);

test('P-5 P-6 P-8 P-9 what is old, unordered or unreadable changes nothing; a higher generation replaces the connection', async () => {
  const roomId = newRoom();
  const page = await startSdk(roomId, { media: 'canvas' });
  const peer = await startPeer(roomId, { candidatesFirst: true });
  peer.join();
  // P-8: all candidates came before the description that they belong to.
  await connected(page, peer);
  const { pair } = peer;
  const made = () => page.evaluate(() => globalThis.harness.connections.length);
  const before = await made();
  const [answer] = pair.descriptions;
  const sdp = pair.said[0]?.sdp ?? '';
  for (const description of [
    { type: 'offer', sdp, gen: 0, n: 1 },
    { type: 'answer', sdp: answer?.sdp, gen: 1, to: 99 },
    { type: 'answer', sdp: answer?.sdp, gen: 1, to: 1 },
    { type: 'offer', sdp, gen: -1, n: 1 },
    { type: 'offer', sdp, gen: '2', n: 1 },
    { type: 'offer', sdp, gen: 1.5 },
    { type: 'offer', sdp: 7, gen: 2, n: 1 },
  ])
    peer.send({ type: description.type, peerId: pair.peerId, sdp: description });
  for (const candidate of [
    { candidate: 'candidate:1 1 udp 1 192.0.2.1 9 typ host', gen: 0 },
    { candidate: 7 },
    null,
    {},
  ])
    peer.send({ type: 'ice-candidate', peerId: pair.peerId, candidate });
  // Behind them in order: when it is read, they were.
  pair.say({ tandem: 'data', id: 'last', data: 'last' });
  peer.send({ type: 'message', peerId: pair.peerId, data: { tandem: 'data', id: 'behind', data: 'behind' } });
  await until('what came behind', async () => (await logged(page, 'data')).length === 2);
  expect(orders(peer)).toEqual([{ type: 'answer', gen: 1, to: 1 }]);
  expect(await made()).toBe(before);
  expect((await view(page)).peers[0]?.state).toBe('connected');
  pair.replace();
  await until('the new answer', async () => orders(peer).length > 1);
  expect(orders(peer)[1]).toEqual({ type: 'answer', gen: 2, to: 1 });
  await connected(page, peer);
  expect(await made()).toBe(before + 1);
});

test('P-15 offers without an answer: the SDK makes connections of higher generations until one is answered', async () => {
  const roomId = newRoom();
  const peer = await startPeer(roomId, { isDeaf: true });
  peer.join();
  const page = await startSdk(roomId, { media: 'canvas', times: { disconnected: 500, rebuild: 500, firstOffer: 500 } });
  await until('generation 2', async () => peer.pairs.size > 0 && peer.pair.descriptions.length > 1);
  expect(orders(peer).slice(0, 2)).toEqual([
    { type: 'offer', gen: 1, n: 1 },
    { type: 'offer', gen: 2, n: 1 },
  ]);
  peer.pair.isDeaf = false;
  await connected(page, peer);
  expect(peer.pair.gen).toBeGreaterThan(1);
});

test('P-1 P-4 P-16 text alone is a description; a lost socket ends no pair, and leaving does', async () => {
  const roomId = newRoom();
  const page = await startSdk(roomId, { media: 'canvas' });
  const peer = await startPeer(roomId, { plainText: true });
  peer.join();
  await connected(page, peer);
  expect(orders(peer)).toEqual([{ type: 'answer', gen: 1 }]);
  const { pair } = peer;
  peer.cut();
  await until('away', async () => (await view(page)).peers[0]?.away === true);
  pair.say({ tandem: 'data', id: 'still', data: 'here' });
  await until('the message', async () => (await logged(page, 'data')).length > 0);
  expect((await view(page)).peers[0]?.state).toBe('connected');
  const second = await startPeer(roomId);
  second.join();
  await until('two', async () => second.pairs.size > 0);
  await page.evaluate(() => globalThis.harness.call?.leave());
  await until('the end of the pair', async () => !second.pairs.has(pair.peerId));
});

test('each rule of the page is named by a test, and no other one', () => {
  const rules = [...readFileSync('docs/pair-protocol.md', 'utf8').matchAll(/^- \*\*(P-\d+)\*\*/gm)].map(
    ([, rule]) => rule,
  );
  expect(rules.map((_, i) => `P-${i + 1}`)).toEqual(rules);
  const files = readdirSync('packages/rtc/src').filter((file) => file.endsWith('.test.ts'));
  const sources = ['test/pair-protocol.test.ts', ...files.map((file) => `packages/rtc/src/${file}`)].map((file) =>
    readFileSync(file, 'utf8'),
  );
  const titles = sources.flatMap((text) =>
    [...text.matchAll(/^(?:test|\])[^'\n]*\(\s*'([^']*)'/gm)].map(([, title = '']) => title),
  );
  const named = new Set(titles.flatMap((title) => title.match(/P-\d+/g) ?? []));
  expect([...named].sort()).toEqual([...rules].sort());
});
