/**
 * WHIP (RFC 9725) on a media node with real signaling, Redis and Janus. Clients that are not ours: libdatachannel, and npm `whip-whep` in
 * Chromium; what no client sends is sent by hand.
 */
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import type { MediaNode } from '../infra/media-node/src/media-node.ts';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { publishRevocation } from '../packages/service/src/index.ts';
import { connectRedis } from '../packages/service/src/redis.ts';
import { startSdkBrowser } from './sdk/harness.ts';
import { flows, joinMedia, type MediaPeer } from './support/media-peer.ts';
import { type MediaStack, startMediaStack } from './support/media-stack.ts';
import { publish, type StreamClient } from './support/stream-client.ts';

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

async function person(room: string, name: string, grants: object = {}): Promise<MediaPeer> {
  const token = await stack.keys.token(name, grants);
  const peer = await joinMedia(new SignalingSession({ url: stack.url, getToken: async () => token }), room, name);
  onTestFinished(() => peer.close());
  return peer;
}

const connected = (client: StreamClient) => vi.waitFor(() => expect(client.sender.state).toBe('connected'), WAIT);
const flowing = (peer: MediaPeer) => vi.waitFor(async () => expect(await flows(peer)).toBe(true), WAIT);

/** The session is gone, and the room has nobody left. */
async function isOver(client: StreamClient): Promise<void> {
  await vi.waitFor(async () => expect((await client.request('DELETE')).status).toBe(404), WAIT);
}

/** Of an encoder that never connects. */
async function offerOf(more: readonly string[] = []): Promise<string> {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=sendonly',
    'a=rtpmap:111 opus/48000/2',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    'a=setup:actpass',
    'a=rtcp-mux',
    ...more,
    '',
  ].join('\r\n');
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
    await vi.waitFor(() => expect(client.sender.state).not.toBe('connected'), WAIT);
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
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(import.meta.resolve('whip-whep/whip.js'))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'whip',
  });
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
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

test('W-5 what is refused, and how', async () => {
  const good = await stack.keys.token('ada');
  const post = async (body: string, { token = good, type = SDP, room = 'refused' } = {}) => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': type };
    const response = await fetch(endpoint(room), { method: 'POST', headers, body });
    const problem = (await response.json()) as { status: number; code: string };
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    return `${problem.status} ${problem.code}`;
  };
  const offer = await offerOf();
  expect(await post(offer, { token: '' })).toBe('401 missing');
  expect(await post(offer, { token: 'x.y.z' })).toBe('401 malformed');
  expect(await post(offer, { token: await stack.keys.token('ada', {}, { aud: 'others' }) })).toBe('401 audience');
  expect(await post(offer, { token: await stack.keys.token('ada', { rooms: ['b'] }) })).toBe('403 forbidden');
  expect(await post(offer, { token: await stack.keys.token('ada', { publish: false }) })).toBe('403 forbidden');
  expect(await post(offer, { room: 'no%2Froom' })).toBe('404 room_unknown');
  expect(await post(offer, { type: 'application/json' })).toBe('415 unsupported_media_type');
  expect(await post(offer, { type: 'text/plain' })).toBe('415 unsupported_media_type');
  for (const bad of [
    '',
    'v=0',
    'nonsense\r\n',
    offer.replace('v=0', 'v=1'),
    offer.replace('sendonly', 'recvonly'),
    offer.replace(/a=ice-pwd.*\r\n/, ''),
    offer.replace(/a=fingerprint.*\r\n/, ''),
    offer.replace('s=-', 's=\u0000'),
    offer.replace(/m=audio/, 'm=application'),
    await offerOf(Array.from({ length: 9 }, () => 'm=video 9 UDP/TLS/RTP/SAVPF 96')),
  ])
    expect(await post(bad), bad.slice(0, 80)).toBe('400 bad_sdp');
  expect(await post(`${offer}${'a=x:'.padEnd(32 * 1024, 'y')}\r\n`)).toBe('413 body_too_large');
  // Takes part in no room: nobody was let in.
  expect(node.rooms.has('refused')).toBe(false);
});

test('W-5 ten megabytes are refused by their announced length, and an endless body by what came', async () => {
  const token = await stack.keys.token('ada');
  const head = (line: string) =>
    `POST /whip/r HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${SDP}\r\n${line}\r\n\r\n`;
  const ask = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(node.httpPort ?? 0, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.setEncoding('utf8').on('data', (data) => {
        answer += data;
        if (!answer.includes('\r\n\r\n')) return;
        resolve(answer.split('\r\n', 1)[0] ?? '');
        socket.destroy();
      });
      socket.on('error', reject);
    });
  expect(await ask(head('content-length: 10485760'))).toBe('HTTP/1.1 413 Payload Too Large');
  const chunk = `8000\r\n${'a'.repeat(0x8000)}\r\n`;
  expect(await ask(`${head('transfer-encoding: chunked')}${chunk}${chunk}`)).toBe('HTTP/1.1 413 Payload Too Large');
});

test('W-5 W-6 other methods are refused with what is allowed; a page of any origin may ask', async () => {
  const ask = async (method: string, path: string) => {
    const { status, headers } = await fetch(`${origin}${path}`, { method });
    return {
      status,
      allow: headers.get('allow'),
      post: headers.get('accept-post'),
      cors: headers.get('access-control-allow-methods'),
    };
  };
  for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'])
    expect(await ask(method, '/whip/r'), method).toMatchObject({ status: 405, allow: 'POST, OPTIONS' });
  for (const method of ['GET', 'HEAD', 'PUT', 'POST'])
    expect(await ask(method, '/whip/r/s'), method).toMatchObject({ status: 405, allow: 'PATCH, DELETE, OPTIONS' });
  expect(await ask('OPTIONS', '/whip/r')).toEqual({
    status: 204,
    allow: 'POST, OPTIONS',
    post: SDP,
    cors: 'POST, OPTIONS',
  });
  expect(await ask('OPTIONS', '/whip/r/s')).toMatchObject({ status: 204, cors: 'PATCH, DELETE, OPTIONS' });
  expect(await ask('GET', '/whip')).toMatchObject({ status: 404 });
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
