/** What a backend lets a peer do, and where it sends it, on two nodes. Rules of docs/service-contracts.md. */
import { API_SCOPES } from '@tandem/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignalingService } from '../../app.ts';
import { MemoryHub } from '../../backplane/memory.ts';
import { systemClock } from '../../core/clock.ts';
import { connectClient, startTestKeys, startTestNode, type TestClient, type TestKeys } from '../../testing.ts';

let keys: TestKeys;
let near: SignalingService;
let far: SignalingService;
beforeAll(async () => {
  keys = await startTestKeys();
  const hub = new MemoryHub(systemClock);
  near = await startTestNode({ keys, parts: { backplane: hub.connect() } });
  far = await startTestNode({ keys, parts: { backplane: hub.connect() } });
});
afterAll(async () => {
  await near[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

const backendToken = (rooms = ['*'], scopes: readonly string[] = API_SCOPES) =>
  keys.token('key1', undefined, {
    ...{ aud: 'tandem-api', session_id: 'api-key:key1', scope: scopes.join(' '), rooms },
  } as object);

/** Asks the node that holds no client. */
async function ask(method: string, path: string, body?: object, token?: string) {
  const response = await fetch(`${far.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token ?? (await backendToken())}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return [response.status, text ? JSON.parse(text) : undefined] as const;
}
/** A client of one login, so that it can come again as the same. */
const client = async (userId: string, grants: object = {}, at = near) =>
  connectClient(at, await keys.token(userId, grants, { session_id: `login-${userId}` }));
const pathOf = (room: string, { welcome }: { readonly welcome: { readonly peerId?: unknown } }) =>
  `/v1/rooms/${room}/peers/${welcome.peerId}`;
const refusals = (one: TestClient) => one.heard.filter((m) => m.type === 'error').map((m) => m.code);

test('A-12 a peer becomes a moderator and stops being one, on whatever node, also when it comes again', async () => {
  using ada = await client('ada');
  using eve = await client('eve', {}, far);
  await ada.join('grants-1', { color: 'red' });
  await eve.join('grants-1');
  ada.send({ type: 'kick', peerId: eve.welcome.peerId });
  expect(await ada.next('error')).toMatchObject({ code: 'forbidden' });
  expect(await ask('PATCH', pathOf('grants-1', ada), { grants: { kick: true } })).toEqual([204, undefined]);
  expect(await ada.next('grants')).toEqual({ type: 'grants', publish: true, data: true, kick: true, invite: false });
  const updated = await eve.next('peer_updated');
  expect(updated).toMatchObject({ peerId: ada.welcome.peerId, metadata: { color: 'red', moderator: true } });
  ada.send({ type: 'set-entry', entry: 'locked', ref: 1 });
  expect(await ada.next('done')).toMatchObject({ ref: 1 });
  // The lock does not bind it, nor does it lose that with its socket, by a resume on the other node, or by leaving.
  ada.ws.terminate();
  await eve.next('peer_away');
  using back = await client('ada', {}, far);
  back.send({ type: 'resume', sessionToken: ada.welcome.sessionToken });
  expect(await back.next('grants')).toMatchObject({ kick: true });
  back.send({ type: 'leave' });
  await back.next('left');
  back.send({ type: 'set-entry', entry: 'open', ref: 2 });
  expect(await back.next('error')).toMatchObject({ code: 'forbidden' });
  await back.join('grants-1');
  expect(await back.next('grants')).toMatchObject({ kick: true });
  const again = pathOf('grants-1', { welcome: { peerId: await peerIdOf('grants-1', 'ada') } });
  expect((await ask('PATCH', again, { grants: { kick: null } }))[0]).toBe(204);
  expect(await back.next('grants')).toMatchObject({ kick: false });
  back.send({ type: 'set-entry', entry: 'open', ref: 3 });
  expect(await back.next('error')).toMatchObject({ code: 'forbidden', ref: 3 });
  back.send({ type: 'leave' });
  await back.next('left');
  back.send({ type: 'join', roomId: 'grants-1' });
  expect(await back.next('error')).toMatchObject({ code: 'room_locked' });
});

async function peerIdOf(room: string, userId: string): Promise<string> {
  const [, { peers }] = await ask('GET', `/v1/rooms/${room}/peers`);
  return peers.find((peer: { userId: string }) => peer.userId === userId).peerId;
}

test('A-12 a moderator by its token stops being one in that room; a peer becomes audience, and writes no more', async () => {
  using ada = await client('ann', { kick: true });
  using eve = await client('evi', {}, far);
  await ada.join('grants-2');
  await eve.join('grants-2');
  const change = { publish: false, data: false, kick: false };
  expect((await ask('PATCH', pathOf('grants-2', ada), { grants: change }))[0]).toBe(204);
  expect(await ada.next('grants')).toEqual({ type: 'grants', ...change, invite: false });
  const to = { peerId: eve.welcome.peerId };
  ada.send({ type: 'offer', ...to, sdp: 'v=0', id: 1 });
  ada.send({ type: 'message', ...to, data: 1, id: 2 });
  ada.send({ type: 'kick', ...to });
  await ada.settle();
  expect(refusals(ada)).toEqual(['forbidden', 'forbidden', 'forbidden']);
  const seen = await eve.next('room', (m) => JSON.stringify(m).includes('"audience":true'));
  expect(seen.peers).toMatchObject([{ peerId: ada.welcome.peerId, audience: true }]);
  expect((await ask('PATCH', pathOf('grants-2', ada), { grants: { data: true } }))[0]).toBe(204);
  expect(await ada.next('grants')).toEqual({ type: 'grants', publish: false, data: true, kick: false, invite: false });
  ada.send({ type: 'message', ...to, data: 'heard', id: 3 });
  expect(await eve.next('message')).toMatchObject({ data: 'heard' });
  // Another room of the same login is as its token says.
  ada.send({ type: 'leave' });
  await ada.next('left');
  await ada.join('grants-3');
  ada.send({ type: 'set-entry', entry: 'ask', ref: 1 });
  expect(await ada.next('done')).toMatchObject({ ref: 1 });
  expect((await ask('PATCH', pathOf('grants-2', ada), { grants: { data: true } }))[0]).toBe(404);
});

test('A-13 a peer is sent to another room, past its lock, with a token for it', async () => {
  using ada = await client('amy', { rooms: ['move-1'] });
  using eve = await client('eva', {}, far);
  await ada.join('move-1');
  await eve.join('move-1');
  await ask('POST', '/v1/rooms', { roomId: 'move-2', locked: true });
  const token = await keys.token('amy', { rooms: ['move-2'] }, { session_id: 'login-of-move-2' });
  const move = { roomId: 'move-2', token };
  expect((await ask('POST', `${pathOf('move-1', ada)}/move`, move))[0]).toBe(204);
  expect(await ada.next('server_message')).toEqual({ type: 'server_message', topic: 'move', data: move });
  expect(await ada.next('kicked')).toMatchObject({ reason: 'moved' });
  expect(await ada.whenClosed()).toBe(4003);
  expect(await eve.next('peer_left')).toMatchObject({ peerId: ada.welcome.peerId, reason: 'moved' });
  using stranger = await client('stranger');
  stranger.send({ type: 'join', roomId: 'move-2' });
  expect(await stranger.next('error')).toMatchObject({ code: 'room_locked' });
  using moved = await connectClient(near, token);
  await moved.join('move-2');
  // Nobody is kept out of where it was.
  using back = await client('amy', { rooms: ['move-1'] });
  await back.join('move-1');
});

test('A-13 a move that could not come to its end leaves the peer where it is, and names the field', async () => {
  using ada = await client('aya');
  await ada.join('stay-1');
  using other = await client('other');
  await other.join('stay-2');
  await ask('PATCH', '/v1/rooms/stay-2', { maxPeers: 1 });
  await ask('POST', '/v1/rooms', { roomId: 'stay-3', expiresAt: '2020-01-01T00:00:00Z' });
  const path = `${pathOf('stay-1', ada)}/move`;
  const outcome = async (body: object, token?: string) => {
    const [status, problem] = await ask('POST', path, body, token);
    return [status, problem?.code, problem?.field];
  };
  expect(await outcome({ roomId: 'stay-2' })).toEqual([409, 'room_full', '/roomId']);
  expect(await outcome({ roomId: 'stay-3' })).toEqual([409, 'room_over', '/roomId']);
  expect(await outcome({ roomId: 'stay-1' })).toEqual([400, 'invalid_field', '/roomId']);
  expect(await outcome({ roomId: 'a/b' })).toEqual([400, 'invalid_field', '/roomId']);
  expect(await outcome({ roomId: 'stay-4' }, await backendToken(['stay-1']))).toEqual([403, 'room_refused', '/roomId']);
  const ofOther = await keys.token('other', { rooms: ['stay-4'] });
  const ofRoom = await keys.token('aya', { rooms: ['stay-5'] });
  const ofGuest = await keys.token('aya', { rooms: ['stay-4'] }, { guest: true });
  for (const token of ['x.y.z', ofOther, ofRoom, ofGuest, await backendToken()])
    expect(await outcome({ roomId: 'stay-4', token })).toEqual([400, 'invalid_field', '/token']);
  // Nobody is moved with a token that is void: until the node has heard of it, its room is over.
  const revoked = await keys.token('aya', { rooms: ['stay-3'] }, { session_id: 'revoked-login' });
  expect((await outcome({ roomId: 'stay-3', token: revoked }))[1]).toBe('room_over');
  keys.revoke('session', 'revoked-login');
  await expect.poll(async () => (await outcome({ roomId: 'stay-3', token: revoked }))[2]).toBe('/token');
  const wrong = await ask('PATCH', pathOf('stay-1', ada), { grants: { record: true } });
  expect([wrong[0], wrong[1].field]).toEqual([400, '/grants/record']);
  const reader = await backendToken(['*'], ['peers:read']);
  expect((await ask('PATCH', pathOf('stay-1', ada), { grants: { kick: true } }, reader))[1].code).toBe('scope_missing');
  await ada.settle();
  expect(ada.heard.map(({ type }) => type)).toEqual(['welcome', 'joined', 'pong']);
  ada.ws.terminate();
  await expect.poll(async () => (await outcome({ roomId: 'stay-4' }))[1], { timeout: 10_000 }).toBe('peer_away');
});

test('A-5 since when a peer is in its room stays, whatever it says, and whatever node it resumes on', async () => {
  using ada = await client('since');
  const before = Date.now();
  await ada.join('since-1');
  const after = Date.now();
  const joinedAt = async () => {
    const [, list] = await ask('GET', '/v1/rooms/since-1/peers');
    const [, one] = await ask('GET', pathOf('since-1', ada));
    expect(list.peers).toEqual([one]);
    return one.joinedAt;
  };
  const first = await joinedAt();
  expect(first).toBe(new Date(first).toISOString());
  expect(Date.parse(first)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(first)).toBeLessThanOrEqual(after);
  ada.send({ type: 'update', metadata: { color: 'red', joinedAt: 1 } });
  await ada.settle();
  expect(await joinedAt()).toBe(first);
  using again = await client('since', {}, far);
  again.send({ type: 'resume', sessionToken: ada.welcome.sessionToken });
  await again.next('resumed');
  again.send({ type: 'update', metadata: { color: 'blue' } });
  await again.settle();
  expect(await joinedAt()).toBe(first);
  again.send({ type: 'leave' });
  await again.settle();
  again.send({ type: 'join', roomId: 'since-1' });
  await again.next('joined');
  expect(Date.parse(await joinedAt())).toBeGreaterThan(Date.parse(first));
});

test('A-6 a room with the longest id is created, read and ended; a path that is none is a problem', async () => {
  for (const roomId of ['r'.repeat(128), 'ü'.repeat(64)]) {
    expect((await ask('POST', '/v1/rooms', { roomId }))[0]).toBe(201);
    const path = `/v1/rooms/${encodeURIComponent(roomId)}`;
    expect(await ask('GET', path)).toMatchObject([200, { roomId }]);
    expect(await ask('GET', `${path}/peers`)).toEqual([200, { peers: [] }]);
    expect((await ask('DELETE', path))[0]).toBe(204);
  }
  expect(await ask('GET', '/v1/rooms/%ff')).toMatchObject([
    400,
    { code: 'bad_url', title: 'The request is malformed' },
  ]);
});
