/** Settings of a node that bind the server API and the people beside it. */
import { API_SCOPES } from '@tandem/protocol';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SignalingService } from '../../app.ts';
import { connectClient, startTestKeys, startTestNode, type TestKeys } from '../../testing.ts';

let keys: TestKeys;
let token: string;
beforeAll(async () => {
  keys = await startTestKeys();
  token = await keys.token('key1', undefined, {
    ...{ aud: 'tandem-api', session_id: 'api-key:key1', scope: API_SCOPES.join(' '), rooms: ['*'] },
  } as object);
});
afterAll(() => keys[Symbol.asyncDispose]());

const create = (node: SignalingService, roomId: string) =>
  fetch(`${node.url}/v1/rooms`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ roomId }),
  });

test('A-11 a node with little room left refuses the API, and still takes people in', async () => {
  await using node = await startTestNode({ keys, config: { MAX_CONNECTIONS: 10 } });
  await using people = new AsyncDisposableStack();
  for (let i = 0; i < 9; i++) people.use(await connectClient(node, await keys.token(`user-${i}`)));
  const refused = await create(node, 'late');
  expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([503, true]);
  expect(await refused.json()).toMatchObject({ code: 'overloaded', status: 503 });
  using tenth = await connectClient(node, await keys.token('user-9'));
  expect((await tenth.join('visit')).roomId).toBe('visit');
  await people.disposeAsync();
  await expect.poll(async () => (await create(node, 'again')).status, { timeout: 10_000 }).toBe(201);
});

test('S-35 CREATE_ROOMS=api: people enter rooms that a backend created, and no other one', async () => {
  await using node = await startTestNode({ keys, config: { CREATE_ROOMS: 'api' } });
  using ada = await connectClient(node, await keys.token('ada'));
  ada.send({ type: 'join', roomId: 'visit' });
  expect(await ada.next('error')).toMatchObject({ code: 'room_unknown' });
  expect((await create(node, 'visit')).status).toBe(201);
  expect((await ada.join('visit')).roomId).toBe('visit');
});
