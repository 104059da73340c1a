/**
 * WHIP (RFC 9725) on a media node with real signaling, Redis and Janus. Clients that are not ours: libdatachannel, and npm `whip-whep` in
 * Chromium; what no client sends is sent by hand.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { MediaNode } from '../infra/media-node/src/media-node.ts';
import { readOffer } from '../infra/media-node/src/streams/sdp.ts';
import { StreamLeg } from '../infra/media-node/src/streams/stream-leg.ts';
import { RtpCamera } from '../infra/media-node/src/testing/rtp-camera.ts';
import type { RtpSender, RtpViewer } from '../infra/media-node/src/testing/rtp-peer.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { publishRevocation } from '../packages/service/src/index.ts';
import { connectRedis } from '../packages/service/src/redis.ts';
import { startSdkBrowser } from './sdk/harness.ts';
import { flows, joinMedia, type MediaPeer, ownAddress } from './support/media-peer.ts';
import { enginePids, type MediaStack, startMediaStack } from './support/media-stack.ts';
import { offerOf, publish, publishBy, type StreamClient, watch } from './support/stream-client.ts';

const WAIT = { timeout: 30_000, interval: 50 };
const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
let stack: MediaStack;
let node: MediaNode;
let origin: string;

beforeAll(async () => {
  stack = await startMediaStack({ from: 9, node: { MAX_STREAMS: 12 } });
  node = await stack.mediaNode('m1', 32_000);
  origin = `http://127.0.0.1:${node.httpPort}`;
});
afterAll(() => stack?.[Symbol.asyncDispose]());

const endpoint = (room: string) => `${origin}/whip/${room}`;

async function encoder(room: string, token?: string): Promise<StreamClient> {
  const client = await publish(endpoint(room), token ?? (await stack.keys.token(`${room}-encoder`)));
  onTestFinished(() => client.close());
  return client;
}

async function viewer(room: string, token: string, at = origin): Promise<StreamClient<RtpViewer>> {
  const client = await watch(`${at}/whep/${room}`, token);
  onTestFinished(() => client.close());
  return client;
}

/** Packets of sound and of the picture come now. */
async function sees({ peer }: StreamClient<RtpViewer>): Promise<boolean> {
  const before = new Map(peer.packets);
  await new Promise((resolve) => setTimeout(resolve, 200));
  return ['0', '1'].every((mid) => (peer.packets.get(mid) ?? 0) > (before.get(mid) ?? 0));
}
const seeing = (client: StreamClient<RtpViewer>) => vi.waitFor(async () => expect(await sees(client)).toBe(true), WAIT);

async function person(room: string, name: string, grants: object = {}): Promise<MediaPeer> {
  const token = await stack.keys.token(name, grants);
  const peer = await joinMedia(new SignalingSession({ url: stack.url, getToken: async () => token }), room, name);
  onTestFinished(() => peer.close());
  return peer;
}

const connected = (client: StreamClient<RtpSender | RtpViewer>) =>
  vi.waitFor(() => expect(client.peer.state).toBe('connected'), WAIT);
const flowing = (peer: MediaPeer) => vi.waitFor(async () => expect(await flows(peer)).toBe(true), WAIT);

/** The session is gone: by its id, or with the token of who opened it. */
async function isOver(client: StreamClient<RtpSender | RtpViewer>): Promise<void> {
  await vi.waitFor(async () => expect([401, 404]).toContain((await client.request('DELETE')).status), WAIT);
}

test('W-1 W-4 an encoder publishes into a room of nobody, and who comes sees it; both legs end with its DELETE', async () => {
  const client = await encoder('studio');
  const { headers } = client.response;
  expect(headers.get('content-type')).toBe(SDP);
  expect(headers.get('location')).toMatch(/^\/whip\/studio\/m1\.[\w-]{24}$/);
  expect(client.etag).toMatch(/^"[\w-]+"$/);
  expect(headers.get('accept-patch')).toBe(FRAGMENT);
  await connected(client);
  const ada = await person('studio', 'ada');
  await flowing(ada);
  expect([...ada.session.peers.values()].map(({ metadata }) => metadata)).toMatchObject([
    { stream: true, audio: true, video: true },
  ]);
  expect((await client.request('DELETE')).status).toBe(200);
  expect((await client.request('DELETE')).status).toBe(404);
  await vi.waitFor(() => expect(ada.session.peers.size).toBe(0), WAIT);
  await vi.waitFor(async () => expect(await flows(ada)).toBe(false), WAIT);
});

