/** How STUN messages reach a TURN server: UDP, TCP or TLS over TCP. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { HEADER_BYTES } from './stun-message.ts';
import type { TurnUri } from './turn-uri.ts';

export interface TurnWire extends Disposable {
  /** True where a message may be lost, so that a request must be repeated. */
  readonly lossy: boolean;
  send(message: Buffer): void;
  /** Called with each whole message. */
  onMessage: (message: Buffer) => void;
  /** Called once when the connection breaks. */
  onError: (error: Error) => void;
}

/** @throws Error when the name does not resolve, nothing listens, or the certificate does not fit the name */
export function openWire(uri: TurnUri, timeoutMs: number): Promise<TurnWire> {
  return uri.transport === 'udp' ? openUdp(uri) : openStream(uri, timeoutMs);
}

async function openUdp(uri: TurnUri): Promise<TurnWire> {
  const { address, family } = await lookup(uri.host);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.connect(uri.port, address);
  await once(socket, 'connect');
  const wire: TurnWire = {
    lossy: true,
    send: (message) => socket.send(message),
    onMessage: () => {},
    onError: () => {},
    [Symbol.dispose]: () => socket.close(),
  };
  socket.on('message', (message) => wire.onMessage(message));
  socket.on('error', (error) => wire.onError(error));
  return wire;
}

async function openStream(uri: TurnUri, timeoutMs: number): Promise<TurnWire> {
  const { host, port } = uri;
  const socket: Socket =
    uri.transport === 'tls'
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }) })
      : connectTcp({ host, port });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)));
  try {
    await once(socket, uri.transport === 'tls' ? 'secureConnect' : 'connect');
  } catch (error) {
    socket.destroy();
    throw error;
  }
  socket.setTimeout(0);
  const wire: TurnWire = {
    lossy: false,
    send: (message) => void socket.write(message),
    onMessage: () => {},
    onError: () => {},
    [Symbol.dispose]: () => socket.destroy(),
  };
  let unread: Buffer = Buffer.alloc(0);
  socket.on('data', (data: Buffer) => {
    unread = Buffer.concat([unread, data]);
    // A message says its own length, of 16 bits, so that `unread` is bounded by it.
    while (unread.length >= HEADER_BYTES) {
      const length = HEADER_BYTES + unread.readUInt16BE(2);
      if (unread.length < length) break;
      wire.onMessage(unread.subarray(0, length));
      unread = unread.subarray(length);
    }
  });
  socket.on('error', (error) => wire.onError(error));
  socket.on('close', () => wire.onError(new Error('the server closed the connection')));
  return wire;
}
