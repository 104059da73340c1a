/** Recordings in the server API, with Redis and a folder; media nodes are entries of the directory. Rules R-… of docs/service-contracts.md. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { API_SCOPES, type ApiScope } from '@tandem/protocol';
import { connectRedis, type RedisClient, readAssignment, removeMediaNode, writeMediaNode } from '@tandem/service';
import {
  awaitEnd,
  beginRecording,
  newRecordingId,
  openRecordingStore,
  prefixOf,
  type RecordingStore,
  readRunning,
} from '@tandem/service/recordings';
import { outboxKey, partitionOf, readOutboxEntry } from '@tandem/service/room-events';
import { startRedis, startS3, type TestRedis } from '@tandem/service/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { SignalingService } from '../../app.ts';
import { connectClient, startTestKeys, startTestNode, type TestKeys } from '../../testing.ts';
import { tellDue } from '../recording-ends.ts';

const HOUR_MS = 3_600_000;

let keys: TestKeys;
let redis: TestRedis;
let client: RedisClient;
let node: SignalingService;
let folder: string;
let store: RecordingStore;
beforeAll(async () => {
  folder = join(mkdtempSync(join(tmpdir(), 'recordings-')), 'kept');
  keys = await startTestKeys();
  redis = await startRedis();
  client = connectRedis(redis.url);
  const config = { REDIS_URL: redis.url, RECORDINGS: folder, MEDIA_FROM: 0, API_REQUESTS_PER_SECOND: 10_000 };
  node = await startTestNode({ keys, config });
  store = await openRecordingStore(folder);
});
beforeEach(() => writeMediaNode(client, 'm1', { zone: 'a', load: 0, state: 'serving' }));
afterAll(async () => {
  await node?.[Symbol.asyncDispose]();
  client?.disconnect();
  await redis?.[Symbol.asyncDispose]();
  await keys?.[Symbol.asyncDispose]();
  rmSync(join(folder, '..'), { recursive: true, force: true });
});

const backend = (scopes: readonly ApiScope[] = API_SCOPES, rooms = ['*']) =>
  keys.token('key1', undefined, {
    ...{ aud: 'tandem-api', session_id: 'api-key:key1', scope: scopes.join(' '), rooms },
  } as object);

async function ask(method: string, path: string, token: string, headers: object = {}) {
  const init = { method, headers: { authorization: `Bearer ${token}`, ...headers }, redirect: 'manual' } as const;
  const response = await fetch(`${node.url}/v1/rooms/${path}`, init);
  const body = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json');
  return {
    status: response.status,
    headers: response.headers,
    text: body,
    // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
    body: isJson ? (JSON.parse(body) as any) : {},
  };
}
/** The path as it is given: URLs of clients have no `..` left in them. */
async function askAsIs(method: string, path: string, token: string): Promise<{ status: number; text: string }> {
  const sent = request(`${node.url}`, {
    method,
    path: `/v1/rooms/${path}`,
    headers: { authorization: `Bearer ${token}` },
  });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, text: await text(response) };
}
const person = async (roomId: string, userId: string, metadata?: object) => {
  const peer = await connectClient(node, await keys.token(userId));
  await peer.join(roomId, metadata);
  return peer;
};

/** A recording that is over, and its files are made. */
async function finished(roomId: string, files: Record<string, string>): Promise<string> {
  const { recordingId } = (await ask('POST', `${roomId}/recordings`, await backend())).body;
  await ask('POST', `${roomId}/recordings/${recordingId}/stop`, await backend());
  const prefix = prefixOf(roomId, recordingId);
  for (const [name, text] of Object.entries(files)) await store.put(`${prefix}${name}`, text);
  const list = Object.entries(files).map(([name, { length }]) => ({ name, bytes: length, startMs: 0 }));
  await store.put(`${prefix}composed.json`, JSON.stringify({ at: 1, durationMs: 5500, files: list }));
  return recordingId;
}

test('R-1 a person with the longest user id that a token may have begins and ends a recording as others do', async () => {
  using _ada = await person('long', 'ada');
  const token = await keys.token('u'.repeat(128), { record: true });
  const begun = await ask('POST', 'long/recordings', token);
  expect([begun.status, begun.body.startedBy]).toEqual([201, `user:${'u'.repeat(128)}`]);
  expect((await readRunning(client, 'long'))?.id).toBe(begun.body.recordingId);
  expect((await ask('POST', `long/recordings/${begun.body.recordingId}/stop`, token)).status).toBe(200);
});

