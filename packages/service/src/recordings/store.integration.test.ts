/** Both places of recordings hold the same: a folder, and a bucket of an S3 server (s3rver). */
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type S3Server, startS3 } from '../testing/s3.ts';
import { openRecordingStore } from './open-store.ts';
import { S3Store } from './s3-store.ts';
import type { RecordingStore } from './store.ts';

let server: S3Server;
const folder = mkdtempSync(join(tmpdir(), 'store-'));
const stores = new Map<string, RecordingStore>();
beforeAll(async () => {
  server = await startS3();
  Object.assign(process.env, server.env);
  stores.set('folder', await openRecordingStore(join(folder, 'kept')));
  stores.set('bucket', await openRecordingStore(server.url));
});
afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const store = (name: string) => stores.get(name) as RecordingStore;
const BUCKET = () => server.url.slice('s3://'.length);
const ROOM = 'rooms/dmlzaXQ/';

test.each(['folder', 'bucket'])('R-8 a %s: written whole, read, listed in order, removed by prefix', async (name) => {
  const kept = store(name);
  const path = join(folder, 'film');
  writeFileSync(path, 'of all');
  await kept.put(`${ROOM}b/parts/1-1-audio-0/000002`, 'two');
  await kept.put(`${ROOM}b/parts/1-1-audio-0/000001`, new Uint8Array([1, 2, 3]));
  await kept.put(`${ROOM}b/node-1.json`, '{}');
  await kept.put(`${ROOM}b2/node-1.json`, '{}');
  await kept.putFile(`${ROOM}b/composed.webm`, path);
  expect(await kept.text(`${ROOM}b/node-1.json`)).toBe('{}');
  const film = await kept.read(`${ROOM}b/composed.webm`);
  expect(film && (await text(film))).toBe('of all');
  expect(await kept.folders(ROOM)).toEqual(['b', 'b2']);
  const listed = await kept.list(`${ROOM}b/`);
  expect(listed.map(({ key, bytes }) => ({ key, bytes }))).toEqual([
    { key: `${ROOM}b/composed.webm`, bytes: 6 },
    { key: `${ROOM}b/node-1.json`, bytes: 2 },
    { key: `${ROOM}b/parts/1-1-audio-0/000001`, bytes: 3 },
    { key: `${ROOM}b/parts/1-1-audio-0/000002`, bytes: 3 },
  ]);
  for (const { at } of listed) expect(Math.abs(Date.now() - at)).toBeLessThan(600_000);
  expect((await kept.list(`${ROOM}b/`, { below: false })).map(({ key }) => key)).toEqual([
    `${ROOM}b/composed.webm`,
    `${ROOM}b/node-1.json`,
  ]);
  await kept.remove(`${ROOM}b/`);
  expect((await kept.list(ROOM)).map(({ key }) => key)).toEqual([`${ROOM}b2/node-1.json`]);
});

test.each(['folder', 'bucket'])('R-8 a %s: what is not there is undefined, and empty lists are empty', async (name) => {
  const kept = store(name);
  expect(await kept.text(`${ROOM}none.json`)).toBeUndefined();
  expect(await kept.read(`${ROOM}none.json`)).toBeUndefined();
  expect(await kept.list('rooms/bm9uZQ/')).toEqual([]);
  expect(await kept.folders('rooms/bm9uZQ/')).toEqual([]);
  await kept.remove('rooms/bm9uZQ/');
  await expect(kept.put('../up', '')).rejects.toThrow('no key');
});

test('R-5 files of a folder are readable by the user of the service alone', async () => {
  const [kept, path] = [store('folder'), join(folder, 'open')];
  writeFileSync(path, 'film', { mode: 0o644 });
  await kept.put(`${ROOM}m/node-1.json`, '{}');
  await kept.putFile(`${ROOM}m/composed.webm`, path);
  const modeOf = (key: string) => statSync(join(folder, 'kept', ROOM, key)).mode & 0o777;
  expect(['m', 'm/node-1.json', 'm/composed.webm'].map(modeOf)).toEqual([0o700, 0o600, 0o600]);
  await kept.remove(`${ROOM}m/`);
});

test('R-8 a bucket of more than a page is listed and removed whole', async () => {
  const kept = new S3Store(BUCKET(), { pageKeys: 3 });
  const names = Array.from({ length: 7 }, (_, i) => `rooms/cGFnZXM/a${i}/000001`);
  for (const key of names) await kept.put(key, 'a');
  expect((await kept.list('rooms/cGFnZXM/')).map(({ key }) => key)).toEqual(names);
  expect(await kept.folders('rooms/cGFnZXM/')).toEqual(['a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6']);
  await kept.remove('rooms/cGFnZXM/');
  expect(await kept.list('rooms/cGFnZXM/')).toEqual([]);
});

/**
 * For the environment, a server in front of that of the test: it answers once that nothing was removed, when that file is named
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html).
 */