test('W-1 a person in the room has it moved to the media node by a stream', async () => {
  const token = await stack.keys.token('eve');
  const session = new SignalingSession({ url: stack.url, getToken: async () => token });
  onTestFinished(() => session.close());
  await session.join('meeting');
  expect(session.media).toBeUndefined();
  await connected(await encoder('meeting'));
  await vi.waitFor(() => expect(session.media).toBeDefined(), WAIT);
});

test('an encoder without VP8 sends H.264', async () => {
  const client = await publish(endpoint('h264'), await stack.keys.token('obs'), { videoCodec: 'H264' });
  onTestFinished(() => client.close());
  await connected(client);
  const ada = await person('h264', 'ada');
  await vi.waitFor(() => expect(ada.receiver.packets.size).toBe(2), WAIT);
});

test('W-2 kick, room closed and revocation end a stream, and its encoder sees its connection end', async () => {
  const host = await encoder('ends').then(() => person('ends', 'host', { kick: true }));
  const ended = async (client: StreamClient) => {
    await isOver(client);
    // DTLS says goodbye.
    await vi.waitFor(() => expect(client.peer.state).not.toBe('connected'), WAIT);
  };
  const one = await encoder('ends', await stack.keys.token('one'));
  await connected(one);
  const peerId = [...host.session.peers.values()].find((peer) => peer.userId === 'one')?.peerId ?? '';
  await host.session.kick(peerId);
  await ended(one);
  const two = await encoder('ends', await stack.keys.token('two'));
  await connected(two);
  const redis = connectRedis(stack.redis.url);
  onTestFinished(() => void redis.disconnect());
  await publishRevocation(redis, {
    kind: 'user',
    id: 'two',
    exp: Math.floor(Date.now() / 1000) + 3600,
    at: Math.floor(Date.now() / 1000) + 1,
  });
  await ended(two);
  const three = await encoder('ends', await stack.keys.token('three'));
  await connected(three);
  host.session.closeRoom().catch(() => undefined);
  await ended(three);
});

test('W-2 a token that runs out ends its stream', async () => {
  const exp = Math.floor(Date.now() / 1000) + 5;
  const client = await encoder('late', await stack.keys.token('late', {}, { exp }));
  await isOver(client);
});

test('W-1 W-2 W-3 M-10 a browser publishes by a client of others, searches a path anew, and leaves the room with its connection', async () => {
  const browser = await startSdkBrowser();
  onTestFinished(() => browser[Symbol.asyncDispose]());
  const page = await browser.page();
  for (const name of ['whip', 'whep']) {
    const entry = fileURLToPath(import.meta.resolve(`whip-whep/${name}.js`));
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      format: 'iife',
      globalName: name,
    });
    await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  }
  await page.evaluate(publishFromPage, { url: endpoint('page'), token: await stack.keys.token('page') });
  const ada = await person('page', 'ada');
  await flowing(ada);
  // The SDK shows it, from the node alone.
  const viewer = await browser.page();
  const token = await stack.keys.token('viewer');
  await viewer.evaluate((options) => globalThis.harness.start(options), {
    url: stack.url,
    token,
    roomId: 'page',
    name: 'viewer',
    media: 'canvas' as const,
  });
  const shown = () => viewer.evaluate(() => globalThis.harness.shown());
  await vi.waitFor(
    async () => expect((await shown()).filter((p) => p.topology === 'sfu' && p.frames > 5 && !p.pair)).toHaveLength(1),
    WAIT,
  );
  // A viewer by a client of others, too.
  await page.evaluate(watchFromPage, { url: `${origin}/whep/page`, token });
  await vi.waitFor(
    async () => expect(await page.evaluate(() => (globalThis as unknown as PublishingPage).frames)).toBeGreaterThan(5),
    WAIT,
  );
  const [before, after] = await page.evaluate(async () => {
    const { pc, client } = globalThis as unknown as PublishingPage;
    const ufrag = () => /a=ice-ufrag:(\S+)/.exec(pc.remoteDescription?.sdp ?? '')?.[1];
    const before = [ufrag(), client.etag];
    await client.restart();
    return [before, [ufrag(), client.etag]];
  });
  expect(after?.filter((one) => one && !before?.includes(one))).toHaveLength(2);
  await vi.waitFor(
    async () =>
      expect(await page.evaluate(() => (globalThis as unknown as PublishingPage).pc.iceConnectionState)).toBe(
        'connected',
      ),
    WAIT,
  );
  await flowing(ada);
  // Without a DELETE: DTLS says goodbye. (Who says nothing at all is gone after 30 s, M-13.)
  await page.evaluate(() => (globalThis as unknown as PublishingPage).pc.close());
  await vi.waitFor(() => expect([...ada.session.peers.values()].map(({ userId }) => userId)).toEqual(['viewer']), WAIT);
  expect(browser.errors).toEqual([]);
});

