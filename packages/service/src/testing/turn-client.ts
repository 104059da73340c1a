/** A TURN client over UDP (RFC 8656) for tests: one allocation, its refreshes and permissions, and every error code. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

export interface TurnAllocation extends Disposable {
  /** Port of the relayed address. */
  readonly relayPort: number;
  /** @returns 0 when it was refreshed, else the error code: 437 is "no such allocation", 401 "credentials refused" */
  refresh(seconds?: number): Promise<number>;
  /**
   * Ask to reach a peer (CreatePermission, RFC 8656 section 9); nothing is sent to it.
   * @param peer IP address of the allocation's own family
   * @returns 0 when it is allowed, else the error code: 403 is "this peer is denied"
   */
  permit(peer: string): Promise<number>;
  /** Have the relay send to a permitted peer (Send indication, RFC 8656 section 11); nothing answers. */
  sendTo(peer: string, port: number, data: Uint8Array): void;
}

/** An error answer of the server, such as 401 (credentials refused) or 486 (quota reached). */
export class TurnError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`TURN error ${code}`);
    this.code = code;
  }
}

const MAGIC = 0x2112a442;
const [ALLOCATE, REFRESH, CREATE_PERMISSION, SEND] = [0x0003, 0x0004, 0x0008, 0x0016];
const [USERNAME, INTEGRITY, ERROR, LIFETIME, PEER, DATA, REALM, NONCE, RELAYED, FAMILY, TRANSPORT] = [
  0x06, 0x08, 0x09, 0x0d, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x19,
];

function attribute(type: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

function header(type: number, length: number, transaction: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(length, 2);
  head.writeUInt32BE(MAGIC, 4);
  return Buffer.concat([head, transaction]);
}

function attributesOf(message: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 20; at + 4 <= message.length; ) {
    const length = message.readUInt16BE(at + 2);
    found.set(message.readUInt16BE(at), message.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return found;
}

const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** The 16 bytes of an IPv6 address, or the 4 of an IPv4 address. */
function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser writes a dotted tail as two groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text = '') => text.split(':').filter(Boolean);
  const left = groups(head);
  const right = groups(tail);
  const zeros = Array<string>(8 - left.length - right.length).fill('0');
  const bytes = Buffer.alloc(16);
  for (const [i, group] of [...left, ...zeros, ...right].entries())
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  return bytes;
}

/** XOR-PEER-ADDRESS (RFC 8489 section 14.2). */
function peerAddress(address: string, transaction: Buffer, peerPort = 9): Buffer {
  const mask = Buffer.concat([number(MAGIC), transaction]);
  const bytes = addressBytes(address).map((byte, i) => byte ^ (mask[i] ?? 0));
  const port = peerPort ^ (MAGIC >>> 16);
  return attribute(PEER, Buffer.from([0, bytes.length === 4 ? 1 : 2, port >>> 8, port & 255, ...bytes]));
}

/**
 * Allocate at a TURN server on the loopback. Disposing closes the socket; the allocation ends at its lifetime, as that of a
 * browser that crashed.
 * @param family of the relayed address and of the server's own, 127.0.0.1 or ::1. Default 4
 * @throws TurnError when the server refuses
 */
export async function allocate(
  port: number,
  user: { username: string; credential: string },
  { family = 4 }: { family?: 4 | 6 } = {},
): Promise<TurnAllocation> {
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  const server = family === 6 ? '::1' : '127.0.0.1';
  let realm: Buffer | undefined;
  let nonce: Buffer | undefined;

  function signed(type: number, transaction: Buffer, body: Buffer[]): Buffer {
    if (!realm || !nonce) return Buffer.concat([header(type, Buffer.concat(body).length, transaction), ...body]);
    const attributes = Buffer.concat([
      ...body,
      attribute(USERNAME, Buffer.from(user.username)),
      attribute(REALM, realm),
      attribute(NONCE, nonce),
    ]);
    // The length covers the integrity attribute, its HMAC what stands before it (RFC 8489 section 14.5).
    const text = Buffer.concat([header(type, attributes.length + 24, transaction), attributes]);
    const key = createHash('md5').update(`${user.username}:${realm}:${user.credential}`).digest();
    return Buffer.concat([text, attribute(INTEGRITY, createHmac('sha1', key).update(text).digest())]);
  }

  function send(type: number, bodyOf: (transaction: Buffer) => Buffer[]): Promise<Map<number, Buffer>> {
    const transaction = randomBytes(12);
    const request = signed(type, transaction, bodyOf(transaction));
    return new Promise((resolve, reject) => {
      let tries = 0;
      const again = () => (tries++ < 20 ? socket.send(request, port, server) : end(new Error('no TURN answer')));
      const repeat = setInterval(again, 500);
      const end = (error?: Error, answer?: Map<number, Buffer>) => {
        clearInterval(repeat);
        socket.off('message', read);
        if (answer) resolve(answer);
        else reject(error);
      };
      const read = (message: Buffer) => {
        if (message.subarray(8, 20).equals(transaction)) end(undefined, attributesOf(message));
      };
      socket.on('message', read);
      again();
    });
  }

  /** Takes up the challenge and stale nonces. */
  async function request(
    type: number,
    bodyOf: (transaction: Buffer) => Buffer[],
  ): Promise<{ code: number; answer: Map<number, Buffer> }> {
    for (let round = 0; ; round++) {
      const answer = await send(type, bodyOf);
      const error = answer.get(ERROR);
      if (!error) return { code: 0, answer };
      const code = (error[2] ?? 0) * 100 + (error[3] ?? 0);
      const challenged = (code === 401 && !nonce) || code === 438;
      if (!challenged || round > 2) return { code, answer };
      realm = answer.get(REALM);
      nonce = answer.get(NONCE);
    }
  }

  const { code, answer } = await request(ALLOCATE, () => [
    attribute(TRANSPORT, number(17 << 24)),
    ...(family === 6 ? [attribute(FAMILY, Buffer.from([2, 0, 0, 0]))] : []),
  ]).catch((error) => {
    socket.close();
    throw error;
  });
  if (code !== 0) {
    socket.close();
    throw new TurnError(code);
  }
  return {
    relayPort: (answer.get(RELAYED)?.readUInt16BE(2) ?? 0) ^ (MAGIC >>> 16),
    refresh: async (seconds = 600) => (await request(REFRESH, () => [attribute(LIFETIME, number(seconds))])).code,
    permit: async (peer) => (await request(CREATE_PERMISSION, (transaction) => [peerAddress(peer, transaction)])).code,
    sendTo: (peer, peerPort, data) => {
      const transaction = randomBytes(12);
      const body = Buffer.concat([peerAddress(peer, transaction, peerPort), attribute(DATA, data)]);
      socket.send(Buffer.concat([header(SEND, body.length, transaction), body]), port, server);
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