async function refusing(name: string) {
  let hasRefused = false;
  const front = createServer(async (request, response) => {
    const body = await buffer(request);
    if (!hasRefused && request.url?.includes('?delete') && body.includes(name)) {
      hasRefused = true;
      const keys = [...body.toString().matchAll(/<Key>([^<]+)/g)].map(([, key]) => key);
      const errors = keys.map((key) => `<Error><Key>${key}</Key><Code>InternalError</Code></Error>`).join('');
      response.setHeader('content-type', 'application/xml').end(`<DeleteResult>${errors}</DeleteResult>`);
      return;
    }
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (name !== 'connection') headers.set(name, String(value));
    const of: RequestInit = {
      headers,
      ...(request.method && { method: request.method }),
      ...(body.length > 0 && { body }),
    };
    const answer = await fetch(new URL(request.url ?? '/', server.env.AWS_ENDPOINT_URL_S3), of);
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await answer.arrayBuffer()));
  });
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const { port } = front.address() as AddressInfo;
  vi.stubEnv('AWS_ENDPOINT_URL_S3', `http://127.0.0.1:${port}`);
  return {
    [Symbol.dispose]() {
      vi.unstubAllEnvs();
      front.close().closeAllConnections();
    },
  };
}

test('R-11 a recording whose removal fails midway is known until all of it is gone', async () => {
  using _front = await refusing('track-1');
  const kept = new S3Store(BUCKET(), { pageKeys: 3 });
  const names = ['composed.json', 'composed.webm', 'recording.json', 'track-1-audio.opus'];
  for (const name of names) await kept.put(`${ROOM}d/${name}`, '{}');
  await expect(kept.remove(`${ROOM}d/`, 'recording.json')).rejects.toThrow('(InternalError)');
  expect(await kept.text(`${ROOM}d/recording.json`)).toBe('{}');
  await kept.remove(`${ROOM}d/`, 'recording.json');
  expect(await kept.list(`${ROOM}d/`)).toEqual([]);
});

test('R-11 a folder: what goes last goes, too', async () => {
  const kept = store('folder');
  for (const name of ['recording.json', 'parts/1/1']) await kept.put(`${ROOM}l/${name}`, '{}');
  await kept.remove(`${ROOM}l/`, 'recording.json');
  await kept.remove(`${ROOM}l/`, 'recording.json');
  expect(await kept.list(`${ROOM}l/`)).toEqual([]);
});

test('R-8 a large file comes in parts, and is the same file', async () => {
  const MB = 1024 * 1024;
  const path = join(folder, 'large');
  const body = Buffer.alloc(11 * MB, 'of several parts ');
  writeFileSync(path, body);
  const kept = new S3Store(BUCKET(), { partBytes: 5 * MB });
  await kept.putFile(`${ROOM}large`, path);
  const chunks: Buffer[] = [];
  for await (const chunk of (await kept.read(`${ROOM}large`)) ?? []) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).equals(body)).toBe(true);
});

test('R-8 an address gives that file as a download, without a token of ours; an old one gives nothing', async () => {
  const kept = store('bucket');
  await kept.put(`${ROOM}a.webm`, 'picture');
  const url = (await kept.url(`${ROOM}a.webm`, { fileName: 'id-a.webm', seconds: 60 })) ?? '';
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([200, 'picture']);
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="id-a.webm"');
  expect(answer.headers.get('content-type')).toBe('application/octet-stream');
  const { searchParams } = new URL(url);
  expect([searchParams.get('X-Amz-Expires'), searchParams.get('X-Amz-SignedHeaders')]).toEqual(['60', 'host']);
  // What this server knows of a signature is its time.
  expect((await fetch(url.replace(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20200101'))).status).toBe(403);
  expect(await store('folder').url(`${ROOM}a.webm`, { fileName: 'a', seconds: 60 })).toBeUndefined();
});

test('R-8 a place that is none is refused by name', async () => {
  for (const where of ['s3://', 's3://A/b', 'https://bucket', 's3://bucket/prefix'])
    await expect(openRecordingStore(where)).rejects.toThrow(`RECORDINGS: "${where}"`);
});

test('a bucket that is none is an error, not an empty list', async () => {
  await expect(new S3Store('none-such').list(ROOM)).rejects.toThrow('does not exist');
});

test('R-6 a bucket: an upload that breaks off leaves what was there', async () => {
  const key = `${ROOM}whole/node-1.json`;
  await store('bucket').put(key, 'of before');
  const { hostname, port } = new URL(server.env.AWS_ENDPOINT_URL_S3 ?? '');
  const socket = connect(Number(port), hostname);
  const head = [`PUT /${BUCKET()}/${key} HTTP/1.1`, 'Host: localhost', 'Content-Length: 100', '', 'of now'];
  socket.end(head.join('\r\n'));
  // Closed by the server, which has seen the end.
  await once(socket.resume(), 'close');
  expect(await store('bucket').text(key)).toBe('of before');
});