test('R-1 a backend or a person with the grant begins a recording, once, and its room gets a media node however few are in it', async () => {
  using _ada = await person('visit', 'ada');
  const token = await keys.token('ada', { record: true, rooms: ['visit'] });
  const begun = await ask('POST', 'visit/recordings', token);
  expect([begun.status, begun.body]).toEqual([
    201,
    expect.objectContaining({ roomId: 'visit', status: 'starting', startedBy: 'user:ada', files: [] }),
  ]);
  const { recordingId } = begun.body;
  expect(begun.headers.get('location')).toBe(`/v1/rooms/visit/recordings/${recordingId}`);
  expect((await readAssignment(client, 'visit'))?.node).toBe('m1');
  expect(await readRunning(client, 'visit')).toMatchObject({ id: recordingId, startedBy: 'user:ada' });
  const again = await ask('POST', 'visit/recordings', await backend());
  expect([again.status, again.body.recordingId]).toEqual([200, recordingId]);
  const both = await Promise.all([1, 2].map(() => ask('POST', `visit/recordings/${recordingId}/stop`, token)));
  expect(both.map(({ status, body }) => [status, body.status])).toEqual(Array(2).fill([200, 'processing']));
  expect(await readRunning(client, 'visit')).toBeUndefined();
});

test('R-1 a beginning that was cut short is completed by the next request, and the recording can be ended', async () => {
  using _ada = await person('cut', 'ada');
  const recordingId = newRecordingId();
  await beginRecording(client, 'cut', { id: recordingId, startedAt: Date.now(), startedBy: 'user:ada' });
  const token = await backend();
  const again = await ask('POST', 'cut/recordings', token);
  expect([again.status, again.body]).toMatchObject([200, { recordingId, status: 'starting', startedBy: 'user:ada' }]);
  expect((await readAssignment(client, 'cut'))?.node).toBe('m1');
  expect((await ask('POST', `cut/recordings/${recordingId}/stop`, token)).status).toBe(200);
  expect(await readRunning(client, 'cut')).toBeUndefined();
});

test('R-2 without the grant, the scope or the room it is 403; an access token with the grant opens nothing else', async () => {
  using _ada = await person('mine', 'ada');
  const refused = async (token: string, method = 'POST', path = 'mine/recordings') => {
    const { status, body } = await ask(method, path, token);
    return [status, body.code];
  };
  expect(await refused(await keys.token('ada'))).toEqual([403, 'grant_missing']);
  expect(await refused(await keys.token('ada', { kick: true, record: false }))).toEqual([403, 'grant_missing']);
  expect(await refused(await keys.token('ada', { record: true, rooms: ['other'] }))).toEqual([403, 'room_refused']);
  expect(await refused(await backend(['recordings:read']))).toEqual([403, 'scope_missing']);
  expect(await refused(await backend(['rooms:write']), 'GET')).toEqual([403, 'scope_missing']);
  expect(await refused(await backend(API_SCOPES, ['other']))).toEqual([403, 'room_refused']);
  expect(await refused('nonsense')).toEqual([401, 'token_refused']);
  expect(await refused(await keys.token('ada', { record: true }, { exp: 1 }))).toEqual([401, 'token_expired']);
  expect(await refused(await keys.token('ada', { record: true }), 'GET', 'mine')).toEqual([401, 'token_refused']);
  expect(await refused(await keys.token('ada', { record: true }), 'DELETE', 'mine')).toEqual([401, 'token_refused']);
  expect(await readRunning(client, 'mine')).toBeUndefined();
});

test('R-3 an empty room and an encrypted one are refused in words; without a media node nothing is left behind', async () => {
  const token = await backend();
  const empty = await ask('POST', 'nobody/recordings', token);
  expect([empty.status, empty.body.code]).toEqual([409, 'room_empty']);
  using _ada = await person('sealed', 'ada');
  using _bob = await person('sealed', 'bob', { encryption: { v: 2 } });
  const sealed = await ask('POST', 'sealed/recordings', token);
  expect([sealed.status, sealed.body.code, sealed.body.detail]).toEqual([
    ...[409, 'room_encrypted', 'The room is encrypted end to end: no server can record it.'],
  ]);
  await removeMediaNode(client, 'm1');
  using _cyd = await person('away', 'cyd');
  const away = await ask('POST', 'away/recordings', token);
  expect([away.status, away.body.code, away.headers.get('retry-after')]).toEqual([503, 'no_media_node', '5']);
  expect(await readRunning(client, 'away')).toBeUndefined();
  expect((await ask('GET', 'away/recordings', token)).body.recordings).toEqual([]);
});