/** What the page keeps, for later steps. */
interface PublishingPage {
  pc: RTCPeerConnection;
  client: {
    etag: string;
    restart(): Promise<void>;
    publish(pc: RTCPeerConnection, url: string, token: string): Promise<void>;
  };
  whip: { WHIPClient: new () => PublishingPage['client'] };
  whep: { WHEPClient: new () => { view(pc: RTCPeerConnection, url: string, token: string): Promise<void> } };
  /** Of the watched picture. */
  frames: number;
}

async function watchFromPage({ url, token }: { url: string; token: string }): Promise<void> {
  const page = globalThis as unknown as PublishingPage;
  page.frames = 0;
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const kind of ['audio', 'video']) pc.addTransceiver(kind, { direction: 'recvonly' });
  pc.ontrack = ({ track }) => {
    if (track.kind !== 'video') return;
    video.srcObject = new MediaStream([track]);
    void video.play();
    const count = () => {
      page.frames++;
      video.requestVideoFrameCallback(count);
    };
    video.requestVideoFrameCallback(count);
  };
  await new page.whep.WHEPClient().view(pc, url, token);
}

async function publishFromPage({ url, token }: { url: string; token: string }): Promise<void> {
  const page = globalThis as unknown as PublishingPage;
  const canvas = document.body.appendChild(document.createElement('canvas'));
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  setInterval(() => {
    context.fillStyle = `hsl(${Math.floor(performance.now() / 10) % 360} 90% 50%)`;
    context.fillRect(0, 0, 320, 180);
  }, 100);
  const audio = new AudioContext();
  const sound = audio.createMediaStreamDestination();
  const oscillator = audio.createOscillator();
  oscillator.connect(sound);
  oscillator.start();
  page.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  for (const track of [...sound.stream.getTracks(), ...canvas.captureStream(10).getTracks()])
    page.pc.addTransceiver(track, { direction: 'sendonly' });
  page.client = new page.whip.WHIPClient();
  await page.client.publish(page.pc, url, token);
}

test('W-7 W-8 viewers see what an encoder sends, are no members, and end with it', async () => {
  const token = await stack.keys.token('watcher', { publish: false });
  await expect(viewer('show', token)).rejects.toThrow(/^409 .*not_live/);
  const studio = await encoder('show');
  await connected(studio);
  const foreign = offerOf().replace('a=sendonly', 'a=recvonly').replace('opus/48000/2', 'foreign/48000/2');
  const unmet = await fetch(`${origin}/whep/show`, {
    method: 'POST',
    headers: { 'content-type': SDP, authorization: `Bearer ${token}` },
    body: foreign,
  });
  expect([unmet.status, ((await unmet.json()) as { code: string }).code]).toEqual([406, 'no_media']);
  expect(node.rooms.get('show')?.viewers.count).toBe(0);
  const ada = await person('show', 'ada');
  await flowing(ada);
  const [one, two] = [await viewer('show', token), await viewer('show', token)];
  expect(one.response.headers.get('location')).toMatch(/^\/whep\/show\/m1\.[\w-]{24}$/);
  await seeing(one);
  await seeing(two);
  expect(ada.session.peers.size).toBe(1);
  expect(await (await one.request('GET')).json()).toEqual({ viewers: 2 });
  const stranger = { headers: { authorization: `Bearer ${await stack.keys.token('mallory')}` } };
  expect((await one.request('GET', stranger)).status).toBe(403);
  expect((await one.request('DELETE')).status).toBe(200);
  expect((await one.request('GET')).status).toBe(404);
  await vi.waitFor(async () => expect(await sees(one)).toBe(false), WAIT);
  expect(node.rooms.get('show')?.viewers.count).toBe(1);
  // Who joined by a path of its own is asked to do so again.
  const restart = {
    headers: { 'content-type': FRAGMENT, 'if-match': '*' },
    body: 'a=ice-ufrag:EFGH\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n',
  };
  expect((await two.request('PATCH', restart)).status).toBe(422);
  await studio.request('DELETE');
  await isOver(two);
  await vi.waitFor(() => expect(two.peer.state).not.toBe('connected'), WAIT);
});

