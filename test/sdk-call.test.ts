/** The SDK's Call in real Chromium against a real signaling node: no user interface, fake media. */
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestKeys, startTestNode, type TestKeys } from '../apps/signaling/src/testing.ts';
import { type SdkBrowser, startSdkBrowser, until } from './sdk/harness.ts';
import { startPath } from './support/path.ts';

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

const view = (page: Page) => page.evaluate(() => globalThis.harness.view());
type View = Awaited<ReturnType<typeof view>>;

async function enter(roomId: string, name: string, extra: object = {}): Promise<Page> {
  const page = await browser.page();
  const token = await keys.token(name);
  await page.evaluate((options) => globalThis.harness.start(options), {
    url: node.wsUrl,
    token,
    roomId,
    name,
    ...extra,
  });
  return page;
}

/** Every other page's camera and microphone arrive here. */
async function media(page: Page, peers: number, since: View | undefined = undefined): Promise<View> {
  let last: View | undefined;
  try {
    return await until(`media of ${peers} peers`, async () => {
      last = await view(page);
      const flowing = last.peers.filter((p) => {
        const before = since?.peers.find((b) => b.peerId === p.peerId);
        return p.state === 'connected' && p.framesDecoded > (before?.framesDecoded ?? 0) + 2 && p.audioEnergy > 0;
      });
      return last.peers.length === peers && flowing.length === peers && last;
    });
  } catch (error) {
    throw new Error(`${String(error)}\n${JSON.stringify(last, null, 1)}`);
  }
}

const logged = (v: View, what: string) => v.log.filter((l) => l.what === what).map((l) => l.detail);
const timings = (v: View) => (logged(v, 'timing') as { name: string }[]).map((m) => m.name);

test('two people: picture, sound, chat, reactions, quality of both directions', async () => {
  const roomId = `two-${++rooms}`;
  const ada = await enter(roomId, 'Ada');
  const bob = await enter(roomId, 'Bob');
  const [a, b] = await Promise.all([media(ada, 1), media(bob, 1)]);
  expect(a.peers[0]?.name).toBe('Bob');
  expect(a.peers[0]?.metadata).toMatchObject({ audio: true, video: true, screen: false });
  expect(a.peers[0]?.sections, 'audio, camera, screen: one of each').toBe(3);
  expect(b.peers[0]?.sections).toBe(3);

  for (const v of [a, b]) {
    const { connected, 'first-frame': frame } = v.peers[0]?.timings ?? {};
    expect(frame).toBeGreaterThanOrEqual(connected ?? Number.NaN);
  }
  const delivered = await ada.evaluate(async () => {
    const message = globalThis.harness.call?.chat('Good morning');
    return [...((await message?.delivered) ?? [])];
  });
  expect(delivered).toEqual([[b.peerId, { ok: true, confirmed: true }]]);
  await bob.evaluate(() => globalThis.harness.call?.react('👍'));
  await bob.evaluate(() => globalThis.harness.call?.send({ board: 7 }));
  await until('chat', async () => logged(await view(bob), 'chat').length > 0);
  expect(logged(await view(bob), 'chat')[0]).toMatchObject({ text: 'Good morning', name: 'Ada', mine: false });
  const adaLog = await until('reaction and data', async () => {
    const v = await view(ada);
    return logged(v, 'reaction').length > 0 && logged(v, 'data').length > 0 && v;
  });
  expect(logged(adaLog, 'data')[0]).toMatchObject({ data: { board: 7 } });

  const quality = await until('quality with their view', async () => {
    const q = (await view(ada)).peers[0]?.quality;
    return q?.remoteView?.mos !== undefined && q.mos !== undefined && q.path && q;
  });
  expect(quality.mos).toBeGreaterThanOrEqual(1);
  expect(quality.mos).toBeLessThan(4.5);
  expect(quality.path?.relayed).toBe(false);
  expect(quality.in.video.bitrate).toBeGreaterThan(0);
  await Promise.all([ada.close(), bob.close()]);
});

test('a limit on incoming pictures: the peer stops sending, sends a small one, and sends again', async () => {
  const roomId = `limit-${++rooms}`;
  const ada = await enter(roomId, 'Ada');
  const bob = await enter(roomId, 'Bob');
  await Promise.all([media(ada, 1), media(bob, 1)]);
  const picture = () =>
    bob.evaluate(async () => {
      const { call } = globalThis.harness;
      const report = await call?.connection(call.peers[0]?.peerId ?? '')?.getStats();
      let now = { active: false, lines: 0 };
      report?.forEach((stat: { type: string; kind?: string; mid?: string; active?: boolean; frameHeight?: number }) => {
        if (stat.type === 'outbound-rtp' && stat.kind === 'video' && stat.frameHeight)
          now = { active: stat.active === true, lines: stat.frameHeight };
      });
      return now;
    });
  const limit = (lines: number | undefined) => ada.evaluate((l) => globalThis.harness.call?.limitVideo(l), lines);
  await until('a picture', async () => (await picture()).active);
  await limit(0);
  await until('no picture', async () => !(await picture()).active);
  await limit(90);
  await until('a small picture', async () => {
    const { active, lines } = await picture();
    return active && lines > 0 && lines <= 90;
  });
  await limit(undefined);
  await until('the picture as before', async () => (await picture()).lines > 90);
  await Promise.all([ada.close(), bob.close()]);
});

