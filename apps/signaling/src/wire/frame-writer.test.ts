import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { FlushScheduler } from './flush-scheduler.ts';
import { FrameWriter } from './frame-writer.ts';
import { SplicedFrame, suffixesOf } from './spliced-frame.ts';

/** A real pair of sockets with the writer under test on the server's side. */
async function pair(maxBufferedBytes?: number) {
  const http = createServer();
  const wss = new WebSocketServer({ noServer: true });
  const overflows: number[] = [];
  class Writer extends FrameWriter {
    override onOverflow(bytes: number): void {
      overflows.push(bytes);
    }
  }
  const made = new Promise<{ writer: FrameWriter; server: WebSocket; socket: Duplex }>((resolve) => {
    http.on('upgrade', (request, socket, head) =>
      wss.handleUpgrade(request, socket, head, (server) =>
        resolve({
          server,
          socket,
          writer: new Writer(server, socket, new FlushScheduler(), maxBufferedBytes),
        }),
      ),
    );
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  await once(client, 'open');
  return {
    ...(await made),
    client,
    overflows,
    async [Symbol.asyncDispose]() {
      client.terminate();
      (await made).server.terminate();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

test('frames of a turn arrive whole, in order, in one write, at every length class', async () => {
  await using it = await pair();
  const writes: number[] = [];
  const write = it.socket.write.bind(it.socket) as (data: Uint8Array) => boolean;
  it.socket.write = ((data: Uint8Array) => {
    writes.push(data.length);
    return write(data);
  }) as typeof it.socket.write;
  const lengths = [1, 60, 125, 126, 4000, 65_535, 65_536, 70_000];
  const [suffix] = suffixesOf('sender');
  const got: string[] = [];
  it.client.on('message', (data) => got.push(String(data)));
  for (const length of lengths) {
    const body = JSON.stringify({ type: 'x', n: 'é'.repeat(length) });
    const frame = Buffer.from(`??${body}??`);
    it.writer.send(new SplicedFrame(frame, 2, frame.length - 3, suffix as Buffer));
  }
  it.writer.send('{"type":"last"}');
  expect(it.writer.bufferedBytes).toBeGreaterThan(400_000);
  expect(writes).toEqual([]);
  await expect.poll(() => got.length).toBe(lengths.length + 1);
  expect(writes.length).toBe(1);
  expect(got.map((text) => JSON.parse(text))).toEqual([
    ...lengths.map((length) => ({ type: 'offer', n: 'é'.repeat(length), peerId: 'sender' })),
    { type: 'last' },
  ]);
});

test('ping and close keep their place behind pending frames', async () => {
  await using it = await pair();
  const seen: string[] = [];
  it.client.on('message', (data) => seen.push(String(data)));
  it.client.on('ping', () => seen.push('ping'));
  const closed = once(it.client, 'close');
  it.writer.send('1');
  it.writer.ping();
  it.writer.send('2');
  it.writer.close(4003, 'bye');
  it.writer.send('3');
  const [code, reason] = await closed;
  expect([seen, code, String(reason)]).toEqual([['1', 'ping', '2'], 4003, 'bye']);
});

test('what is pending when the peer closes is dropped, and nothing throws', async () => {
  await using it = await pair();
  const closing = once(it.server, 'close');
  it.client.close(1000);
  await closing;
  it.writer.send('late');
  it.writer.ping();
  it.writer.close(1000, '');
  await new Promise((resolve) => setImmediate(resolve));
  expect(it.writer.bufferedBytes).toBe(0);
});

test('a peer that does not read is reported once, and its memory stays bounded', async () => {
  await using it = await pair(256 * 1024);
  it.client.pause();
  const frame = Buffer.alloc(32 * 1024, 'x');
  for (let i = 0; i < 2000 && it.overflows.length === 0; i++) {
    it.writer.send(new SplicedFrame(frame, 0, frame.length));
    if (i % 4 === 3) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(it.overflows.length).toBe(1);
  expect(it.writer.bufferedBytes).toBeLessThan(512 * 1024);
  it.writer.send(new SplicedFrame(frame, 0, frame.length));
  await new Promise((resolve) => setImmediate(resolve));
  expect(it.overflows.length).toBe(1);
});

test('frames behind bytes that wait, as a welcome behind the answer to the handshake, do not take the memory that writes share', async () => {
  await using it = await pair();
  await using other = await pair();
  const memoryOf = ({ socket, writer }: typeof it) => {
    const write = vi.spyOn(socket, 'write');
    writer.send('{"type":"welcome"}');
    writer.flush();
    const [[data]] = write.mock.calls as unknown as [[Buffer]];
    return data.buffer;
  };
  const shared = memoryOf(other);
  it.socket.cork();
  it.socket.write(Buffer.from([0x89, 0]));
  const own = memoryOf(it);
  it.socket.uncork();
  expect(own).not.toBe(shared);
  vi.restoreAllMocks();
  expect(memoryOf(other)).toBe(shared);
});

test('a write that the kernel did not take at once is not overwritten by the next connection', async () => {
  await using slow = await pair(8 << 20);
  await using other = await pair();
  const got: string[] = [];
  slow.client.on('message', (data) => got.push(String(data)));
  slow.client.pause();
  const texts = Array.from({ length: 200 }, (_, i) => JSON.stringify({ i, fill: String(i % 10).repeat(30_000) }));
  for (const text of texts) {
    slow.writer.send(text);
    slow.writer.flush();
    other.writer.send('x'.repeat(40_000));
    other.writer.flush();
  }
  expect(slow.writer.bufferedBytes).toBeGreaterThan(0);
  slow.client.resume();
  await expect.poll(() => got.length, { timeout: 20_000 }).toBe(texts.length);
  expect(got.every((text, i) => text === texts[i])).toBe(true);
});
