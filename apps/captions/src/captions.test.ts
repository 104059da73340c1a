/** The captions service between a page and a recognizer, each of which may be anybody's. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { AccessClaims, Grants } from '@tandem/protocol';
import { CAPTIONS_CLOSE, CAPTIONS_PROTOCOL } from '@tandem/protocol/captions';
import { createLogger } from '@tandem/service';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startTestKeys, type TestKeys } from '../../signaling/src/testing.ts';
import type { Captions } from './app.ts';
import { Recognizer } from './recognizer.ts';
import { startRecognizer, startTestCaptions, type TestCaptionsOptions, type TestRecognizer } from './testing.ts';

const BLOCK = Buffer.alloc(4096, 1);
let keys: TestKeys;
beforeAll(async () => {
  keys = await startTestKeys();
});
afterAll(() => keys?.[Symbol.asyncDispose]());

interface World {
  readonly recognizer: TestRecognizer;
  readonly captions: Captions;
}

async function world(options: Partial<TestCaptionsOptions> = {}): Promise<World> {
  const recognizer = await startRecognizer();
  onTestFinished(() => recognizer[Symbol.asyncDispose]());
  const captions = await startTestCaptions({
    ...{ jwksUrl: keys.jwksUrl, recognizers: `en=${recognizer.url}` },
    ...options,
  });
  onTestFinished(() => captions[Symbol.asyncDispose]());
  return { recognizer, captions };
}

interface Caller {
  readonly lang?: string;
  readonly grants?: Grants;
  readonly claims?: Partial<AccessClaims>;
  readonly token?: string;
  readonly path?: string;
  readonly origin?: string;
}

interface Page {
  readonly socket: WebSocket;
  readonly heard: unknown[];
  /** Code of the close, or the status of a refused handshake as a negative number. */
  readonly ended: Promise<number>;
  readonly retryAfter: () => string | undefined;
}

async function call({ captions }: World, caller: Caller = {}): Promise<Page> {
  const token = caller.token ?? (await keys.token('ada', caller.grants, caller.claims));
  const { path = `/captions?lang=${caller.lang ?? 'en'}`, origin } = caller;
  const socket = new WebSocket(`ws://127.0.0.1:${captions.port}${path}`, [CAPTIONS_PROTOCOL, `bearer.${token}`], {
    ...(origin ? { origin } : {}),
  });
  onTestFinished(() => socket.terminate());
  const heard: unknown[] = [];
  let retryAfter: string | undefined;
  socket.on('message', (data) => heard.push(JSON.parse(String(data))));
  const ended = new Promise<number>((done) => {
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      retryAfter = response.headers['retry-after'];
      done(-(response.statusCode ?? 0));
    });
    socket.on('close', done);
  });
  return { socket, heard, ended, retryAfter: () => retryAfter };
}

async function open(where: World, caller: Caller = {}): Promise<Page> {
  const page = await call(where, caller);
  await once(page.socket, 'open');
  return page;
}

