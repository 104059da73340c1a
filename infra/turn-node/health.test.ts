/** What the agent takes for an answer of coturn. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { stunAnswers } from './src/health.ts';

async function bound(): Promise<Socket & Disposable> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
}

/** RFC 8489 section 5: a binding success response with the transaction of `request`. */
function successOf(request: Buffer): Buffer {
  const answer = Buffer.from(request.subarray(0, 20));
  answer.writeUInt16BE(0x0101, 0);
  return answer;
}

test('an answer comes from the server itself, whatever a stranger sends to that port', async () => {
  using server = await bound();
  using stranger = await bound();
  server.on('message', (request, { port }) => {
    for (const datagram of [Buffer.from([1]), Buffer.alloc(0), successOf(request)])
      stranger.send(datagram, port, '127.0.0.1');
  });
  await expect(stunAnswers('127.0.0.1', server.address().port, 300)).rejects.toThrow('no STUN answer');
});

test('a datagram that is too short is no answer, and the right one behind it is', async () => {
  using server = await bound();
  server.on('message', (request, { port }) => {
    for (const datagram of [Buffer.alloc(0), Buffer.from([1]), Buffer.from([1, 1]), successOf(request)])
      server.send(datagram, port, '127.0.0.1');
  });
  await stunAnswers('127.0.0.1', server.address().port);
});
