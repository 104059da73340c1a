/** Who publishes into a room by WHIP (RFC 9725), and until when: a media node with real signaling, Redis and Janus, and libdatachannel as encoder. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { SignalingSession } from '../packages/rtc/src/index.ts';
import { publishRevocation } from '../packages/service/src/index.ts';
import { connectRedis } from '../packages/service/src/redis.ts';
import { flows } from './support/media-peer.ts';
import { FRAGMENT, publish, SDP, type StreamClient } from './support/stream-client.ts';
import { connected, flowing, isOver, type StreamStack, startStreamStack, WAIT } from './support/stream-stack.ts';

let streams: StreamStack;

beforeAll(async () => {
  streams = await startStreamStack(32_000, { MAX_STREAMS: 12 });
});
afterAll(() => streams?.[Symbol.asyncDispose]());

test('W-1 W-4 an encoder publishes into a room of nobody, and who comes sees it; both legs end with its DELETE', async () => {
  const client = await streams.encoder('studio');
  const { headers } = client.response;
  expect(headers.get('content-type')).toBe(SDP);
  expect(headers.get('location')).toMatch(/^\/whip\/studio\/m1\.[\w-]{24}$/);
  expect(client.etag).toMatch(/^"[\w-]+"$/);
  expect(headers.get('accept-patch')).toBe(FRAGMENT);
  await connected(client);
  const ada = await streams.person('studio', 'ada');
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
  const token = await streams.media.keys.token('eve');
  const session = new SignalingSession({ url: streams.media.url, getToken: async () => token });
  onTestFinished(() => session.close());
  await session.join('meeting');
  expect(session.media).toBeUndefined();
  await connected(await streams.encoder('meeting'));
  await vi.waitFor(() => expect(session.media).toBeDefined(), WAIT);
});

test('an encoder without VP8 sends H.264', async () => {
  const client = await publish(streams.endpoint('h264'), await streams.media.keys.token('obs'), { videoCodec: 'H264' });
  onTestFinished(() => client.close());
  await connected(client);
  const ada = await streams.person('h264', 'ada');
  await vi.waitFor(() => expect(ada.receiver.packets.size).toBe(2), WAIT);
});

test('W-2 kick, room closed and revocation end a stream, and its encoder sees its connection end', async () => {
  const host = await streams.encoder('ends').then(() => streams.person('ends', 'host', { kick: true }));
  const ended = async (client: StreamClient) => {
    await isOver(client);
    // DTLS says goodbye.
    await vi.waitFor(() => expect(client.peer.state).not.toBe('connected'), WAIT);
  };
  const one = await streams.encoder('ends', await streams.media.keys.token('one'));
  await connected(one);
  const peerId = [...host.session.peers.values()].find((peer) => peer.userId === 'one')?.peerId ?? '';
  await host.session.kick(peerId);
  await ended(one);
  const two = await streams.encoder('ends', await streams.media.keys.token('two'));
  await connected(two);
  const redis = connectRedis(streams.media.redis.url);
  onTestFinished(() => void redis.disconnect());
  await publishRevocation(redis, {
    kind: 'user',
    id: 'two',
    exp: Math.floor(Date.now() / 1000) + 3600,
    at: Math.floor(Date.now() / 1000) + 1,
  });
  await ended(two);
  const three = await streams.encoder('ends', await streams.media.keys.token('three'));
  await connected(three);
  host.session.closeRoom().catch(() => undefined);
  await ended(three);
});

test('W-2 a token that runs out ends its stream', async () => {
  const exp = Math.floor(Date.now() / 1000) + 5;
  const client = await streams.encoder('late', await streams.media.keys.token('late', {}, { exp }));
  await isOver(client);
});

test('W-4 a session belongs to the bearer of its token, and to its room', async () => {
  const client = await streams.encoder('mine');
  const token = await streams.media.keys.token('mallory');
  const ask = (url: URL, authorization: string) =>
    fetch(url, { method: 'DELETE', headers: authorization ? { authorization } : {} }).then((r) => r.status);
  expect(await ask(client.session, '')).toBe(401);
  expect(await ask(client.session, `Bearer ${token}`)).toBe(403);
  expect(await ask(new URL(client.session.href.replace('/mine/', '/other/')), `Bearer ${token}`)).toBe(404);
  expect((await client.request('DELETE')).status).toBe(200);
});

test('W-14 a room that is encrypted from end to end takes no encoder and no viewer', async () => {
  const token = await streams.media.keys.token('sealing');
  const seal = async (room: string) => {
    const session = new SignalingSession({ url: streams.media.url, getToken: async () => token });
    onTestFinished(() => session.close());
    await session.join(room, { encryption: { key: 'of ada' } } as never);
    return session;
  };
  const session = await seal('sealed');
  await expect(streams.encoder('sealed')).rejects.toThrow(/^403 .*"encrypted"/);
  await vi.waitFor(() => expect(session.peers.size).toBe(0), WAIT);
  // An encoder that was there before somebody encrypted goes on, and has no new viewers.
  await connected(await streams.encoder('sealed-later'));
  await seal('sealed-later');
  await vi.waitFor(
    async () =>
      await expect(streams.viewer('sealed-later', await streams.media.keys.token('watcher'))).rejects.toThrow(
        /^403 .*"encrypted"/,
      ),
    WAIT,
  );
});

test('W-5 a full room, and a node that has its number of streams, say so', async () => {
  const token = await streams.media.keys.token('first', { maxRoomSize: 2 });
  await streams.encoder('full', token);
  await streams.encoder('full', await streams.media.keys.token('second'));
  await expect(streams.encoder('full', await streams.media.keys.token('third'))).rejects.toThrow(/^409 .*room_full/);
  const ask = async (n: number) => streams.encoder(`many-${n}`).catch((error: Error) => error.message);
  const answers = await Promise.all(Array.from({ length: 14 }, (_, n) => ask(n)));
  const refused = answers.filter((one): one is string => typeof one === 'string');
  expect(refused.length).toBeGreaterThanOrEqual(4);
  for (const one of refused) expect(one).toMatch(/^503 .*busy/);
});