test('four people: a full mesh; one switches the camera, shares the screen, leaves; the others go on', async () => {
  const roomId = `four-${++rooms}`;
  const pages = await Promise.all(['Ada', 'Bob', 'Cyd', 'Dan'].map((name) => enter(roomId, name)));
  await Promise.all(pages.map((page) => media(page, 3)));
  const [ada, bob] = pages as [Page, Page];
  const others = pages.slice(1);
  const caps = (v: View, slot: string) => v.peers.map((p) => p.caps[slot]);
  const each = <T>(value: T, peers: number) => Array.from({ length: peers }, () => value);
  const reads = async (page: Page, slot: string, value: object, peers: number) =>
    until(`${slot} ${JSON.stringify(value)}`, async () =>
      isDeepStrictEqual(caps(await view(page), slot), each(value, peers)),
    );
  await reads(ada, 'video', { maxBitrate: 480_000, maxFramerate: 30 }, 3);
  const fromAda = (v: View) => v.peers.find((p) => p.name === 'Ada');
  const negotiations = (v: View) => timings(v).filter((m) => /offer|answer/.test(m)).length;
  const before = await Promise.all(others.map(view));

  // Another camera of another shape: in every pair, without a word of negotiation, without a pause.
  await ada.evaluate(() => globalThis.harness.call?.setTrack('video', globalThis.harness.canvasTrack(200, 200)));
  await Promise.all(
    others.map((page) => until('the other camera', async () => fromAda(await view(page))?.frameHeight === 200)),
  );
  await Promise.all(others.map(async (page) => media(page, 3, await view(page))));

  await ada.evaluate(() => globalThis.harness.call?.setTrack('screen', globalThis.harness.canvasTrack(1280, 720)));
  await Promise.all(
    others.map((page) =>
      until('her screen, and her camera behind it', async () => {
        const peer = fromAda(await view(page));
        return peer && peer.screenFrames > 2 && peer.metadata.screen === true && peer.frameHeight <= 180;
      }),
    ),
  );
  await reads(ada, 'screen', { maxBitrate: 400_000, maxFramerate: 5 }, 3);
  await reads(ada, 'video', { maxBitrate: 100_000, maxFramerate: 15 }, 3);
  const after = await Promise.all(others.map(view));
  expect(after.map(negotiations)).toEqual(before.map(negotiations));

  await ada.evaluate(() => globalThis.harness.call?.leave());
  await until('Ada is gone', async () => (await view(bob)).peers.length === 2);
  await media(bob, 2, await view(bob));
  await reads(bob, 'video', { maxBitrate: 750_000, maxFramerate: 30 }, 2);
  await Promise.all(pages.map((page) => page.close()));
});

test('joins with nothing, then microphone, camera, device switch and screen: no new negotiation', async () => {
  const roomId = `nothing-${++rooms}`;
  const ada = await enter(roomId, 'Ada', { media: 'none' });
  const bob = await enter(roomId, 'Bob');
  const a = await media(ada, 1);
  expect(a.local).toEqual({ audio: false, video: false, screen: false });
  const negotiations = timings(await view(bob)).filter((m) => /offer|answer/.test(m)).length;
  await ada.evaluate(async () => {
    const { harness } = globalThis;
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
    for (const track of stream.getTracks())
      await harness.call?.setTrack(track.kind === 'audio' ? 'audio' : 'video', track);
  });
  const b = await media(bob, 1);
  expect(b.peers[0]?.metadata).toMatchObject({ audio: true, video: true });
  // Another camera with another shape, and the screen beside it.
  await ada.evaluate(async () => {
    const { harness } = globalThis;
    await harness.call?.setTrack('video', harness.canvasTrack(320, 320));
    await harness.call?.setTrack('screen', harness.canvasTrack(1280, 720));
  });
  const sharing = await until('the screen and the other camera', async () => {
    const v = await view(bob);
    const [peer] = v.peers;
    return peer && peer.screenFrames > 2 && peer.metadata.screen === true && v;
  });
  await media(bob, 1, sharing);
  expect(timings(await view(bob)).filter((m) => /offer|answer/.test(m)).length).toBe(negotiations);
  await ada.evaluate(() => globalThis.harness.call?.setAudio(false));
  await until('muted in metadata', async () => (await view(bob)).peers[0]?.metadata.audio === false);
  await Promise.all([ada.close(), bob.close()]);
});