test('W-7 a room without an encoder shows who sends; H.264 is passed on', async () => {
  const token = await stack.keys.token('watcher');
  const obs = await publish(endpoint('codec'), await stack.keys.token('obs2'), { videoCodec: 'H264' });
  onTestFinished(() => obs.close());
  await connected(obs);
  const watcher = await viewer('codec', token);
  await seeing(watcher);
  const bob = await person('codec', 'bob');
  await flowing(bob);
  await obs.request('DELETE');
  await isOver(watcher);
  await seeing(await viewer('codec', token));
});

test('W-7 of a camera in several sizes viewers receive the largest, also where the offer says them by ssrc-group', async () => {
  const camera = new RtpCamera('camera', ownAddress);
  const studio = await publishBy(endpoint('sizes'), await stack.keys.token('camera'), camera);
  onTestFinished(() => studio.close());
  await connected(studio);
  const { peer } = await viewer('sizes', await stack.keys.token('watcher'));
  await vi.waitFor(async () => {
    // As a viewer that decodes asks for it.
    camera.keyframeRequests++;
    const before = [peer.bytes, camera.sentLargest] as const;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(peer.bytes - before[0]).toBeGreaterThan((camera.sentLargest - before[1]) / 2);
  }, WAIT);
});

test('W-8 a viewer ends with its token, by revocation and by the end of the room', async () => {
  const host = await encoder('doors').then(() => person('doors', 'host', { kick: true }));
  await flowing(host);
  const revoked = await viewer('doors', await stack.keys.token('rex'));
  const late = await viewer('doors', await stack.keys.token('late', {}, { exp: Math.floor(Date.now() / 1000) + 10 }));
  const stays = await viewer('doors', await stack.keys.token('stays'));
  for (const one of [revoked, stays]) await seeing(one);
  const redis = connectRedis(stack.redis.url);
  onTestFinished(() => void redis.disconnect());
  const at = Math.floor(Date.now() / 1000) + 1;
  await publishRevocation(redis, { kind: 'user', id: 'rex', exp: at + 3600, at });
  await vi.waitFor(() => expect(revoked.peer.state).not.toBe('connected'), WAIT);
  // Nor is it let in again.
  expect((await revoked.request('DELETE')).status).toBe(401);
  await vi.waitFor(() => expect(late.peer.state).not.toBe('connected'), WAIT);
  expect(await sees(stays)).toBe(true);
  host.session.closeRoom().catch(() => undefined);
  await isOver(stays);
});