test('R-4 recordings are listed by pages, the latest first, fetched and deleted; what runs or has changed is not deleted', async () => {
  using _ada = await person('list', 'ada');
  const token = await backend();
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.unshift(await finished('list', { 'composed.webm': `film ${i}` }));
  const page = await ask('GET', 'list/recordings?limit=2', token);
  expect(page.body.recordings.map((r: { recordingId: string }) => r.recordingId)).toEqual(ids.slice(0, 2));
  const rest = await ask('GET', `list/recordings?limit=2&cursor=${page.body.nextCursor}`, token);
  expect([rest.body.recordings[0].recordingId, rest.body.nextCursor]).toEqual([ids[2], undefined]);
  expect(rest.body.recordings[0]).toMatchObject({
    status: 'ready',
    durationSeconds: 5.5,
    files: [{ name: 'composed.webm', kind: 'composed', bytes: 6, startSeconds: 0 }],
  });
  const path = `list/recordings/${ids[2]}`;
  const file = await ask('GET', `${path}/files/composed.webm`, token);
  expect([file.status, file.text, file.headers.get('content-disposition')]).toEqual([
    ...[200, 'film 0', `attachment; filename="${ids[2]}-composed.webm"`],
  ]);
  // A folder has no addresses.
  expect((await ask('GET', `${path}/files/composed.webm?link=true`, token)).text).toBe('film 0');
  const { headers } = await ask('GET', path, token);
  expect((await ask('DELETE', path, token, { 'if-match': '"other"' })).status).toBe(412);
  expect((await ask('DELETE', path, token, { 'if-match': headers.get('etag') ?? '' })).status).toBe(204);
  expect((await ask('GET', path, token)).body.code).toBe('recording_unknown');
  expect((await ask('GET', `${path}/files/composed.webm`, token)).status).toBe(404);
  const running = (await ask('POST', 'list/recordings', token)).body.recordingId;
  const kept = await ask('DELETE', `list/recordings/${running}`, token);
  expect([kept.status, kept.body.code]).toEqual([409, 'recording_running']);
  // Nor while a node still passes on what it has.
  await ask('POST', `list/recordings/${running}/stop`, token);
  const node = { epoch: 1, people: [], updatedAt: Date.now() };
  await store.put(`${prefixOf('list', running)}node-1.json`, JSON.stringify(node));
  expect((await ask('DELETE', `list/recordings/${running}`, token)).status).toBe(409);
  await store.put(`${prefixOf('list', running)}node-1.json`, JSON.stringify({ ...node, endedAt: 1, why: 'stopped' }));
  expect((await ask('DELETE', `list/recordings/${running}`, token)).status).toBe(204);
});

test('R-5 names of others reach no other file: rooms, ids and files', async () => {
  const token = await backend();
  using _ada = await person('...', 'ada');
  expect((await askAsIs('POST', '%2e%2e%2e/recordings', token)).status).toBe(201);
  const { id = '' } = (await readRunning(client, '...')) ?? {};
  expect((await askAsIs('POST', `.../recordings/${id}/stop`, token)).status).toBe(200);
  const files = [{ name: 'composed.webm', bytes: 4, startMs: 0 }];
  await store.put(`${prefixOf('...', id)}composed.webm`, 'mine');
  await store.put(`${prefixOf('...', id)}composed.json`, JSON.stringify({ at: 1, durationMs: 1, files }));
  await store.put(`${prefixOf('...', id)}recording2.json`, 'not told of');
  const dots = `%2e%2e%2e/recordings/${id}`;
  expect((await askAsIs('GET', `${dots}/files/composed.webm`, token)).text).toBe('mine');
  // No path names these, so no room has their name.
  for (const none of ['.', '..', '%2e', '%2e%2e'])
    expect([400, 404]).toContain((await askAsIs('POST', `${none}/recordings`, token)).status);
  // Nothing is beside the folder.
  expect(readdirSync(join(folder, '..'))).toEqual(['kept']);
  for (const name of [
    'recording.json',
    'recording2.json',
    '..%2fcomposed.webm',
    '%2e%2e%2f%2e%2e%2fx.webm',
    'x%00.webm',
  ])
    expect([400, 404]).toContain((await askAsIs('GET', `${dots}/files/${name}`, token)).status);
  for (const other of ['%2e%2e', '..%2f..', `${id}%2f..`, 'A'.repeat(30), `${id}%00`, '0'.repeat(41)]) {
    expect([400, 404]).toContain((await askAsIs('GET', `%2e%2e%2e/recordings/${other}`, token)).status);
    expect([400, 404]).toContain((await askAsIs('DELETE', `%2e%2e%2e/recordings/${other}`, token)).status);
  }
  // The recording of one room is not that of another.
  expect((await ask('GET', `other/recordings/${id}`, token)).status).toBe(404);
  expect((await ask('DELETE', `other/recordings/${id}`, token)).status).toBe(404);
  expect(existsSync(join(folder, prefixOf('...', id), 'composed.webm'))).toBe(true);
});

