import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { unmask } from './unmask.ts';
import { acceptWire, handshakeFault, type WireSocket } from './wire-socket.ts';

const MAX = 100_000;

async function server() {
  const http = createServer();
  const wires: WireSocket[] = [];
  const log: unknown[] = [];
  const texts: string[] = [];
  http.on('upgrade', (request, socket, head) => {
    if (handshakeFault(request)) {
      socket.end(`HTTP/1.1 400 ${handshakeFault(request)}\r\n\r\n`);
      return;
    }
    const wire = acceptWire(request, socket, head, 'signal.v1', MAX);
    wires.push(wire);
    wire.listen({
      onText: (payload) => texts.push(payload.toString()),
      onBinary: () => log.push('binary'),
      onAlive: () => log.push('alive'),
      onClose: (code) => log.push(['close', code]),
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    port,
    wires,
    log,
    texts,
    async [Symbol.asyncDispose]() {
      for (const wire of wires) wire.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

const HANDSHAKE =
  'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

/** A raw client; `frames` is everything the server sent behind its handshake. */
async function raw(port: number, behindHandshake: Buffer = Buffer.alloc(0)) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const received: Buffer[] = [];
  socket.on('data', (data: Buffer) => received.push(data));
  socket.on('error', () => {});
  socket.write(Buffer.concat([Buffer.from(HANDSHAKE), behindHandshake]));
  const all = () => Buffer.concat(received);
  await expect.poll(() => all().includes('\r\n\r\n')).toBe(true);
  return { socket, head: all().toString('latin1'), frames: () => all().subarray(all().indexOf('\r\n\r\n') + 4) };
}

function frame(opcode: number, payload: Buffer | string, { fin = true, rsv = 0, mask = true } = {}): Buffer {
  const body = Buffer.from(payload);
  const n = body.length;
  const length =
    n < 126
      ? [n]
      : n < 65536
        ? [126, n >> 8, n & 0xff]
        : [127, 0, 0, 0, 0, (n >>> 24) & 0xff, (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff];
  length[0] = (length[0] as number) | (mask ? 0x80 : 0);
  const key = [0x11, 0xfe, 0x83, 0x5a];
  if (mask) for (let i = 0; i < n; i++) body[i] = (body[i] as number) ^ (key[i & 3] as number);
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (rsv << 4) | opcode, ...length, ...(mask ? key : [])]), body]);
}

const closeCode = (frames: Buffer): number => {
  const at = frames.lastIndexOf(0x88);
  return frames.readUInt16BE(at + 2);
};
const ended = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

test('speaks with a real client: handshake, subprotocol, texts of every length class, ping and pong, close with code', async () => {
  await using it = await server();
  const client = new WebSocket(`ws://127.0.0.1:${it.port}`, ['signal.v1']);
  await once(client, 'open');
  expect(client.protocol).toBe('signal.v1');
  const sent = [0, 1, 125, 126, 4000, 65_535, 65_536, 99_000].map((n) => 'é'.repeat(n >> 1) + (n & 1 ? 'x' : ''));
  for (const text of sent) client.send(text);
  await expect.poll(() => it.texts).toEqual(sent);
  client.ping('hello');
  const [pong] = (await once(client, 'pong')) as [Buffer];
  expect(String(pong)).toBe('hello');
  it.wires[0]?.ping();
  await once(client, 'ping');
  client.send(Buffer.from('bytes'));
  await expect.poll(() => it.log.includes('binary')).toBe(true);
  client.close(4123, 'enough');
  const [code] = await once(client, 'close');
  expect(code).toBe(4123);
  await expect.poll(() => it.log.at(-1)).toEqual(['close', 4123]);
});

test('closes with its own code and reason, and ends the TCP connection', async () => {
  await using it = await server();
  const client = new WebSocket(`ws://127.0.0.1:${it.port}`, ['signal.v1']);
  await once(client, 'open');
  it.wires[0]?.close(4003, 'a moderator');
  it.wires[0]?.close(4004, 'only the first counts');
  const [code, reason] = await once(client, 'close');
  expect([code, String(reason)]).toEqual([4003, 'a moderator']);
  await expect.poll(() => it.log.at(-1)).toEqual(['close', 4003]);
});

test('a close without a code is 1005, a torn connection 1006', async () => {
  await using it = await server();
  const a = await raw(it.port);
  a.socket.write(frame(8, ''));
  await ended(a.socket);
  await expect.poll(() => it.log).toEqual([['close', 1005]]);
  const b = await raw(it.port);
  b.socket.destroy();
  await expect
    .poll(() => it.log)
    .toEqual([
      ['close', 1005],
      ['close', 1006],
    ]);
});

test('frames cut anywhere, and in one packet with the handshake, arrive whole', async () => {
  await using it = await server();
  const messages = ['a', 'b'.repeat(200), 'c'.repeat(70_000), '', 'd'.repeat(130)];
  const stream = Buffer.concat(messages.map((m) => frame(1, m)));
  const first = await raw(it.port, stream);
  await expect.poll(() => it.texts).toEqual(messages);
  it.texts.length = 0;
  for (let at = 0; at < 300; at++) {
    first.socket.write(stream.subarray(at, at + 1));
    if (at % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  for (let at = 300; at < stream.length; at += 9_001) {
    first.socket.write(stream.subarray(at, at + 9_001));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await expect.poll(() => it.texts).toEqual(messages);
  first.socket.destroy();
});

test('fragments are put together, with control frames between them', async () => {
  await using it = await server();
  const client = await raw(it.port);
  client.socket.write(
    Buffer.concat([
      frame(1, 'one ', { fin: false }),
      frame(9, 'p'),
      frame(0, '', { fin: false }),
      frame(0, 'two ', { fin: false }),
      frame(0, 'three'),
      frame(1, 'next'),
    ]),
  );
  await expect.poll(() => it.texts).toEqual(['one two three', 'next']);
  expect(client.frames()).toEqual(Buffer.from([0x8a, 1, 0x70]));
  client.socket.destroy();
});

describe('what breaks the protocol is told and cut off', () => {
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
    ['a close with a forbidden code', frame(8, Buffer.from([0x03, 0xee])), 1002],
    ['a close reason that is not UTF-8', frame(8, Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ['a frame over the limit, announced only', frame(1, 'x'.repeat(MAX + 1)).subarray(0, 20), 1009],
    ['a length of 2^63', Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1009],
    [
      'fragments that add up to too much',
      Buffer.concat([frame(1, 'x'.repeat(60_000), { fin: false }), frame(0, 'x'.repeat(60_000))]),
      1009,
    ],
    [
      'endless small fragments',
      Buffer.concat([
        frame(1, 'x', { fin: false }),
        ...Array.from({ length: 1100 }, () => frame(0, 'y', { fin: false })),
      ]),
      1009,
    ],
  ])('%s', async (_name, bytes, code) => {
    await using it = await server();
    const client = await raw(it.port);
    client.socket.write(Buffer.concat([bytes, frame(1, 'never read')]));
    await expect.poll(() => client.frames().length).toBeGreaterThan(3);
    expect(closeCode(client.frames().subarray(-Math.min(client.frames().length, 80)))).toBe(code);
    client.socket.end();
    await expect.poll(() => it.log).toEqual([['close', code]]);
    expect(it.texts).toEqual([]);
  });
});

test('any bytes: never an exception, never more than the limit kept', async () => {
  await using it = await server();
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), async (chunks) => {
      const client = await raw(it.port);
      for (const chunk of chunks) client.socket.write(chunk);
      client.socket.destroy();
    }),
    { numRuns: 60 },
  );
  await expect.poll(() => it.log.filter((l) => Array.isArray(l)).length).toBe(it.wires.length);
});

test.each(['POST', 'no key', 'version 8', 'h2c'])('a handshake that is none is refused: %s', async (fault) => {
  await using it = await server();
  const socket = connect(it.port, '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => {
    answer += String(data);
  });
  const text =
    fault === 'POST'
      ? HANDSHAKE.replace('GET', 'POST')
      : fault === 'no key'
        ? HANDSHAKE.replace(/Sec-WebSocket-Key.*\r\n/, '')
        : fault === 'version 8'
          ? HANDSHAKE.replace('Version: 13', 'Version: 8')
          : HANDSHAKE.replace('Upgrade: websocket', 'Upgrade: h2c');
  socket.write(text);
  await expect.poll(() => answer).toContain('HTTP/1.1 400');
  socket.destroy();
});

test('unmask undoes masking at every alignment and length', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.nat({ max: 9 }),
      (payload, key, offset) => {
        const b = Buffer.alloc(offset + 4 + payload.length + 5, 7);
        b.set(key, offset);
        for (let i = 0; i < payload.length; i++) b[offset + 4 + i] = (payload[i] as number) ^ (key[i & 3] as number);
        unmask(b, offset + 4, offset + 4 + payload.length);
        expect([...b.subarray(offset + 4, offset + 4 + payload.length)]).toEqual([...payload]);
        expect([...b.subarray(offset + 4 + payload.length)]).toEqual([7, 7, 7, 7, 7]);
        expect([...b.subarray(offset, offset + 4)]).toEqual([...key]);
      },
    ),
    { numRuns: 2000 },
  );
});