test('forced glare: both sides offer at once, again and again, and the call stands', async () => {
  const roomId = `glare-${++rooms}`;
  const ada = await enter(roomId, 'Ada');
  const bob = await enter(roomId, 'Bob');
  await Promise.all([media(ada, 1), media(bob, 1)]);
  for (let round = 0; round < 8; round++) {
    // One clock, one moment: on loopback an offer crosses in a millisecond.
    const at = Date.now() + 300;
    await Promise.all(
      [ada, bob].map((page) =>
        page.evaluate(
          (moment) =>
            new Promise<void>((resolve) => {
              setTimeout(
                () => {
                  while (Date.now() < moment);
                  globalThis.harness.call?.restartIce();
                  resolve();
                },
                moment - 30 - Date.now(),
              );
            }),
          at,
        ),
      ),
    );
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const [a, b] = await Promise.all([media(ada, 1, await view(ada)), media(bob, 1, await view(bob))]);
  const glares = [...timings(a), ...timings(b)].filter((m) => m.startsWith('glare')).length;
  expect(glares, 'the test forced at least one glare').toBeGreaterThan(0);
  expect([...timings(a), ...timings(b)].filter((m) => m.startsWith('error'))).toEqual([]);
  expect(a.peers[0]?.sections).toBe(3);
  expect(b.peers[0]?.sections).toBe(3);
  await Promise.all([ada.close(), bob.close()]);
});

test('ICE restart finds a new path on the same connection; rebuild makes a new one for that pair alone', async () => {
  const roomId = `repair-${++rooms}`;
  const ada = await enter(roomId, 'Ada');
  const bob = await enter(roomId, 'Bob');
  const cyd = await enter(roomId, 'Cyd');
  const [a] = await Promise.all([media(ada, 2), media(bob, 2), media(cyd, 2)]);
  const bobId = a.peers.find((p) => p.name === 'Bob')?.peerId ?? '';
  const ufrag = (v: View, name: string) => v.peers.find((p) => p.name === name)?.iceUfrag;

  await ada.evaluate((id) => globalThis.harness.call?.restartIce(id), bobId);
  await until('new ICE credentials with Bob', async () => ufrag(await view(ada), 'Bob') !== ufrag(a, 'Bob'));
  const restarted = await media(ada, 2, await view(ada));
  expect(restarted.peers.map((p) => [p.name, p.restarts]).sort()).toEqual([
    ['Bob', 1],
    ['Cyd', 0],
  ]);
  await until('counted by Bob too', async () => (await view(bob)).peers.find((p) => p.name === 'Ada')?.restarts === 1);
  expect(ufrag(restarted, 'Cyd'), 'the other pair was not touched').toBe(ufrag(a, 'Cyd'));

  // Break one leg for good on one side only: the other side must notice and both must come to a new one.
  await ada.evaluate((id) => globalThis.harness.call?.rebuild(id), bobId);
  const rebuilt = await until('rebuilt', async () => {
    const v = await view(ada);
    const peer = v.peers.find((p) => p.name === 'Bob');
    return peer?.state === 'connected' && ufrag(v, 'Bob') !== ufrag(restarted, 'Bob') && peer.framesDecoded > 2 && v;
  });
  expect(ufrag(rebuilt, 'Cyd')).toBe(ufrag(a, 'Cyd'));
  await Promise.all([media(bob, 2), media(cyd, 2)]);
  expect(logged(await view(ada), 'peer-removed')).toEqual([]);
  await Promise.all([ada.close(), bob.close(), cyd.close()]);
});

test('a connection that dies on one side is noticed and rebuilt by the other', async () => {
  const roomId = `dead-${++rooms}`;
  const times = { disconnected: 500, rebuild: 3000, firstOffer: 1000 };
  const ada = await enter(roomId, 'Ada', { times });
  const bob = await enter(roomId, 'Bob', { times });
  await Promise.all([media(ada, 1), media(bob, 1)]);
  await ada.evaluate(() => {
    const call = globalThis.harness.call;
    call?.connection(call.peers[0]?.peerId ?? '')?.close();
  });
  await until('interrupted, then whole again', async () => {
    const v = await view(bob);
    return timings(v).some((m) => m === 'rebuild' || m === 'ice-restart') && v.peers[0]?.state === 'connected';
  });
  await Promise.all([media(ada, 1, await view(ada)), media(bob, 1, await view(bob))]);
  await Promise.all([ada.close(), bob.close()]);
});

test('the network of one is cut and comes back as another one: interrupted, then the same call on a new path', async () => {
  const roomId = `cut-${++rooms}`;
  await using path = await startPath(node.wsUrl.replace('ws', 'http'));
  const url = node.wsUrl.replace(new URL(node.wsUrl).host, new URL(path.origin).host);
  const times = { disconnected: 500, rebuild: 8000, firstOffer: 1000 };
  const ada = await enter(roomId, 'Ada', { url, times });
  const bob = await enter(roomId, 'Bob', { times });
  const [a, b] = await Promise.all([media(ada, 1), media(bob, 1)]);
  expect(path.datagrams, 'media takes the path that will be cut').toBeGreaterThan(100);
  path.cut();
  await until('both know', async () => {
    const [x, y] = await Promise.all([view(ada), view(bob)]);
    return x.session === 'reconnecting' && x.peers[0]?.state === 'interrupted' && y.peers[0]?.away && y;
  });
  const dark = await view(bob);
  await path.mend(true);
  await Promise.all([media(ada, 1, await view(ada)), media(bob, 1, dark)]);
  const [x, y] = await Promise.all([view(ada), view(bob)]);
  expect([x.peerId, y.peerId], 'the same sessions').toEqual([a.peerId, b.peerId]);
  expect([...logged(x, 'peer-removed'), ...logged(y, 'peer-removed')]).toEqual([]);
  expect(y.peers[0]?.restarts).toBeGreaterThan(0);
  await Promise.all([ada.close(), bob.close()]);
});

test('media goes on while signaling is gone, and the session resumes', async () => {
  const roomId = `gone-${++rooms}`;
  const ada = await enter(roomId, 'Ada');
  const bob = await enter(roomId, 'Bob');
  const [, b] = await Promise.all([media(ada, 1), media(bob, 1)]);
  for (const connection of [...node.node.connections]) connection.close('goingAway');
  const later = await until('resumed', async () => {
    const [x, y] = await Promise.all([view(ada), view(bob)]);
    const states = (v: View) => (logged(v, 'session') as { state: string }[]).map((s) => s.state);
    const again = (v: View) => states(v).includes('reconnecting') && v.session === 'open';
    return again(x) && again(y) && y;
  });
  expect(later.peerId, 'the same session').toBe(b.peerId);
  expect(later.peers[0]?.iceUfrag, 'the same connection').toBe(b.peers[0]?.iceUfrag);
  expect(logged(later, 'peer-removed')).toEqual([]);
  await media(bob, 1, later);
  await Promise.all([ada.close(), bob.close()]);
});

test('the only signaling node dies and its successor knows nobody: pictures go on until the same people are connected anew', async () => {
  const own = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*' } });
  const roomId = `amnesia-${++rooms}`;
  const ada = await enter(roomId, 'Ada', { url: own.wsUrl });
  const bob = await enter(roomId, 'Bob', { url: own.wsUrl });
  const [, before] = await Promise.all([media(ada, 1), media(bob, 1)]);
  await own.kill();
  const gone = await until('signaling is gone', async () => {
    const v = await view(bob);
    return v.session === 'reconnecting' && v;
  });
  await media(bob, 1, gone);
  const next = await startTestNode({ keys, config: { ALLOWED_ORIGINS: '*', PORT: own.port } });
  try {
    const after = await until('connected anew', async () => {
      const v = await view(bob);
      const [peer] = v.peers;
      return v.peers.length === 1 && peer?.peerId !== before.peers[0]?.peerId && peer?.state === 'connected' && v;
    });
    expect(after.peerId).not.toBe(gone.peerId);
    // The old leg went only when the new one stood.
    const story = after.log.filter(
      (l) => l.what === 'peer-removed' || (l.what === 'timing' && (l.detail as { name: string }).name === 'connected'),
    );
    expect(story.map((l) => l.what)).toEqual(['timing', 'timing', 'peer-removed']);
    await Promise.all([media(ada, 1), media(bob, 1)]);
  } finally {
    await Promise.all([ada.close(), bob.close()]);
    await next[Symbol.asyncDispose]();
  }
});

test('a gateway without BUNDLE: connected, with a picture, and no rebuild is waited for', async () => {
  const roomId = `no-bundle-${++rooms}`;
  const gateway = await browser.page();
  await gateway.evaluate((options) => globalThis.harness.startGateway(options), {
    url: node.wsUrl,
    token: await keys.token('gateway'),
    roomId,
  });
  // Rebuilds would come after an hour.
  const ada = await enter(roomId, 'Ada', { times: { disconnected: 2000, rebuild: 3_600_000, firstOffer: 2000 } });
  const connected = await until('a picture of the gateway', async () => {
    const v = await view(ada);
    return v.peers[0]?.state === 'connected' && v.peers[0].framesDecoded > 2 && v;
  });
  expect(timings(connected).filter((name) => /^(error|rebuild)/.test(name))).toEqual([]);
  await Promise.all([ada.close(), gateway.close()]);
});

test('no page threw', () => {
  expect(browser.errors).toEqual([]);
});