test('R-9 who begins it says how its film shows people; anything else is refused', async () => {
  using _ada = await person('stage', 'ada');
  const token = await backend();
  expect((await ask('POST', 'stage/recordings?layout=circle', token)).status).toBe(400);
  expect(await readRunning(client, 'stage')).toBeUndefined();
  const { recordingId, layout } = (await ask('POST', 'stage/recordings?layout=speaker', token)).body;
  expect(layout).toBe('speaker');
  // The composer reads it there.
  expect(JSON.parse((await store.text(`${prefixOf('stage', recordingId)}recording.json`)) ?? '')).toMatchObject({
    layout,
  });
  using _bob = await person('plain', 'bob');
  expect((await ask('POST', 'plain/recordings', token)).body.layout).toBe('grid');
});

test('R-10 the end of a recording is written for backends once, when its files are made, or when they never will be', async () => {
  const parts = { redis: client, store, isTold: true };
  const outbox = outboxKey('tandem', partitionOf('told'));
  const written = async () =>
    (await client.xrange(outbox, '-', '+')).flatMap(([, fields]) => readOutboxEntry(fields[1] ?? '').recording ?? []);
  const config = { REDIS_URL: redis.url, RECORDINGS: folder, MEDIA_FROM: 0, EVENTS: true };
  await using telling = await startTestNode({ keys, config });
  const post = async (path: string) =>
    (await fetch(`${telling.url}/v1/rooms/told/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await backend()}` },
    }).then((answer) => answer.json())) as { recordingId: string };
  using _ada = await person('told', 'ada');
  const make = async (composed?: object) => {
    const { recordingId } = await post('recordings');
    await tellDue(parts, Date.now());
    await post(`recordings/${recordingId}/stop`);
    // While it runs and is composed nothing is told, however late.
    await tellDue(parts, Date.now() + HOUR_MS);
    const made = JSON.stringify({ at: 1, files: [], ...composed });
    if (composed) await store.put(`${prefixOf('told', recordingId)}composed.json`, made);
    return recordingId;
  };
  const good = await make({ durationMs: 5500 });
  const bad = await make({ durationMs: 0, error: 'ffmpeg: /tmp/x' });
  const deleted = await make({ durationMs: 1 });
  await store.remove(prefixOf('told', deleted));
  // Never over: gets no event, and is looked at no more.
  await make();
  expect(await written()).toEqual([]);
  // What cannot be read of the one that is looked at first keeps no other from being told.
  const [first = '', second] = [good, bad].sort();
  const withheld = {
    text: (key: string) => (key.includes(first) ? Promise.reject(new Error('AccessDenied')) : store.text(key)),
    list: (prefix: string) => store.list(prefix),
  } as RecordingStore;
  await expect(tellDue({ ...parts, store: withheld }, Date.now() + 2 * HOUR_MS)).rejects.toThrow('AccessDenied');
  expect(await written()).toMatchObject([{ recordingId: second }]);
  // Not again for as long as the others, as it is as old.
  await tellDue({ ...parts, store: withheld }, Date.now() + 2 * HOUR_MS + 60_000);
  // Several nodes look at once, and again; what was ready is told after more than seven days as well.
  const later = Date.now() + 8 * 24 * HOUR_MS;
  await Promise.all([1, 2, 3].map(() => tellDue(parts, later)));
  await tellDue(parts, later + HOUR_MS);
  const told = (await written()).sort((a, b) => a.status.localeCompare(b.status));
  // No word of the composer's own machine.
  expect(told).toEqual([
    { recordingId: bad, status: 'failed' },
    { recordingId: good, status: 'ready', durationSeconds: 5.5 },
  ]);
  expect(await client.exists('tandem:{recordings}:unready')).toBe(0);
});

