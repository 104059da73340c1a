import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { closeFrame, frame, handshake, Opcode, RawClient } from './testing.ts';
import { type ServerSocket, SocketServer } from './websocket-server.ts';

const MAX = 100_000;

async function server() {
  const http = createServer();
  const sockets = new SocketServer({ protocol: 'signal.v1', maxPayload: MAX });
  const open: ServerSocket[] = [];
  const log: unknown[] = [];
  const texts: string[] = [];
  http.on('upgrade', (request, socket, head) => {
    sockets.upgrade(request, socket, head, (ws) => {
      open.push(ws);
      ws.listen({
        onText: (payload) => texts.push(payload.toString()),
        onBinary: (payload) => log.push(`binary ${payload}`),
        onPing: (payload) => log.push(`ping ${payload}`),
        onPong: (payload) => log.push(`pong ${payload}`),
        onClosing: () => {},
        onClose: (code) => log.push(['close', code]),
        onGone: () => log.push('gone'),
      });
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    port,
    open,
    log,
    texts,
    async [Symbol.asyncDispose]() {
      for (const ws of open) ws.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

test('speaks with a real client: subprotocol, texts of every length class, binary, ping and pong, close with code', async () => {
  await using it = await server();
  const client = new WebSocket(`ws://127.0.0.1:${it.port}`, ['signal.v1', 'bearer.x']);
  await once(client, 'open');
  expect(client.protocol).toBe('signal.v1');
  expect(client.extensions).toBe('');
  const sent = [0, 1, 125, 126, 4000, 65_535, 65_536, 99_000].map((n) => 'é'.repeat(n >> 1) + (n & 1 ? 'x' : ''));
  for (const text of sent) client.send(text);
  await expect.poll(() => it.texts).toEqual(sent);
  client.ping('hello');
  it.open[0]?.ping();
  client.send(Buffer.from('bytes'));
  await expect.poll(() => it.log).toEqual(expect.arrayContaining(['ping hello', 'pong ', 'binary bytes']));
  client.close(4123, 'enough');
  const [code] = await once(client, 'close');
  expect(code).toBe(4123);
  await expect.poll(() => it.log.slice(-2)).toEqual([['close', 4123], 'gone']);
});

test('closes with its own code and reason, and ends the TCP connection', async () => {
  await using it = await server();
  const client = new WebSocket(`ws://127.0.0.1:${it.port}`, ['signal.v1']);
  await once(client, 'open');
  it.open[0]?.close(4003, 'a moderator');
  it.open[0]?.close(4004, 'only the first counts');
  expect(it.log).toEqual([['close', 4003]]);
  const [code, reason] = await once(client, 'close');
  expect([code, String(reason)]).toEqual([4003, 'a moderator']);
  await expect.poll(() => it.log).toEqual([['close', 4003], 'gone']);
});

test.each([
  ['without a code', frame(Opcode.close, ''), 1005],
  ['with a code', closeFrame(1000, 'bye'), 1000],
])('a close frame %s ends the conversation at once, though TCP stays open', async (_name, bytes, code) => {
  await using it = await server();
  using client = await RawClient.open({ port: it.port });
  client.send(bytes);
  await expect.poll(() => it.log).toEqual([['close', code]]);
  // What comes behind a close frame is not read; half-open TCP is cut off.
  client.send(frame(Opcode.text, 'late'), frame(Opcode.ping, ''));
  await expect.poll(() => it.log, { timeout: 20_000 }).toEqual([['close', code], 'gone']);
  expect(it.texts).toEqual([]);
});

test('a torn connection is 1006', async () => {
  await using it = await server();
  using client = await RawClient.open({ port: it.port });
  client.socket.destroy();
  await expect.poll(() => it.log).toEqual([['close', 1006], 'gone']);
});

test('frames cut anywhere, and in one packet with the handshake, arrive whole', async () => {
  await using it = await server();
  const messages = ['a', 'b'.repeat(200), 'c'.repeat(70_000), '', 'd'.repeat(130)];
  const stream = Buffer.concat(messages.map((m) => frame(Opcode.text, m)));
  using client = await RawClient.open({ port: it.port, behindHandshake: stream });
  await expect.poll(() => it.texts).toEqual(messages);
  it.texts.length = 0;
  for (let at = 0; at < 300; at++) {
    client.send(stream.subarray(at, at + 1));
    if (at % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (let at = 300; at < stream.length; at += 9_001) {
    client.send(stream.subarray(at, at + 9_001));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => it.texts).toEqual(messages);
});

test('fragments are put together, with control frames between them', async () => {
  await using it = await server();
  using client = await RawClient.open({ port: it.port });
  client.send(
    frame(Opcode.text, 'one ', { fin: false }),
    frame(Opcode.ping, 'p'),
    frame(Opcode.continuation, '', { fin: false }),
    frame(Opcode.continuation, 'two ', { fin: false }),
    frame(Opcode.continuation, 'three'),
    frame(Opcode.text, 'next'),
  );
  await expect.poll(() => it.texts).toEqual(['one two three', 'next']);
  expect(it.log).toEqual(['ping p']);
});

describe('a violation is answered with its code and ends the connection; what came before it was heard', () => {
  test.each<[string, Buffer, number]>([
    ['an unmasked frame', frame(1, 'x', { mask: false }), 1002],
    ['a reserved bit', frame(1, 'x', { rsv: 4 }), 1002],
    ['an unknown data opcode', frame(3, 'x'), 1002],
    ['an unknown control opcode', frame(11, 'x'), 1002],
    ['a fragmented ping', frame(9, 'x', { fin: false }), 1002],
    ['a long ping', frame(9, 'x'.repeat(126)), 1002],
    ['a continuation of nothing', frame(0, 'x'), 1002],
    ['a text inside a fragmented message', Buffer.concat([frame(1, 'x', { fin: false }), frame(1, 'y')]), 1002],
    ['a close with half a code', frame(8, 'x'), 1002],
    ['a close with a forbidden code', closeFrame(1006), 1002],
    ['a close reason that is not UTF-8', frame(8, Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ['a frame over the limit, announced only', frame(1, 'x'.repeat(MAX + 1)).subarray(0, 20), 1009],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
    [
      'fragments that add up to too much',
      Buffer.concat([frame(1, 'x'.repeat(60_000), { fin: false }), frame(0, 'x'.repeat(60_000))]),
      1009,
    ],
    [
      'endless empty fragments',
      Buffer.concat([frame(1, '', { fin: false }), ...Array.from({ length: 64 }, () => frame(0, '', { fin: false }))]),
      1008,
    ],
  ])('%s', async (_name, bytes, code) => {
    await using it = await server();
    using client = await RawClient.open({ port: it.port });
    client.send(frame(Opcode.text, 'good'), bytes, frame(Opcode.text, 'never read'));
    await expect.poll(() => client.closeCode).toBe(code);
    expect(it.log[0]).toEqual(['close', code]);
    client.socket.end();
    await expect.poll(() => it.log).toEqual([['close', code], 'gone']);
    expect(it.texts).toEqual(['good']);
  });
});

test('a frame that arrives in more parts than a frame has on any network is cut off', async () => {
  await using it = await server();
  using client = await RawClient.open({ port: it.port });
  const bytes = frame(Opcode.text, 'x'.repeat(50_000));
  for (let at = 0; at < bytes.length && client.closeCode === undefined; at++) {
    client.send(bytes.subarray(at, at + 1));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(client.closeCode).toBe(1008);
}, 60_000);

test('a peer that floods a closed socket is not read until it is cut off', async () => {
  await using it = await server();
  using client = await RawClient.open({ port: it.port });
  it.open[0]?.close(4006, 'enough');
  const flood = Buffer.concat(Array.from({ length: 10_000 }, () => frame(Opcode.ping, '')));
  client.send(flood);
  await expect.poll(() => it.open[0]?.isPaused).toBe(true);
  expect(client.closeCode).toBe(4006);
  expect(it.log).toEqual([['close', 4006]]);
  await expect.poll(() => it.log, { timeout: 20_000 }).toEqual([['close', 4006], 'gone']);
});

test('any bytes: never an exception, and every socket ends once', async () => {
  await using it = await server();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), async (chunks) => {
      using client = await RawClient.open({ port: it.port });
      for (const chunk of chunks) client.send(Buffer.from(chunk));
    }),
    { numRuns: 60 },
  );
  await expect.poll(() => it.log.filter((l) => l === 'gone').length).toBe(it.open.length);
  expect(it.log.filter((l) => Array.isArray(l)).length).toBe(it.open.length);
});

test.each([
  ['POST', (text: string) => text.replace('GET', 'POST'), 405],
  ['no key', (text: string) => text.replace(/Sec-WebSocket-Key.*\r\n/, ''), 400],
  ['version 7', (text: string) => text.replace('Version: 13', 'Version: 7'), 400],
  ['h2c', (text: string) => text.replace('Upgrade: websocket', 'Upgrade: h2c'), 400],
  ['a subprotocol twice', (text: string) => text.replace('\r\n\r\n', '\r\nSec-WebSocket-Protocol: a, a\r\n\r\n'), 400],
] as const)('a handshake that is none is refused: %s', async (_name, spoil, status) => {
  await using it = await server();
  const socket = connect(it.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += String(data);
  });
  socket.write(spoil(handshake()));
  await expect.poll(() => answer).toContain(`HTTP/1.1 ${status}`);
  expect(it.open).toEqual([]);
  socket.destroy();
});