const metric = async ({ captions }: World, name: string) => {
  const text = await (await fetch(`${captions.url}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
};

test('sound goes to the recognizer of the language, its words come back once each, and its end is told', async () => {
  const where = await world();
  const { recognizer } = where;
  const answers = ['{"partial" : ""}', '{"partial" : "good"}', '{"partial" : "good"}', '{"text" : "good morning"}'];
  recognizer.answer = () => answers.shift();
  const page = await open(where);
  for (let i = 0; i < 4; i++) page.socket.send(BLOCK);
  await vi.waitFor(() => expect(page.heard).toEqual([{ partial: 'good' }, { text: 'good morning' }]));
  expect(recognizer.heardBytes).toBe(4 * BLOCK.length);
  // Said twice is said twice, also by a recognizer that has no partial results.
  recognizer.answer = () => '{"text" : "no"}';
  for (let i = 0; i < 2; i++) page.socket.send(BLOCK);
  await vi.waitFor(() => expect(page.heard.slice(2)).toEqual([{ text: 'no' }, { text: 'no' }]));
  page.socket.close(1000);
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(0));
  expect(recognizer.told).toEqual(['{"config":{"sample_rate":16000}}', '{"eof" : 1}']);
  await vi.waitFor(async () => expect(await metric(where, 'tandem_captions_speakers')).toBe(0));
});

test('who may not speak, or speaks what is not recognized here, learns why', async () => {
  const where = await world({ config: { ALLOWED_ORIGINS: 'https://calls.example.org' } });
  const now = Math.floor(Date.now() / 1000);
  const endOf = async (caller: Caller) => (await call(where, caller)).ended;
  expect(await endOf({ token: 'x.y.z' })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(await endOf({ claims: { exp: now - 300, iat: now - 600 } })).toBe(CAPTIONS_CLOSE.tokenExpired);
  expect(await endOf({ claims: { aud: 'tandem-api' } })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(await endOf({ grants: { publish: false } })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(await endOf({ grants: { media: true } })).toBe(CAPTIONS_CLOSE.tokenRefused);
  for (const lang of ['de', '', '__proto__']) expect(await endOf({ lang })).toBe(CAPTIONS_CLOSE.language);
  expect(await endOf({ origin: 'https://evil.example' })).toBe(-403);
  expect(await endOf({ path: '/captions/x' })).toBe(-404);
  // A token in an address would stand in logs: there it is none.
  const token = await keys.token('ada');
  expect(await endOf({ token: '', path: `/captions?lang=en&token=${token}` })).toBe(CAPTIONS_CLOSE.tokenRefused);
  expect(where.recognizer.sockets.size).toBe(0);
});

test('limits of microphones: of a user, of a login session of guests, of an address and of the task; places come back', async () => {
  const where = await world({ config: { SPEAKERS_PER_USER: 1, SPEAKERS_PER_ADDRESS: 3, MAX_SPEAKERS: 4 } });
  const first = await open(where);
  expect(await (await call(where)).ended).toBe(CAPTIONS_CLOSE.tryLater);
  const guest = { sub: 'ada', guest: true, session_id: 'one' };
  await open(where, { claims: guest });
  expect(await (await call(where, { claims: guest })).ended).toBe(CAPTIONS_CLOSE.tryLater);
  await open(where, { claims: { ...guest, session_id: 'two' } });
  expect(await (await call(where, { claims: { sub: 'bob' } })).ended).toBe(CAPTIONS_CLOSE.tryLater);
  first.socket.close();
  await first.ended;
  await vi.waitFor(async () => expect(await metric(where, 'tandem_captions_speakers')).toBe(2));
  await open(where);

  const small = await world({ config: { MAX_SPEAKERS: 1 } });
  await open(small);
  const late = await call(small, { claims: { sub: 'bob' } });
  expect(await late.ended).toBe(-503);
  expect(Number(late.retryAfter())).toBeGreaterThanOrEqual(1);
});

test('what is no sound ends it, and so does far more of it than a microphone gives', async () => {
  const where = await world();
  for (const odd of ['{"config":{}}', Buffer.alloc(3), Buffer.alloc(0)]) {
    const { socket, ended } = await open(where);
    socket.send(odd);
    expect(await ended).toBe(CAPTIONS_CLOSE.abuse);
  }
  const long = await open(where);
  long.socket.send(Buffer.alloc(8194));
  expect(await long.ended).toBe(1009);

  const flood = await open(where);
  for (let i = 0; i < 300; i++) flood.socket.send(BLOCK);
  expect(await flood.ended).toBe(CAPTIONS_CLOSE.abuse);
  expect(where.recognizer.heardBytes).toBeLessThan(200_000);
  expect(await metric(where, 'tandem_captions_dropped_bytes_total')).toBeGreaterThan(900_000);
});

test('a page that leaves while its recognizer answers no handshake yet: nothing stays', async () => {
  const mute = createServer().listen(0, '127.0.0.1');
  await once(mute, 'listening');
  let connections = 0;
  mute.on('connection', (socket) => {
    connections += 1;
    socket.on('error', () => {}).on('close', () => (connections -= 1));
    socket.resume();
  });
  onTestFinished(() => void mute.close());
  const { port } = mute.address() as AddressInfo;
  const where = await world({ recognizers: `en=ws://127.0.0.1:${port}` });
  const page = await open(where);
  for (let i = 0; i < 40; i++) page.socket.send(BLOCK);
  await vi.waitFor(() => expect(connections).toBe(1));
  // What waits for it is bounded: 15 blocks fit into 64,000 bytes.
  await vi.waitFor(async () =>
    expect(await metric(where, 'tandem_captions_dropped_bytes_total')).toBe(25 * BLOCK.length),
  );
  page.socket.close();
  await vi.waitFor(() => expect(connections).toBe(0));
  expect(await metric(where, 'tandem_captions_speakers')).toBe(0);
});

test('a recognizer that is away, dies, or answers without end: the page learns it, and health and log as well, without a word of what was said', async () => {
  const lines: string[] = [];
  const log = createLogger('captions', 'trace', { write: (line) => void lines.push(line) });
  const where = await world({ log });
  const { recognizer, captions } = where;
  const health = async () => {
    const response = await fetch(`${captions.url}/health/ready`);
    return ((await response.json()) as { dependencies: { recognizers: object } }).dependencies.recognizers;
  };
  recognizer.answer = () => '{"text" : "a secret"}';
  const first = await open(where);
  first.socket.send(BLOCK);
  await vi.waitFor(() => expect(first.heard).toEqual([{ text: 'a secret' }]));
  recognizer.answer = () => JSON.stringify({ text: 'x'.repeat(200_000) });
  first.socket.send(BLOCK);
  expect(await first.ended).toBe(CAPTIONS_CLOSE.recognizer);
  expect(await health()).toMatchObject({ state: 'degraded', detail: 'away: en' });

  const second = await open(where);
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(1));
  await vi.waitFor(async () => expect(await health()).toMatchObject({ state: 'up' }));
  await recognizer[Symbol.asyncDispose]();
  expect(await second.ended).toBe(CAPTIONS_CLOSE.recognizer);
  expect(await (await open(where)).ended).toBe(CAPTIONS_CLOSE.recognizer);
  expect(await metric(where, 'tandem_captions_recognizers_away')).toBe(1);
  const events = lines.map((line) => JSON.parse(line).event).filter(Boolean);
  // Once a change, not once a page.
  expect(events).toEqual(['captions.up', 'recognizer.away', 'recognizer.back', 'recognizer.away']);
  expect(lines.join('')).not.toMatch(/secret|bearer|eyJ/);
});

