/** What a media node's agent is in a room, over real sockets. Titles name the rules of docs/service-contracts.md. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { SignalingService } from '../app.ts';
import { connectClient, startTestKeys, startTestNode, type TestKeys } from '../testing.ts';

let keys: TestKeys;
let node: SignalingService;
beforeAll(async () => {
  keys = await startTestKeys();
  node = await startTestNode({ keys, config: { MAX_ROOM_SIZE: 2, MAX_AUDIENCE: 2 } });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});
const client = async (userId: string, grants?: object) => connectClient(node, await keys.token(userId, grants));

test('S-120 a media node is `media` of the room, no peer, and its coming and going is a snapshot', async () => {
  using ada = await client('ada');
  await ada.join('state');
  using agent = await client('media-1', { media: true });
  const joined = await agent.join('state', { media: 7 });
  expect(joined.peers.map((p: { userId: string }) => p.userId)).toEqual(['ada']);
  const media = { peerId: agent.welcome.peerId, epoch: 7 };
  expect((await ada.next('room')).media).toEqual(media);
  using bob = await client('bob');
  const seen = await bob.join('state');
  expect(seen.media).toEqual(media);
  expect(seen.peers.map((p: { userId: string }) => p.userId)).toEqual(['ada']);
  // Of two the later epoch counts: the room has moved.
  using next = await client('media-2', { media: true });
  await next.join('state', { media: 8 });
  expect((await bob.next('room')).media).toEqual({ peerId: next.welcome.peerId, epoch: 8 });
  next.send({ type: 'leave' });
  expect((await bob.next('room')).media).toEqual(media);
  agent.send({ type: 'leave' });
  expect((await bob.next('room')).media).toBeUndefined();
  await bob.settle();
  expect(bob.heard.some((m) => m.type.startsWith('peer_') && m.peerId?.startsWith('media~'))).toBe(false);
  // Nobody becomes one by saying so.
  using eve = await client('eve');
  eve.send({ type: 'join', roomId: 'claim', metadata: { media: 9 } });
  await eve.next('joined');
  using mallory = await client('mallory');
  expect((await mallory.join('claim')).media).toBeUndefined();
});

test('S-126 since when the media node records is part of `media`: for who is in, for who comes, and until it says otherwise', async () => {
  using ada = await client('ada');
  await ada.join('recorded', { media: 1, recording: 5 });
  using agent = await client('media-1', { media: true });
  await agent.join('recorded', { media: 7 });
  expect((await ada.next('room')).media.recording).toBeUndefined();
  agent.send({ type: 'update', metadata: { media: 7, recording: 1234 } });
  expect((await ada.next('room')).media).toEqual({ peerId: agent.welcome.peerId, epoch: 7, recording: 1234 });
  using bob = await client('bob');
  expect((await bob.join('recorded')).media.recording).toBe(1234);
  agent.send({ type: 'update', metadata: { media: 7, recording: 'now' } });
  expect((await bob.next('room')).media).toEqual({ peerId: agent.welcome.peerId, epoch: 7 });
});

test('S-121 a media node takes no place in a room, and enters a full one', async () => {
  using agent = await client('media-1', { media: true });
  using ada = await client('ada');
  using bob = await client('bob');
  using eve = await client('eve');
  await ada.join('full');
  await agent.join('full', { media: 1 });
  await bob.join('full');
  eve.send({ type: 'join', roomId: 'full' });
  expect((await eve.next('error')).code).toBe('room_full');
  using other = await client('media-2', { media: true });
  await other.join('full', { media: 2 });
});

test('S-122 `media-want` and `media-state` are relayed as they are, and whoever may not publish may answer a media node', async () => {
  using agent = await client('media-1', { media: true });
  using ada = await client('ada', { publish: false });
  await agent.join('relay', { media: 1 });
  await ada.join('relay');
  const to = agent.welcome.peerId;
  ada.send({ type: 'media-want', peerId: to, id: 1, want: { gen: 1, layers: [] } });
  expect(await agent.next('media-want')).toMatchObject({ peerId: ada.welcome.peerId, want: { gen: 1 } });
  agent.send({ type: 'media-state', peerId: ada.welcome.peerId, state: { mode: 'serving' } });
  expect(await ada.next('media-state')).toMatchObject({ peerId: to, state: { mode: 'serving' } });
  ada.send({ type: 'answer', peerId: to, sdp: { type: 'answer', sdp: '', leg: 'down', gen: 1 } });
  expect((await agent.next('answer')).sdp.leg).toBe('down');
  ada.send({ type: 'offer', peerId: to, sdp: { type: 'offer', sdp: '', leg: 'up', gen: 1 } });
  expect((await ada.next('error')).code).toBe('forbidden');
});

test('S-124 who may not publish is the room’s audience, whatever it says, and so is who joins as that: its peers know', async () => {
  using ada = await client('ada');
  using zoe = await client('zoe', { publish: false });
  using eve = await client('eve');
  await ada.join('stage');
  await zoe.join('stage', { audience: false });
  expect(await ada.next('peer_joined')).toMatchObject({ peerId: zoe.welcome.peerId, audience: true });
  ada.send({ type: 'leave' });
  const seen = await eve.join('stage', { audience: true });
  expect(seen.peers).toEqual([expect.objectContaining({ peerId: zoe.welcome.peerId, audience: true })]);
  // It may send, and sends nothing before it joins again (S-51).
  expect(await zoe.next('peer_joined', (m) => m.peerId === eve.welcome.peerId)).toMatchObject({ audience: true });
});

test('S-124 an audience enters a full room, up to a number of its own', async () => {
  const enter = async (name: string, publish: boolean) => {
    const one = await client(name, { publish });
    onTestFinished(() => one[Symbol.dispose]());
    one.send({ type: 'join', roomId: 'hall' });
    await one.settle();
    return one.heard.some((m) => m.type === 'joined') ? 'in' : (await one.next('error')).code;
  };
  expect([await enter('ada', true), await enter('bob', true), await enter('eve', true)]).toEqual([
    'in',
    'in',
    'room_full',
  ]);
  expect([await enter('z1', false), await enter('z2', false), await enter('z3', false)]).toEqual([
    'in',
    'in',
    'room_full',
  ]);
  expect(await enter('fay', true)).toBe('room_full');
});

test('S-127 a media node alone hears of who is away until when the token is good', async () => {
  using agent = await client('media-1', { media: true });
  await agent.join('ends', { media: 1 });
  expect(await agent.next('server_message')).toMatchObject({ topic: 'token-ends', data: {} });
  using ada = await client('ada');
  await ada.join('ends');
  const exp = Math.floor(Date.now() / 1000) + 2;
  using bob = await connectClient(node, await keys.token('bob', {}, { exp }));
  await bob.join('ends');
  const ends = { topic: 'token-ends', data: { [`${bob.welcome.peerId}`]: exp * 1000 } };
  expect(await bob.whenClosed()).toBe(4002);
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
  expect(await agent.next('server_message')).toMatchObject(ends);
  // One who comes later, or again, hears it behind the list.
  using next = await client('media-2', { media: true });
  await next.join('ends', { media: 2 });
  expect(await next.next('server_message')).toMatchObject(ends);
  next.ws.terminate();
  using again = await client('media-2', { media: true });
  again.send({ type: 'resume', sessionToken: next.welcome.sessionToken });
  await again.next('resumed');
  expect(await again.next('server_message')).toMatchObject(ends);
  await ada.settle();
  expect(ada.heard.filter(({ type }) => type === 'server_message')).toEqual([]);
});
