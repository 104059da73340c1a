/** What a backend says of a peer to its room, on two nodes. Rule A-14 of docs/service-contracts.md. */
import { isDeepStrictEqual } from 'node:util';
import { API_SCOPES } from '@tandem/protocol';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { SignalingService } from '../../app.ts';
import { MemoryHub } from '../../backplane/memory.ts';
import { systemClock } from '../../core/clock.ts';
import { connectClient, startTestKeys, startTestNode, type TestKeys } from '../../testing.ts';

let keys: TestKeys;
let near: SignalingService;
let far: SignalingService;
/** What the near node writes of its members waits for it. */
let nearMayWrite = Promise.resolve();
beforeAll(async () => {
  keys = await startTestKeys();
  const hub = new MemoryHub(systemClock);
  const backplane = hub.connect();
  const put = backplane.putMember.bind(backplane);
  backplane.putMember = async (room, member) => {
    await nearMayWrite;
    return put(room, member);
  };
  near = await startTestNode({ keys, parts: { backplane } });
  far = await startTestNode({ keys, parts: { backplane: hub.connect() } });
});
afterAll(async () => {
  await near[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
  await keys[Symbol.asyncDispose]();
});

const client = async (userId: string, grants: object = {}, at = near) =>
  connectClient(at, await keys.token(userId, grants, { session_id: `login-${userId}` }));

/** Asks the node that holds no client. */
async function ask(method: string, path: string, body?: object, more: Record<string, string> = {}) {
  const claims = { aud: 'tandem-api', session_id: 'api-key:key1', scope: API_SCOPES.join(' '), rooms: ['*'] };
  const response = await fetch(`${far.url}/v1/rooms/${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await keys.token('key1', undefined, claims as object)}`,
      ...(body ? { 'content-type': 'application/merge-patch+json' } : {}),
      ...more,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  return {
    status: response.status,
    etag: response.headers.get('etag') ?? '',
    body: text ? JSON.parse(text) : undefined,
  };
}
const pathOf = (room: string, { welcome }: { readonly welcome: { readonly peerId?: unknown } }) =>
  `${room}/peers/${welcome.peerId}`;

test('A-14 what a backend says of a peer counts before what its client says, survives resumes, and can be taken away', async () => {
  using ada = await client('ada');
  using eve = await client('eve', {}, far);
  await ada.join('said-1', { color: 'red', role: 'boss' });
  await eve.join('said-1');
  const path = pathOf('said-1', ada);
  const seen = (metadata: object) =>
    eve.next('peer_updated', (m) => isDeepStrictEqual([m.peerId, m.metadata], [ada.welcome.peerId, metadata]));
  expect((await ask('PATCH', path, { metadata: { role: 'guide', table: 4 } })).status).toBe(204);
  expect(await ada.next('grants')).toMatchObject({ publish: true, metadata: { role: 'guide', table: 4 } });
  const fromBackend = ['role', 'table'];
  await seen({ color: 'red', role: 'guide', table: 4, fromBackend });
  ada.send({ type: 'update', metadata: { color: 'blue', role: 'boss', table: 1, fromBackend: ['color'] } });
  await seen({ color: 'blue', role: 'guide', table: 4, fromBackend });

  // By a resume on the other node.
  ada.ws.terminate();
  await eve.next('peer_away');
  using back = await client('ada', {}, far);
  back.send({ type: 'resume', sessionToken: ada.welcome.sessionToken });
  expect(await back.next('grants')).toMatchObject({ metadata: { role: 'guide', table: 4 } });
  // What is taken away while it is away is not what its client said.
  expect((await ask('PATCH', path, { metadata: { table: null } })).status).toBe(204);
  await seen({ color: 'blue', role: 'guide', fromBackend: ['role'] });
  expect((await ask('GET', path)).body).toMatchObject({ metadata: { color: 'blue', role: 'guide' } });
  expect((await ask('PATCH', path, { metadata: null })).status).toBe(204);
  await seen({ color: 'blue' });
  // What a client says looks like it, and is not named as the backend's.
  back.send({ type: 'update', metadata: { role: 'boss', fromBackend: ['role'] } });
  await seen({ role: 'boss' });
});

test('A-14 a backend reads what it has just said, before the node of the peer has shown it', async () => {
  using ada = await client('una');
  await ada.join('said-0', { role: 'boss' });
  const path = pathOf('said-0', ada);
  const { promise, resolve } = Promise.withResolvers<void>();
  nearMayWrite = promise;
  onTestFinished(() => resolve());
  expect((await ask('PATCH', path, { metadata: { table: 4 } })).status).toBe(204);
  expect((await ask('GET', path)).body.metadata).toEqual({ role: 'boss', table: 4, fromBackend: ['table'] });
  resolve();
  await ask('PATCH', path, { metadata: null });
  expect((await ask('GET', path)).body.metadata).toEqual({ role: 'boss' });
});

test('A-14 it holds for the login in this room, also where its client says nothing of itself', async () => {
  using ada = await client('amy');
  await ada.join('said-2');
  await ask('PATCH', pathOf('said-2', ada), { metadata: { role: 'guide' }, grants: { publish: false } });
  expect(await ada.next('grants')).toMatchObject({ publish: false, metadata: { role: 'guide' } });
  using eve = await client('eva', {}, far);
  await eve.join('said-2');
  const shown = eve.heard.find(({ type }) => type === 'joined');
  expect(shown?.peers).toMatchObject([{ peerId: ada.welcome.peerId, audience: true, metadata: { role: 'guide' } }]);
  ada.send({ type: 'leave' });
  await ada.next('left');
  await ada.join('said-3');
  expect((await ask('GET', pathOf('said-3', ada))).body.metadata?.role).toBeUndefined();
  ada.send({ type: 'leave' });
  await ada.next('left');
  await ada.join('said-2');
  expect((await ask('GET', 'said-2/peers')).body.peers).toContainEqual(
    expect.objectContaining({
      userId: 'amy',
      metadata: { role: 'guide', fromBackend: ['role'] },
      grants: { publish: false },
    }),
  );
});

test('A-14 If-Match, and what cannot be said, with the field', async () => {
  using ada = await client('aya');
  await ada.join('said-4', { color: 'red' });
  const path = pathOf('said-4', ada);
  const { etag } = await ask('GET', path);
  expect(etag).toMatch(/^"\S+"$/);
  ada.send({ type: 'update', metadata: { color: 'green' } });
  await ada.settle();
  expect((await ask('GET', path)).etag, 'what its client says leaves it').toBe(etag);
  expect((await ask('PATCH', path, { metadata: { table: 1 } }, { 'if-match': etag })).status).toBe(204);
  const stale = await ask('PATCH', path, { metadata: { table: 2 } }, { 'if-match': etag });
  expect([stale.status, stale.body.code]).toEqual([412, 'etag_mismatch']);
  const staleGrants = await ask('PATCH', path, { grants: { data: false } }, { 'if-match': etag });
  expect(staleGrants.status).toBe(412);
  const fields: [object, string][] = [
    [{ metadata: { name: 'Eve' } }, '/metadata/name'],
    [{ metadata: { moderator: true } }, '/metadata/moderator'],
    [{ metadata: { audience: null } }, '/metadata/audience'],
    [{ metadata: { fromBackend: [] } }, '/metadata/fromBackend'],
    [{ metadata: { x: 'y'.repeat(520) } }, '/metadata'],
    [{ metadata: { more: 'ü'.repeat(255) } }, '/metadata'],
    [{ metadata: [1] }, '/metadata'],
    [{}, '/'],
  ];
  for (const [body, field] of fields) {
    const answer = await ask('PATCH', path, body);
    expect([answer.status, answer.body?.field ?? ''], JSON.stringify(body)).toEqual([400, field]);
  }
  // Changes at the same time are all kept.
  const names = ['a', 'b', 'c', 'd'];
  const all = await Promise.all(names.map((name) => ask('PATCH', path, { metadata: { [name]: 1 } })));
  expect(all.map(({ status }) => status)).toEqual([204, 204, 204, 204]);
  const { metadata } = (await ask('GET', path)).body;
  expect(metadata).toMatchObject({ table: 1, a: 1, b: 1, c: 1, d: 1 });
  expect((await ask('PATCH', path.replace('said-4', 'said-5'), { metadata: { a: 1 } })).body.code).toBe('peer_unknown');
});
