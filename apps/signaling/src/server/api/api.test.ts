/** The server API over HTTP, with people in the rooms. Rules A-… of docs/service-contracts.md. */
import type { ApiScope } from '@tandem/protocol';
import { API_SCOPES } from '@tandem/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignalingService } from '../../app.ts';
import { MemoryHub } from '../../backplane/memory.ts';
import { systemClock } from '../../core/clock.ts';
import { connectClient, startTestKeys, startTestNode, TestClient, type TestKeys } from '../../testing.ts';

let keys: TestKeys;
let node: SignalingService;
beforeAll(async () => {
  keys = await startTestKeys();
  node = await startTestNode({ keys, config: { API_REQUESTS_PER_SECOND: 10_000 } });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

const backendToken = (scopes: readonly ApiScope[] = API_SCOPES, rooms = ['*'], sub = 'key1') =>
  keys.token(sub, undefined, {
    ...{ aud: 'tandem-api', session_id: `api-key:${sub}`, scope: scopes.join(' '), rooms },
  } as object);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  readonly body: any;
}
async function ask(
  method: string,
  path: string,
  {
    body,
    headers = {},
    token,
    at = node,
  }: { body?: unknown; headers?: object; token?: string; at?: SignalingService } = {},
): Promise<Answer> {
  const response = await fetch(`${at.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token ?? (await backendToken())}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
}
const create = (body: object, more: object = {}) => ask('POST', '/v1/rooms', { body, ...more });
const client = async (userId: string, grants?: object) => connectClient(node, await keys.token(userId, grants));

test('A-1 a room is created, read, changed and ended; its settings bind who comes in', async () => {
  const settings = { roomId: 'visit', maxPeers: 1, metadata: { visit: 42 }, tags: ['clinic'] };
  const created = await create(settings);
  expect([created.status, created.headers.get('location')]).toEqual([201, '/v1/rooms/visit']);
  expect(created.body).toMatchObject({ ...settings, numPeers: 0, locked: false });
  using ada = await client('ada');
  await ada.join('visit');
  using eve = await client('eve');
  eve.send({ type: 'join', roomId: 'visit' });
  expect(await eve.next('error')).toMatchObject({ code: 'room_full' });
  expect((await ask('PATCH', '/v1/rooms/visit', { body: { maxPeers: null, locked: true } })).status).toBe(200);
  eve.send({ type: 'join', roomId: 'visit' });
  expect(await eve.next('error')).toMatchObject({ code: 'room_locked' });
  const seen = (await ask('GET', '/v1/rooms/visit')).body;
  expect(seen).toMatchObject({
    numPeers: 1,
    locked: true,
    metadata: { visit: 42 },
    sid: expect.stringMatching(/^\d+$/),
  });
  expect(seen.maxPeers).toBeUndefined();
  expect(Math.abs(Date.parse(seen.startedAt) - Date.now())).toBeLessThan(60_000);
  expect(seen.createdBy ?? seen.request).toBeUndefined();
  expect((await ask('DELETE', '/v1/rooms/visit')).status).toBe(204);
  expect(await ada.whenClosed()).toBe(4009);
  const gone = await ask('GET', '/v1/rooms/visit');
  expect([gone.status, gone.body.code, gone.headers.get('content-type')]).toEqual([
    ...[404, 'room_unknown', 'application/problem+json'],
  ]);
});

test('A-2 a request with an Idempotency-Key is carried out once, and another body with it is refused', async () => {
  const headers = { 'idempotency-key': 'order-1' };
  const first = await create({ metadata: { a: 1 } }, { headers });
  const again = await create({ metadata: { a: 1 } }, { headers });
  expect([first.status, again.status, again.body.roomId]).toEqual([201, 200, first.body.roomId]);
  // A retry may be of another process, whose maps have another order.
  const sent = { metadata: { a: { x: [1, { p: 1, q: 2 }], y: 2 }, b: 1 }, tags: ['t', 'u'] };
  const same = { tags: ['t', 'u'], metadata: { b: 1, a: { y: 2, x: [1, { q: 2, p: 1 }] } } };
  const keyed = { headers: { 'idempotency-key': 'order-2' } };
  expect([(await create(sent, keyed)).status, (await create(same, keyed)).status]).toEqual([201, 200]);
  expect((await create({ ...same, tags: ['u', 't'] }, keyed)).status, 'the order of a list says something').toBe(422);
  const other = await create({ metadata: { a: 2 } }, { headers });
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  const stranger = await create(
    { metadata: { a: 1 } },
    { headers, token: await backendToken(API_SCOPES, ['*'], 'key2') },
  );
  expect(stranger.body.roomId).not.toBe(first.body.roomId);
  const named = { roomId: 'named' };
  expect((await create(named, { headers: { 'idempotency-key': 'n' } })).status).toBe(201);
  expect((await create(named, { headers: { 'idempotency-key': 'n' } })).status).toBe(200);
  for (const more of [{}, { headers: { 'idempotency-key': 'm' } }]) {
    const taken = await create(named, more);
    expect([taken.status, taken.body.code, taken.body.field]).toEqual([409, 'room_exists', '/roomId']);
  }
});

test('A-3 If-Match changes only what was read, and of writers at the same time none is lost', async () => {
  const { headers } = await create({ roomId: 'etag', metadata: { a: 1 } });
  const etag = headers.get('etag') ?? '';
  const patch = (body: object, match?: string) =>
    ask('PATCH', '/v1/rooms/etag', { body, headers: match === undefined ? {} : { 'if-match': match } });
  const changed = await patch({ metadata: { b: 2, a: null } }, etag);
  expect([changed.status, changed.body.metadata]).toEqual([200, { b: 2 }]);
  expect(changed.headers.get('etag')).not.toBe(etag);
  for (const stale of [etag, `W/${changed.headers.get('etag')}`, '"x"']) {
    const refused = await patch({ locked: true }, stale);
    expect([refused.status, refused.body.code, refused.body.field]).toEqual([412, 'etag_mismatch', 'if-match']);
  }
  using ada = await client('ada');
  await ada.join('etag');
  // People come and go: the settings are as they were.
  expect((await ask('GET', '/v1/rooms/etag')).headers.get('etag')).toBe(changed.headers.get('etag'));
  const all = await Promise.all(['c', 'd', 'e'].map((name) => patch({ metadata: { [name]: 1 } })));
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await ask('GET', '/v1/rooms/etag')).body.metadata).toEqual({ b: 2, c: 1, d: 1, e: 1 });
});

test('A-4 lists come by pages with a cursor, within prefix, tag and the rooms of the key', async () => {
  const names = Array.from({ length: 25 }, (_, i) => `page-${i}`);
  for (const [i, roomId] of names.entries()) await create({ roomId, tags: [i % 5 ? 'other' : 'fifth'] });
  await create({ roomId: 'pages.else' });
  const all = async (query: string, rooms?: string[]) => {
    const found: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 100; pages++) {
      const token = await backendToken(['rooms:read'], rooms);
      const { status, body } = await ask('GET', `/v1/rooms?${query}${cursor && `&cursor=${cursor}`}`, { token });
      expect(status).toBe(200);
      found.push(...body.rooms.map(({ roomId }: { roomId: string }) => roomId));
      if (body.nextCursor === undefined) return found.sort();
      cursor = body.nextCursor;
    }
    throw new Error('no last page');
  };
  for (const limit of [1, 7, 100]) expect(await all(`prefix=page-&limit=${limit}`)).toEqual([...names].sort());
  expect(await all('prefix=page-&tag=fifth&limit=2')).toEqual(['page-0', 'page-10', 'page-15', 'page-20', 'page-5']);
  expect(await all('', ['page-1*', 'page-12', 'page-3', 'nowhere', 'pages.*'])).toEqual(
    [...names.filter((name) => name.startsWith('page-1') || name === 'page-3'), 'pages.else'].sort(),
  );
  expect(await all('prefix=page-2', ['page-*'])).toEqual([
    'page-2',
    'page-20',
    'page-21',
    'page-22',
    'page-23',
    'page-24',
  ]);
  expect(await all('prefix=other', ['page-*'])).toEqual([]);
});

test('A-5 peers are listed, removed with a ban, and told something', async () => {
  using ada = await client('ada');
  await ada.join('people', { color: 'red' });
  using eve = await client('eve');
  await eve.join('people');
  using agent = await client('media-1', { media: true });
  await agent.join('people', { media: 1 });
  const { body } = await ask('GET', '/v1/rooms/people/peers');
  expect(body.peers.map((p: { userId: string }) => p.userId).sort()).toEqual(['ada', 'eve']);
  const peer = `/v1/rooms/people/peers/${ada.welcome.peerId}`;
  expect((await ask('GET', peer)).body).toEqual({
    ...{
      peerId: ada.welcome.peerId,
      userId: 'ada',
      guest: false,
      away: false,
      joinedAt: expect.any(String),
      metadata: { color: 'red' },
    },
  });
  const tell = (message: object) => ask('POST', '/v1/rooms/people/messages', { body: message });
  expect((await tell({ topic: 'note', data: { n: 1 } })).body).toEqual({ recipients: 2 });
  expect(await ada.next('server_message')).toEqual({ type: 'server_message', topic: 'note', data: { n: 1 } });
  expect(await eve.next('server_message')).toMatchObject({ data: { n: 1 } });
  expect((await tell({ topic: 'note', data: 2, userIds: ['eve'] })).body).toEqual({ recipients: 1 });
  expect(await eve.next('server_message')).toMatchObject({ data: 2 });
  for (const kind of ['audio', 'video']) {
    expect((await ask('POST', `${peer}/mute`, { body: { kind } })).status).toBe(204);
    expect(await ada.next('mute_requested')).toEqual({ type: 'mute_requested', peerId: ada.welcome.peerId, kind });
  }
  expect(eve.heard.filter((m) => m.type === 'mute_requested')).toEqual([]);
  expect((await ask('DELETE', `${peer}?ban=user&banSeconds=60&reason=rude`)).status).toBe(204);
  expect(await ada.next('kicked')).toMatchObject({ reason: 'rude' });
  expect(await ada.whenClosed()).toBe(4003);
  expect(await eve.next('peer_left')).toMatchObject({ reason: 'kicked' });
  expect(ada.heard.filter((m) => m.type === 'server_message')).toHaveLength(1);
  using again = await client('ada');
  again.send({ type: 'join', roomId: 'people' });
  expect(await again.next('error')).toMatchObject({ code: 'forbidden' });
  expect((await ask('DELETE', peer)).body).toMatchObject({ code: 'peer_unknown', field: '/peerId' });
  expect((await ask('POST', `${peer}/mute`, { body: { kind: 'audio' } })).status).toBe(404);
});

test.each<[string, string, string, object, number, string | undefined]>([
  ['an unknown field', 'POST', '/v1/rooms', { body: { room: 'x' } }, 400, '/room'],
  ['a wrong type', 'POST', '/v1/rooms', { body: { maxPeers: '2' } }, 400, '/maxPeers'],
  ['no room id', 'POST', '/v1/rooms', { body: { roomId: 'a/b' } }, 400, '/roomId'],
  ['no time', 'POST', '/v1/rooms', { body: { expiresAt: 'tomorrow' } }, 400, '/expiresAt'],
  ['a day that does not exist', 'POST', '/v1/rooms', { body: { endAt: '2027-02-30T15:00:00Z' } }, 400, '/endAt'],
  ['a time without a zone', 'POST', '/v1/rooms', { body: { endAt: '2026-12-01T15:00:00' } }, 400, '/endAt'],
  ['too much metadata', 'POST', '/v1/rooms', { body: { metadata: { a: 'x'.repeat(5000) } } }, 400, '/metadata'],
  ['a tag twice', 'POST', '/v1/rooms', { body: { tags: ['a', 'a'] } }, 400, '/tags'],
  ['no object', 'POST', '/v1/rooms', { body: [] }, 400, '/'],
  ['no JSON', 'POST', '/v1/rooms', { body: '{' }, 400, undefined],
  ['a body that is too large', 'POST', '/v1/rooms', { body: { roomId: 'x'.repeat(20_000) } }, 413, undefined],
  ['a limit of none', 'GET', '/v1/rooms?limit=0', {}, 400, '/limit'],
  ['a cursor of none', 'GET', '/v1/rooms?cursor=e30', {}, 400, '/cursor'],
  ['an unknown query', 'GET', '/v1/rooms?order=x', {}, 400, '/order'],
  ['a mute of nothing', 'POST', '/v1/rooms/x/peers/y/mute', { body: { kind: 'all' } }, 400, '/kind'],
  ['a ban of two days', 'DELETE', '/v1/rooms/x/peers/y?banSeconds=90000', {}, 400, '/banSeconds'],
  ['an unknown room', 'GET', '/v1/rooms/none/peers', {}, 404, '/roomId'],
  ['an unknown path', 'GET', '/v1/nothing', {}, 404, undefined],
  ['a message without a topic', 'POST', '/v1/rooms/x/messages', { body: { data: 1 } }, 400, '/topic'],
])('A-6 %s is a problem that names the field', async (_what, method, path, more, status, field) => {
  const answer = await ask(method, path, more);
  expect([answer.status, answer.body.field]).toEqual([status, field]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
});

test('A-6 brackets that overflow the stack of who writes them again are refused, wherever any JSON is taken', async () => {
  using ada = await client('ada');
  const { peerId } = await ada.join('deep');
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const metadata = (levels: number) => `{"metadata":{"a":${nested(levels)}}}`;
  for (const [method, path, body] of [
    ['POST', '/v1/rooms', metadata],
    ['PATCH', '/v1/rooms/deep', metadata],
    ['PATCH', `/v1/rooms/deep/peers/${peerId}`, metadata],
    ['POST', '/v1/rooms/deep/messages', (levels: number) => `{"topic":"a","data":${nested(levels)}}`],
  ] as const) {
    for (const levels of [130, 2000, 8000]) {
      const refused = await ask(method, path, { body: body(levels) });
      expect([method, path, levels, refused.status, refused.body.code]).toEqual([
        ...[method, path, levels, 400, 'too_deep'],
      ]);
    }
    expect((await ask(method, path, { body: body(120) })).status).toBeLessThan(300);
  }
});

test('A-7 a patch cannot reach what is not a setting', async () => {
  await create({ roomId: 'proto' });
  const patch = (body: string) => ask('PATCH', '/v1/rooms/proto', { body });
  for (const body of ['{"createdBy":"me"}', '{"request":{}}', '{"__proto__":{"locked":true}}', '{"roomId":"x"}'])
    expect((await patch(body)).status).toBe(400);
  expect((await patch('{"metadata":{"__proto__":{"locked":true}}}')).status).toBe(400);
  expect((await ask('GET', '/v1/rooms/proto')).body.locked).toBe(false);
});

test('A-8 a token opens what its scopes and rooms say, and nothing else', async () => {
  await create({ roomId: 'clinic-a.1' });
  const outcome = async (method: string, path: string, token: string, body?: object) => {
    const answer = await ask(method, path, { token, ...(body ? { body } : {}) });
    return [answer.status, answer.body?.code];
  };
  const reader = await backendToken(['rooms:read'], ['clinic-a.*']);
  expect((await outcome('GET', '/v1/rooms/clinic-a.1', reader))[0]).toBe(200);
  expect(await outcome('GET', '/v1/rooms/clinic-b.1', reader)).toEqual([403, 'room_refused']);
  expect(await outcome('DELETE', '/v1/rooms/clinic-a.1', reader)).toEqual([403, 'scope_missing']);
  expect(await outcome('GET', '/v1/rooms/clinic-a.1/peers', reader)).toEqual([403, 'scope_missing']);
  const writer = await backendToken(['rooms:write'], ['clinic-a.*']);
  expect(await outcome('POST', '/v1/rooms', writer, { roomId: 'clinic-b.2' })).toEqual([403, 'room_refused']);
  const own = await ask('POST', '/v1/rooms', { token: writer, body: {} });
  expect([own.status, own.body.roomId.startsWith('clinic-a.')]).toEqual([201, true]);
  const long = `${'l'.repeat(120)}*`;
  for (const rooms of [['one'], [long]])
    expect(await outcome('POST', '/v1/rooms', await backendToken(['rooms:write'], rooms), {})).toEqual([
      400,
      'invalid_field',
    ]);
  const second = await ask('POST', '/v1/rooms', {
    token: await backendToken(['rooms:write'], [long, 's.*']),
    body: {},
  });
  expect(second.body.roomId).toMatch(/^s\./);
});

test('A-9 a client’s token opens nothing here, a backend’s no socket, and a revoked key neither', async () => {
  const outcome = async (token: string) => (await ask('GET', '/v1/rooms', { token })).body.code;
  expect(await outcome(await keys.token('ada', { kick: true }))).toBe('token_refused');
  expect(await outcome('x.y.z')).toBe('token_refused');
  expect(await outcome('tk_abcdefghij_x')).toBe('token_refused');
  expect((await fetch(`${node.url}/v1/rooms`)).status).toBe(401);
  using socket = new TestClient(node.wsUrl, ['signal.v1', `bearer.${await backendToken()}`]);
  expect(await socket.whenClosed()).toBe(4001);
  const gone = await backendToken(API_SCOPES, ['*'], 'gone');
  keys.revoke('session', 'api-key:gone');
  await expect.poll(() => outcome(gone), { timeout: 10_000 }).toBe('token_revoked');
});

test('A-10 a key that asks too often is told when to come back, and others are not', async () => {
  await using slow = await startTestNode({ keys, config: { API_REQUESTS_PER_SECOND: 1 } });
  const token = await backendToken(API_SCOPES, ['*'], 'busy');
  const first = await ask('GET', '/v1/rooms', { token, at: slow });
  expect(first.headers.get('ratelimit-policy')).toBe('"api-key";q=3;w=3');
  expect(first.headers.get('ratelimit')).toMatch(/^"api-key";r=2;t=\d$/);
  let last = first;
  for (let i = 0; i < 3; i++) last = await ask('GET', '/v1/rooms', { token, at: slow });
  expect([last.status, last.body.code, last.headers.get('retry-after')]).toEqual([429, 'rate_limited', '1']);
  const other = await backendToken(API_SCOPES, ['*'], 'calm');
  expect((await ask('GET', '/v1/rooms', { token: other, at: slow })).status).toBe(200);
});

test('A-11 a node that drains refuses the API with a time to come back', async () => {
  await using own = await startTestNode({ keys });
  const drained = own.node.drain(0);
  const answer = await ask('GET', '/v1/rooms', { at: own });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
  await drained;
});

test('S-36 what a backend tells somebody who is away arrives when they are back', async () => {
  using ada = await client('ada');
  await ada.join('away');
  ada.ws.terminate();
  const peers = async () => (await ask('GET', '/v1/rooms/away/peers')).body.peers;
  await expect.poll(peers, { timeout: 10_000 }).toMatchObject([{ userId: 'ada', away: true }]);
  const told = await ask('POST', '/v1/rooms/away/messages', { body: { topic: 'note', data: 'wait' } });
  expect(told.body).toEqual({ recipients: 1 });
  using back = await client('ada');
  back.send({ type: 'resume', sessionToken: ada.welcome.sessionToken });
  expect(await back.next('server_message')).toMatchObject({ topic: 'note', data: 'wait' });
});

test('A-5 also on another node than the one that was asked', async () => {
  const hub = new MemoryHub(systemClock);
  await using n1 = await startTestNode({ keys, parts: { backplane: hub.connect() } });
  await using n2 = await startTestNode({ keys, parts: { backplane: hub.connect() } });
  using ada = await connectClient(n1, await keys.token('ada'));
  await ada.join('far');
  const message = { topic: 'note', data: 1 };
  expect((await ask('POST', '/v1/rooms/far/messages', { body: message, at: n2 })).body).toEqual({ recipients: 1 });
  expect(await ada.next('server_message')).toMatchObject(message);
  const peer = `/v1/rooms/far/peers/${ada.welcome.peerId}`;
  expect((await ask('DELETE', peer, { at: n2 })).status).toBe(204);
  expect(await ada.whenClosed()).toBe(4003);
});