test('W-9 any node takes a request and passes it on to the one that has it', async () => {
  const second = await stack.mediaNode('m2', 33_000);
  const studio = await encoder('apart');
  await connected(studio);
  const [serves, other] = node.rooms.has('apart') ? [node, second] : [second, node];
  const token = await stack.keys.token('watcher');
  const watcher = await viewer('apart', token, `http://127.0.0.1:${other.httpPort}`);
  await seeing(watcher);
  expect([serves.rooms.get('apart')?.viewers.count, other.rooms.has('apart')]).toEqual([1, false]);
  const at = `http://127.0.0.1:${second.httpPort}`;
  const askOther = (session: URL, headers: Record<string, string>) =>
    fetch(new URL(session.pathname, at), { method: 'DELETE', headers }).then((response) => response.status);
  const authorization = `Bearer ${await stack.keys.token('apart-encoder')}`;
  expect(await askOther(studio.session, { authorization })).toBe(403);
  // A node that is not there, and a request that was passed on before.
  expect(await askOther(new URL(studio.session.href.replace('m1.', 'm9.')), { authorization })).toBe(503);
  expect(await askOther(studio.session, { authorization, 'x-tandem-hop': '1' })).toBe(503);
  const elsewhere = await fetch(new URL(watcher.session.pathname, `http://127.0.0.1:${other.httpPort}`), {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await elsewhere.json()).toEqual({ viewers: 1 });
  expect((await watcher.request('DELETE')).status).toBe(200);
});

test('W-3 preconditions: 428 without If-Match, 412 with another tag, 204 with the tag, 200 for an ICE restart', async () => {
  const client = await encoder('path');
  await connected(client);
  const candidate = 'a=mid:0\r\na=candidate:1 1 UDP 2122252543 127.0.0.1 9 typ host\r\n';
  const patch = (body: string, headers: Record<string, string>) =>
    client.request('PATCH', { headers: { 'content-type': FRAGMENT, ...headers }, body });
  expect((await patch(candidate, {})).status).toBe(428);
  expect((await patch(candidate, { 'if-match': '"other"' })).status).toBe(412);
  expect((await patch(candidate, { 'if-match': client.etag })).status).toBe(204);
  const fresh = 'a=ice-ufrag:EFGH\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n';
  // New credentials with the tag of the path before are no restart.
  expect((await patch(fresh, { 'if-match': client.etag })).status).toBe(412);
  const restarted = await patch(fresh, { 'if-match': '*' });
  expect(restarted.status).toBe(200);
  expect(restarted.headers.get('content-type')).toBe(FRAGMENT);
  const etag = restarted.headers.get('etag') ?? '';
  expect([etag, '', null]).not.toContain(client.etag);
  const answer = await restarted.text();
  const ufrag = (sdp: string) => /^a=ice-ufrag:(\S+)/m.exec(sdp)?.[1];
  expect(ufrag(answer)).toMatch(/^\S{4,}$/);
  expect(answer).toMatch(/^a=candidate:/m);
  expect((await patch(candidate, { 'if-match': client.etag })).status).toBe(412);
  expect((await patch(candidate, { 'if-match': etag })).status).toBe(204);
  expect((await patch('', { 'if-match': etag })).status).toBe(400);
  expect((await patch(candidate, { 'if-match': etag, 'content-type': SDP })).status).toBe(415);
});

test('W-3 a restart that fails changes nothing: session, tag and path stay, and the next one is answered (RFC 9725 section 4.3.3)', async () => {
  const client = await encoder('frozen');
  await connected(client);
  const patch = (body: string, tag: string) =>
    client.request('PATCH', { headers: { 'content-type': FRAGMENT, 'if-match': tag }, body });
  const path = (ufrag: string) => `a=ice-ufrag:${ufrag}\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n`;
  // Whichever node serves the room: another test has started a second one.
  const engines = stack.nodes.flatMap(enginePids);
  const isStopped = (pid: number) =>
    readdirSync(`/proc/${pid}/task`).every((id) => / T /.test(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8')));
  for (const pid of engines) process.kill(pid, 'SIGSTOP');
  try {
    await vi.waitFor(() => expect(engines.map(isStopped)).toEqual(engines.map(() => true)), WAIT);
    const failed = await patch(path('EFGH'), '*');
    expect([failed.status, failed.headers.get('retry-after'), failed.headers.get('etag')]).toEqual([503, '2', null]);
  } finally {
    for (const pid of engines) process.kill(pid, 'SIGCONT');
  }
  const candidate = 'a=mid:0\r\na=candidate:1 1 UDP 2122252543 127.0.0.1 9 typ host\r\n';
  expect((await patch(candidate, client.etag)).status).toBe(204);
  // Nor are the credentials of what failed those of the session.
  expect((await patch(`${path('EFGH')}${candidate}`, client.etag)).status).toBe(412);
  const restarted = await patch(path('IJKL'), '*');
  expect(restarted.status).toBe(200);
  expect(await restarted.text()).toMatch(/^a=ice-ufrag:\S+/m);
  expect((await client.request('DELETE')).status).toBe(200);
});

test('W-3 a late answer to a restart that failed is not taken for that of the next one', async () => {
  const session = (token: string) => new SignalingSession({ url: stack.url, getToken: async () => token });
  const agent = session(await stack.keys.token('media-fake', { rooms: ['late-answer'], media: true }));
  onTestFinished(() => agent.close());
  await agent.join('late-answer', { media: 1 });
  const answerOf = (ufrag: string) => offerOf().replace('sendonly', 'recvonly').replace('abcd', ufrag);
  const offers: { peerId: string; n: number }[] = [];
  const answer = async ({ peerId, n }: (typeof offers)[number], ufrag: string) => {
    const sdp = { type: 'answer', sdp: answerOf(ufrag), leg: 'up', gen: 1, to: n };
    await agent.sendTo(peerId, 'answer', { sdp: sdp as never });
    const candidate = { candidate: `candidate:${ufrag}`, sdpMid: '0', leg: 'up', gen: 1 };
    await agent.sendTo(peerId, 'ice-candidate', { candidate: candidate as never });
    await agent.sendTo(peerId, 'ice-candidate', { candidate: { candidate: '', leg: 'up', gen: 1 } as never });
  };
  agent.on('signal', (signal) => {
    if (signal.type !== 'offer') return;
    offers.push({ peerId: signal.peerId, n: (signal.sdp as unknown as { n: number }).n });
    const [latest] = offers.slice(-1);
    // The first one is answered at once, the second never, and with the third comes what was to answer the second.
    if (latest && offers.length === 1) void answer(latest, 'first');
    if (latest && offers.length === 3) void answer(offers[1] ?? latest, 'late').then(() => answer(latest, 'third'));
  });
  const ends: string[] = [];
  const { leg, answer: first } = await StreamLeg.open({
    url: stack.url,
    room: 'late-answer',
    token: await stack.keys.token('late-encoder'),
    offer: readOffer(offerOf(), 'sends'),
    callNode: async () => {},
    onEnded: (why) => ends.push(why),
    answerMs: 500,
  });
  onTestFinished(() => leg.end('done'));
  expect(first).toContain('a=ice-ufrag:first');
  const path = (ufrag: string) => ({ ufrag, pwd: 'ABCDEFGHIJKLMNOPQRSTUVWX' });
  await expect(leg.restart(path('EFGH'))).rejects.toThrow('no-node');
  expect([leg.credentials.ufrag, ends]).toEqual(['abcd', []]);
  const third = await leg.restart(path('IJKL'));
  expect(third).toContain('a=ice-ufrag:third');
  expect(third.match(/^a=candidate:.*$/gm)).toEqual(['a=candidate:third']);
  expect(leg.credentials.ufrag).toBe('IJKL');
});

test('RFC 9725, what a server MUST and no rule above says: the answer, discarded candidates, ignored tags, tracks that it does not take', async () => {
  const client = await encoder('must');
  const { answer } = client;
  // Section 4.2: recvonly. Section 4.4.1: one group of all sections, RTCP with RTP. Section 4.3.1: all candidates.
  const sections = answer.split(/^(?=m=)/m).slice(1);
  const mids = sections.map((section) => /^a=mid:(\S+)/m.exec(section)?.[1]);
  expect(answer).toMatch(new RegExp(`^a=group:BUNDLE ${mids.join(' ')}\\r?$`, 'm'));
  for (const section of sections) {
    expect(section).toMatch(/^a=recvonly\r?$/m);
    expect(section).toMatch(/^a=rtcp-mux\r?$/m);
  }
  expect(answer).toMatch(/^a=candidate:/m);
  // Section 4.3.1: strong tags alone.
  expect(client.etag).toMatch(/^"/);
  await connected(client);
  // Section 4.3.2: a transport or an address that is not known is discarded, and the rest is taken.
  const odd = [
    'a=mid:0',
    'a=candidate:1 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active',
    'a=candidate:2 1 udp 2122260223 0b1e6e4d-0b0c-4b41-a1c3-5f0e5a1f7d3c.local 61764 typ host',
    'a=candidate:3 1 sctp 2122260223 192.0.2.1 61764 typ host',
    'a=candidate:4 1 UDP 2122252543 127.0.0.1 9 typ host',
    'a=end-of-candidates',
    '',
  ].join('\r\n');
  const patch = (body: string, tag: string) =>
    client.request('PATCH', { headers: { 'content-type': FRAGMENT, 'if-match': tag }, body });
  const taken = await patch(odd, client.etag);
  expect([taken.status, await taken.text()]).toEqual([204, '']);
  expect(client.peer.state).toBe('connected');
  // Section 4.3.3: the fragment says the options of ICE as the answer did.
  const restarted = await patch('a=ice-ufrag:EFGH\r\na=ice-pwd:ABCDEFGHIJKLMNOPQRSTUVWX\r\n', '*');
  const options = (sdp: string) => new Set(sdp.match(/^a=ice-(lite|options|pacing).*?$/gm));
  expect(options(await restarted.text())).toEqual(options(answer));
  // Section 4.3.1: a tag means nothing to DELETE.
  expect((await client.request('DELETE', { headers: { 'if-match': '"other"' } })).status).toBe(200);
  // Sections 4.4.2 and 4.4.3: tracks that are too many, and sections of which one cannot be taken, are no stream.
  const token = await stack.keys.token('two-microphones');
  const post = async (body: string) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': SDP };
    const response = await fetch(endpoint('partly'), { method: 'POST', headers, body });
    return [response.status, ((await response.json()) as { code: string }).code];
  };
  const offer = offerOf();
  const [, microphone = ''] = offer.split(/^(?=m=)/m);
  expect(await post(`${offer}${microphone.replace('a=mid:0', 'a=mid:1')}`)).toEqual([400, 'bad_sdp']);
  const foreign = microphone
    .replace('m=audio 9 UDP/TLS/RTP/SAVPF 111', 'm=video 9 UDP/TLS/RTP/SAVPF 98')
    .replace('a=mid:0', 'a=mid:1')
    .replace('a=rtpmap:111 opus/48000/2', 'a=rtpmap:98 foreign/90000');
  expect(await post(`${offer.replace('BUNDLE 0', 'BUNDLE 0 1')}${foreign}`)).toEqual([422, 'no_media']);
  // Nobody of it is left in the room.
  const session = new SignalingSession({ url: stack.url, getToken: async () => token });
  onTestFinished(() => session.close());
  await session.join('partly');
  expect([...session.peers.values()].filter(({ metadata }) => metadata?.stream)).toEqual([]);
});

test('W-4 a session belongs to the bearer of its token, and to its room', async () => {
  const client = await encoder('mine');
  const token = await stack.keys.token('mallory');
  const ask = (url: URL, authorization: string) =>
    fetch(url, { method: 'DELETE', headers: authorization ? { authorization } : {} }).then((r) => r.status);
  expect(await ask(client.session, '')).toBe(401);
  expect(await ask(client.session, `Bearer ${token}`)).toBe(403);
  expect(await ask(new URL(client.session.href.replace('/mine/', '/other/')), `Bearer ${token}`)).toBe(404);
  expect((await client.request('DELETE')).status).toBe(200);
});

test('W-14 a room that is encrypted from end to end takes no encoder and no viewer', async () => {
  const token = await stack.keys.token('sealing');
  const seal = async (room: string) => {
    const session = new SignalingSession({ url: stack.url, getToken: async () => token });
    onTestFinished(() => session.close());
    await session.join(room, { encryption: { key: 'of ada' } } as never);
    return session;
  };
  const session = await seal('sealed');
  await expect(encoder('sealed')).rejects.toThrow(/^403 .*"encrypted"/);
  await vi.waitFor(() => expect(session.peers.size).toBe(0), WAIT);
  // An encoder that was there before somebody encrypted goes on, and has no new viewers.
  await connected(await encoder('sealed-later'));
  await seal('sealed-later');
  await vi.waitFor(
    async () =>
      await expect(viewer('sealed-later', await stack.keys.token('watcher'))).rejects.toThrow(/^403 .*"encrypted"/),
    WAIT,
  );
});

test('W-5 a full room, and a node that has its number of streams, say so', async () => {
  const token = await stack.keys.token('first', { maxRoomSize: 2 });
  await encoder('full', token);
  await encoder('full', await stack.keys.token('second'));
  await expect(encoder('full', await stack.keys.token('third'))).rejects.toThrow(/^409 .*room_full/);
  const ask = async (n: number) => encoder(`many-${n}`).catch((error: Error) => error.message);
  const answers = await Promise.all(Array.from({ length: 14 }, (_, n) => ask(n)));
  const refused = answers.filter((one): one is string => typeof one === 'string');
  expect(refused.length).toBeGreaterThanOrEqual(4);
  for (const one of refused) expect(one).toMatch(/^503 .*busy/);
});
