/** A TURN client over UDP (RFC 8656) for tests: makes one allocation, refreshes it, and tells every error code. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

export interface TurnAllocation extends Disposable {
  /** Port of the relayed address. */
  readonly relayPort: number;
  /** @returns 0 when it was refreshed, else the error code: 437 is "no such allocation", 401 "credentials refused" */
  refresh(seconds?: number): Promise<number>;
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
const [ALLOCATE, REFRESH] = [0x0003, 0x0004];
const [USERNAME, INTEGRITY, ERROR, LIFETIME, REALM, NONCE, RELAYED, TRANSPORT] = [
  0x06, 0x08, 0x09, 0x0d, 0x14, 0x15, 0x16, 0x19,
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

/**
 * Allocate at a TURN server on the loopback. Disposing closes the socket; the allocation ends at its lifetime, as that of a
 * browser that crashed.
 * @throws TurnError when the server refuses
 */
export async function allocate(port: number, user: { username: string; credential: string }): Promise<TurnAllocation> {
  const socket = createSocket('udp4');
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

  function send(type: number, body: Buffer[]): Promise<Map<number, Buffer>> {
    const transaction = randomBytes(12);
    const request = signed(type, transaction, body);
    return new Promise((resolve, reject) => {
      let tries = 0;
      const again = () => (tries++ < 20 ? socket.send(request, port, '127.0.0.1') : end(new Error('no TURN answer')));
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
  async function request(type: number, body: Buffer[]): Promise<{ code: number; answer: Map<number, Buffer> }> {
    for (let round = 0; ; round++) {
      const answer = await send(type, body);
      const error = answer.get(ERROR);
      if (!error) return { code: 0, answer };
      const code = (error[2] ?? 0) * 100 + (error[3] ?? 0);
      const challenged = (code === 401 && !nonce) || code === 438;
      if (!challenged || round > 2) return { code, answer };
      realm = answer.get(REALM);
      nonce = answer.get(NONCE);
    }
  }

  const { code, answer } = await request(ALLOCATE, [attribute(TRANSPORT, number(17 << 24))]).catch((error) => {
    socket.close();
    throw error;
  });
  if (code !== 0) {
    socket.close();
    throw new TurnError(code);
  }
  return {
    relayPort: (answer.get(RELAYED)?.readUInt16BE(2) ?? 0) ^ (MAGIC >>> 16),
    refresh: async (seconds = 600) => (await request(REFRESH, [attribute(LIFETIME, number(seconds))])).code,
    [Symbol.dispose]: () => socket.close(),
  };
}
