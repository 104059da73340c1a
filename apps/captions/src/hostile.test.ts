/** A page, or a recognizer, that wants to keep the captions service busy, or to fill its memory. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { CAPTIONS_CLOSE, CAPTIONS_PROTOCOL } from '@tandem/protocol/captions';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { startTestKeys, type TestKeys } from '../../signaling/src/testing.ts';
import { Recognizer } from './recognizer.ts';
import { startRecognizer, type TestCaptionsOptions } from './testing.ts';
import { BLOCK, call, metric, open, startWorld } from './testing-page.ts';

let keys: TestKeys;
beforeAll(async () => {
  keys = await startTestKeys();
});
afterAll(() => keys?.[Symbol.asyncDispose]());
const world = (options?: Partial<TestCaptionsOptions>) => startWorld(keys, options);

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

test('pings of a page count as its sound does, and those of a recognizer are answered as long as it reads', async () => {
  const where = await world();
  const { recognizer } = where;
  const { socket, ended } = await open(where);
  let pongs = 0;
  socket.on('pong', () => (pongs += 1));
  socket.ping();
  await vi.waitFor(() => expect(pongs).toBe(1));
  await vi.waitFor(() => expect(recognizer.sockets.size).toBe(1));
  const [its = expect.fail('no conversation')] = recognizer.sockets;
  its.ping();
  await once(its, 'pong');
  for (let i = 0; i < 8000; i++) socket.ping();
  expect(await ended).toBe(CAPTIONS_CLOSE.abuse);
  expect(pongs).toBeLessThan(1000);
});

test('sockets that are refused and do not close are bounded: more get a plain 503, and microphones are taken as before', async () => {
  const where = await world({ config: { MAX_SPEAKERS: 2 } });
  const refused = { token: 'x.y.z' };
  for (let i = 0; i < 2; i++) {
    const held = connect(where.captions.port, '127.0.0.1').on('error', () => {});
    onTestFinished(() => void held.destroy());
    const { port } = where.captions;
    held.write(
      `GET /captions?lang=en HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Protocol: ${CAPTIONS_PROTOCOL}, bearer.x.y.z\r\n\r\n`,
    );
    // The answer and the closing frame, which is not answered.
    await once(held, 'data');
  }
  expect(await (await call(where, refused)).ended).toBe(-503);
  await open(where);
  // They are cut off in the end.
  await vi.waitFor(async () => expect(await (await call(where, refused)).ended).toBe(CAPTIONS_CLOSE.tokenRefused), {
    timeout: 20_000,
  });
});
