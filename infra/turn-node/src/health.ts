/** Is coturn there? One STUN binding request (RFC 8489), which it answers without credentials. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

/** @throws Error when no answer comes in time */
export function stunAnswers(address: string, port: number, timeoutMs = 3000): Promise<void> {
  const transaction = randomBytes(12);
  // Binding request, no attributes, magic cookie.
  const request = Buffer.concat([Buffer.from([0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42]), transaction]);
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    const end = (error?: Error) => {
      clearTimeout(timer);
      socket.close();
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(() => end(new Error(`no STUN answer from ${address}:${port}`)), timeoutMs);
    socket.on('error', end);
    socket.on('message', (answer) => {
      if (answer.readUInt16BE(0) === 0x0101 && answer.subarray(8, 20).equals(transaction)) end();
    });
    socket.send(request, port, address);
  });
}
