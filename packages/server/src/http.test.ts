/** Streams whose reader takes its time: only the silence of the service breaks them. Time is virtual. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { TandemServer } from './tandem-server.ts';

afterEach(() => vi.useRealTimers());

/** @returns the SDK, and the answer of its stream as the service writes it */
async function start() {
  const opened = Promise.withResolvers<ServerResponse>();
  const server = createServer((request, response) => {
    request.resume();
    if (request.url === '/auth/token') response.end('{"access_token":"t","expires_in":600}');
    else opened.resolve(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  return { tandem: new TandemServer({ url, apiKey: 'tk_abcdefghij_secret-of-this-test' }), opened: opened.promise };
}

/** Above every limit of ours; below the 300 s for which fetch itself lets a server send nothing, three times together. */
const LONG = 90_000;
const text = ({ value }: IteratorResult<Uint8Array>) => new TextDecoder().decode(value);

test('a file waits for who reads it: before the first chunk, between two, and at the end', async () => {
  const { tandem, opened } = await start();
  const file = tandem.recordings.file('room', 'id', 'composed.webm');
  const response = await opened;
  response.write('one');
  const chunks = (await file)[Symbol.asyncIterator]();
  await vi.advanceTimersByTimeAsync(LONG);
  expect(text(await chunks.next())).toBe('one');
  await vi.advanceTimersByTimeAsync(LONG);
  response.write('two');
  expect(text(await chunks.next())).toBe('two');
  response.end();
  await vi.advanceTimersByTimeAsync(LONG);
  expect((await chunks.next()).done).toBe(true);
});

test('so does a stream of events', async () => {
  const { tandem, opened } = await start();
  const events = tandem.events.stream();
  const first = events.next();
  const response = await opened;
  response.write('id: 1\ndata: {"id":"evt_1"}\n\n');
  expect((await first).value).toEqual({ id: 'evt_1' });
  await vi.advanceTimersByTimeAsync(LONG);
  response.write('id: 2\ndata: {"id":"evt_2"}\n\n');
  // Of a stream that broke it would be asked for anew, and there is no second answer.
  expect((await events.next()).value).toEqual({ id: 'evt_2' });
  await events.return();
  if (!response.closed) await once(response, 'close');
});

test('a service that says nothing while it is waited for breaks the stream, and so does the signal', async () => {
  for (const end of ['silence', 'signal'] as const) {
    const { tandem, opened } = await start();
    const stop = new AbortController();
    const file = tandem.recordings.file('room', 'id', 'composed.webm', { signal: stop.signal });
    const response = await opened;
    response.write('one');
    const chunks = (await file)[Symbol.asyncIterator]();
    await chunks.next();
    const next = expect(chunks.next()).rejects.toMatchObject({ code: end === 'silence' ? 'unreachable' : 'aborted' });
    if (end === 'silence') await vi.advanceTimersByTimeAsync(45_000);
    else stop.abort();
    await next;
    if (!response.closed) await once(response, 'close');
    vi.useRealTimers();
  }
});

test('headers that do not come are not waited for', async () => {
  const { tandem, opened } = await start();
  const file = expect(tandem.recordings.file('room', 'id', 'composed.webm')).rejects.toMatchObject({
    code: 'unreachable',
  });
  await opened;
  await vi.advanceTimersByTimeAsync(60_000);
  await file;
});