test('R-10 a recording that can never be read is looked at more and more seldom, and has failed after seven days', async () => {
  const began = Date.now();
  const ids = ['refused', 'corrupt'].map((name) => `${began.toString(36).padStart(9, '0')}${name.padEnd(20, '0')}`);
  const [refused = '', corrupt = ''] = ids;
  for (const id of ids) await awaitEnd(client, { roomId: 'unread', id });
  await store.put(`${prefixOf('unread', corrupt)}recording.json`, '{"id":');
  let looks = 0;
  const withheld = {
    text: (key: string) => {
      if (key.endsWith('recording.json')) looks++;
      return key.includes(refused) ? Promise.reject(new Error('AccessDenied')) : store.text(key);
    },
    list: (prefix: string) => store.list(prefix),
  } as RecordingStore;
  const parts = { redis: client, store: withheld, isTold: true };
  const outbox = outboxKey('tandem', partitionOf('unread'));
  const told = async () =>
    (await client.xrange(outbox, '-', '+')).flatMap(([, fields]) => readOutboxEntry(fields[1] ?? '').recording ?? []);
  const day = 24 * HOUR_MS;
  for (let minute = 1; minute <= 60; minute++)
    await tellDue(parts, began + 6 * day + minute * 60_000).catch(({ message }: Error) =>
      expect(message).toMatch(/AccessDenied|another form/),
    );
  // One each five minutes, where it was one a minute; the corrupt one is read twice each time.
  expect(looks).toBe(3 * 12);
  expect(await told()).toEqual([]);
  await tellDue(parts, began + 7 * day + HOUR_MS);
  expect(await told()).toEqual(ids.map((recordingId) => ({ recordingId, status: 'failed' })));
  expect(await client.exists('tandem:{recordings}:unready')).toBe(0);
});

test('R-10 where backends are told nothing, nothing waits to be told', async () => {
  using _ada = await person('untold', 'ada');
  expect((await ask('POST', 'untold/recordings', await backend())).status).toBe(201);
  expect(await client.exists('tandem:{recordings}:unready')).toBe(0);
});

test('R-2 a deployment without a place for recordings says so', async () => {
  await using other = await startTestNode({ keys, config: { REDIS_URL: redis.url } });
  const response = await fetch(`${other.url}/v1/rooms/visit/recordings`, {
    headers: { authorization: `Bearer ${await backend()}` },
  });
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([404, 'recordings_off']);
});

test('R-8 a file in a bucket is a redirect to its address; the recording is deleted there', async () => {
  await using s3 = await startS3();
  Object.assign(process.env, s3.env);
  const kept = await openRecordingStore(s3.url);
  await using other = await startTestNode({
    keys,
    config: { REDIS_URL: redis.url, RECORDINGS: s3.url, MEDIA_FROM: 0 },
  });
  const id = '0mf1sh3kz0123456789abcdef';
  const prefix = prefixOf('cloud', id);
  await kept.put(`${prefix}recording.json`, JSON.stringify({ id, roomId: 'cloud', startedAt: 1, startedBy: 'ada' }));
  await kept.put(`${prefix}composed.webm`, 'film');
  const files = [{ name: 'composed.webm', bytes: 4, startMs: 0 }];
  await kept.put(`${prefix}composed.json`, JSON.stringify({ at: 1, durationMs: 1, files }));
  const path = `${other.url}/v1/rooms/cloud/recordings/${id}`;
  const headers = { authorization: `Bearer ${await backend()}` };
  const answer = await fetch(`${path}/files/composed.webm`, { headers, redirect: 'manual' });
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([303, 'no-store']);
  expect(await (await fetch(answer.headers.get('location') ?? '')).text()).toBe('film');
  // A page sees of a redirect nothing.
  const link = await fetch(`${path}/files/composed.webm?link=true`, { headers, redirect: 'error' });
  expect([link.status, link.headers.get('cache-control')]).toEqual([200, 'no-store']);
  const { url, seconds } = (await link.json()) as { url: string; seconds: number };
  expect([await (await fetch(url)).text(), seconds]).toEqual(['film', 300]);
  expect((await fetch(`${path}/files/composed.webm?link=false`, { headers })).status).toBe(400);
  expect((await fetch(path, { method: 'DELETE', headers })).status).toBe(204);
  expect(await kept.list('rooms/')).toEqual([]);
});
