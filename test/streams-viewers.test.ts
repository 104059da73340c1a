/** What viewers by WHEP get, and until when: a media node with real signaling, Redis and Janus, and libdatachannel on both ends. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { RtpCamera } from '../infra/media-node/src/testing/rtp-camera.ts';
import { publishRevocation } from '../packages/service/src/index.ts';
import { connectRedis } from '../packages/service/src/redis.ts';
import { ownAddress } from './support/media-peer.ts';
import { FRAGMENT, offerOf, publish, publishBy, SDP } from './support/stream-client.ts';
import {
  connected,
  flowing,
  isOver,
  type StreamStack,
  seeing,
  sees,
  startStreamStack,
  WAIT,
} from './support/stream-stack.ts';

let streams: StreamStack;

beforeAll(async () => {
  streams = await startStreamStack(30_000);
});
afterAll(() => streams?.[Symbol.asyncDispose]());

test('W-7 W-8 viewers see what an encoder sends, are no members, and end with it', async () => {
  const token = await streams.media.keys.token('watcher', { publish: false });
  await expect(streams.viewer('show', token)).rejects.toThrow(/^409 .*not_live/);
  const studio = await streams.encoder('show');
  await connected(studio);
  const foreign = offerOf().replace('a=sendonly', 'a=recvonly').replace('opus/48000/2', 'foreign/48000/2');
  const unmet = await fetch(`${streams.origin}/whep/show`, {
    method: 'POST',
    headers: { 'content-type': SDP, authorization: `Bearer ${token}` },
    body: foreign,
  });
  expect([unmet.status, ((await unmet.json()) as { code: string }).code]).toEqual([406, 'no_media']);
  expect(streams.node.rooms.get('show')?.viewers.count).toBe(0);
  const ada = await streams.person('show', 'ada');
  await flowing(ada);
  const [one, two] = [await streams.viewer('show', token), await streams.viewer('show', token)];
  expect(one.response.headers.get('location')).toMatch(/^\/whep\/show\/m1\.[\w-]{24}$/);
  await seeing(one);
  await seeing(two);
  expect(ada.session.peers.size).toBe(1);
  expect(await (await one.request('GET')).json()).toEqual({ viewers: 2 });
  const stranger = { headers: { authorization: `Bearer ${await streams.media.keys.token('mallory')}` } };
  expect((await one.request('GET', stranger)).status).toBe(403);
  expect((await one.request('DELETE')).status).toBe(200);
  expect((await one.request('GET')).status).toBe(404);
  await vi.waitFor(async () => expect(await sees(one)).toBe(false), WAIT);
  expect(streams.node.rooms.get('show')?.viewers.count).toBe(1);
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
  const token = await streams.media.keys.token('watcher');
  const obs = await publish(streams.endpoint('codec'), await streams.media.keys.token('obs2'), { videoCodec: 'H264' });
  onTestFinished(() => obs.close());
  await connected(obs);
  const watcher = await streams.viewer('codec', token);
  await seeing(watcher);
  const bob = await streams.person('codec', 'bob');
  await flowing(bob);
  await obs.request('DELETE');
  await isOver(watcher);
  await seeing(await streams.viewer('codec', token));
});

test('W-7 of a camera in several sizes viewers receive the largest, also where the offer says them by ssrc-group', async () => {
  const camera = new RtpCamera('camera', ownAddress);
  const studio = await publishBy(streams.endpoint('sizes'), await streams.media.keys.token('camera'), camera);
  onTestFinished(() => studio.close());
  await connected(studio);
  const { peer } = await streams.viewer('sizes', await streams.media.keys.token('watcher'));
  await vi.waitFor(async () => {
    // As a viewer that decodes asks for it.
    camera.keyframeRequests++;
    const before = [peer.bytes, camera.sentLargest] as const;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(peer.bytes - before[0]).toBeGreaterThan((camera.sentLargest - before[1]) / 2);
  }, WAIT);
});

test('W-8 a viewer ends with its token, by revocation and by the end of the room', async () => {
  const host = await streams.encoder('doors').then(() => streams.person('doors', 'host', { kick: true }));
  await flowing(host);
  const revoked = await streams.viewer('doors', await streams.media.keys.token('rex'));
  const late = await streams.viewer(
    'doors',
    await streams.media.keys.token('late', {}, { exp: Math.floor(Date.now() / 1000) + 10 }),
  );
  const stays = await streams.viewer('doors', await streams.media.keys.token('stays'));
  for (const one of [revoked, stays]) await seeing(one);
  const redis = connectRedis(streams.media.redis.url);
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
  const second = await streams.media.mediaNode('m2', 33_000);
  const studio = await streams.encoder('apart');
  await connected(studio);
  const [serves, other] = streams.node.rooms.has('apart') ? [streams.node, second] : [second, streams.node];
  const token = await streams.media.keys.token('watcher');
  const watcher = await streams.viewer('apart', token, `http://127.0.0.1:${other.httpPort}`);
  await seeing(watcher);
  expect([serves.rooms.get('apart')?.viewers.count, other.rooms.has('apart')]).toEqual([1, false]);
  const at = `http://127.0.0.1:${second.httpPort}`;
  const askOther = (session: URL, headers: Record<string, string>) =>
    fetch(new URL(session.pathname, at), { method: 'DELETE', headers }).then((response) => response.status);
  const authorization = `Bearer ${await streams.media.keys.token('apart-encoder')}`;
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