test('a token that runs out ends it, and so does a drain', async () => {
  const where = await world();
  const now = Math.floor(Date.now() / 1000);
  const page = await open(where, { claims: { exp: now + 1 } });
  expect(await page.ended).toBe(CAPTIONS_CLOSE.tokenExpired);
  const other = await open(where);
  await Promise.all([
    where.captions[Symbol.asyncDispose](),
    expect(other.ended).resolves.toBe(CAPTIONS_CLOSE.goingAway),
  ]);
});

test('a recognizer that takes sound and answers nothing is given up; a pause of the speaker is none of its', async () => {
  const silent = await startRecognizer();
  onTestFinished(() => silent[Symbol.asyncDispose]());
  silent.answer = () => '{"partial" : "hm"}';
  let now = 0;
  const told: string[] = [];
  const recognizer = new Recognizer(
    silent.url,
    { onOpen: () => told.push('open'), onHeard: () => told.push('heard'), onAway: () => told.push('away') },
    { now: () => now },
  );
  await vi.waitFor(() => expect(told).toEqual(['open']));
  expect(recognizer.hear(BLOCK)).toBe(true);
  await vi.waitFor(() => expect(told).toEqual(['open', 'heard']));
  // The page sends no silence.
  now = 25_000;
  silent.answer = () => undefined;
  expect(recognizer.hear(BLOCK)).toBe(true);
  now = 45_000;
  expect(recognizer.hear(BLOCK)).toBe(true);
  now = 45_001;
  expect(recognizer.hear(BLOCK)).toBe(false);
  recognizer.end();
  expect(told).toEqual(['open', 'heard', 'away']);
});

test('a recognizer that says more than it is asked is not passed on: each line is a message to everybody in the room', async () => {
  const where = await world();
  const page = await open(where);
  await vi.waitFor(() => expect(where.recognizer.sockets.size).toBe(1));
  const [socket = expect.fail('no conversation')] = where.recognizer.sockets;
  for (let i = 0; i < 200; i++) socket.send(JSON.stringify({ text: `line ${i}` }));
  where.recognizer.answer = () => '{"text" : "asked for"}';
  page.socket.send(BLOCK);
  await vi.waitFor(() => expect(page.heard).toHaveLength(1));
  page.socket.send(BLOCK);
  await vi.waitFor(() => expect(page.heard.at(-1)).toEqual({ text: 'asked for' }));
  expect(page.heard.length).toBeLessThanOrEqual(2);
});

test('what makes work of nothing is refused as well: frames of a sample, far more of them than a microphone gives', async () => {
  const where = await world();
  const { socket, ended } = await open(where);
  let frames = 0;
  where.recognizer.answer = () => {
    frames += 1;
    return undefined;
  };
  for (let i = 0; i < 8000; i++) socket.send(Buffer.alloc(2, 1));
  expect(await ended).toBe(CAPTIONS_CLOSE.abuse);
  expect(frames).toBeLessThan(1000);
});

test('a path that is none is answered by a problem', async () => {
  const { captions } = await world();
  const { status, headers } = await fetch(`${captions.url}/%ff`);
  expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json']);
});
