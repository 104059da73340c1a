/** STUN messages (RFC 8489) as bytes: only what a TURN client (RFC 8656) needs. */
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { isIPv6 } from 'node:net';

const MAGIC_COOKIE = 0x2112a442;
export const HEADER_BYTES = 20;

/** Method and class, as the first two bytes hold them. */
export const TYPE = {
  allocate: 0x0003,
  refresh: 0x0004,
  createPermission: 0x0008,
  sendIndication: 0x0016,
  dataIndication: 0x0017,
} as const;

export const ATTRIBUTE = {
  username: 0x0006,
  integrity: 0x0008,
  errorCode: 0x0009,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedTransport: 0x0019,
} as const;

/** Address and UDP port of a peer or a relay. */
export interface TransportAddress {
  readonly address: string;
  readonly port: number;
}

/** Credentials of the long-term mechanism (RFC 8489 section 9.2), with what the server's challenge told. */
export interface Credentials {
  readonly username: string;
  readonly credential: string;
  readonly realm: Buffer;
  readonly nonce: Buffer;
}

export interface StunMessage {
  readonly type: number;
  /** Transaction id, 12 bytes. */
  readonly transaction: Buffer;
  readonly attributes: ReadonlyMap<number, Buffer>;
}

export const newTransaction = (): Buffer => randomBytes(12);

/** One attribute, padded to four bytes. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function header(type: number, length: number, transaction: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(length, 2);
  head.writeUInt32BE(MAGIC_COOKIE, 4);
  return Buffer.concat([head, transaction]);
}

/** A message; with credentials it is signed (MESSAGE-INTEGRITY over HMAC-SHA1, the one that coturn takes). */
export function encode(type: number, transaction: Buffer, body: readonly Buffer[], user?: Credentials): Buffer {
  if (!user) return Buffer.concat([header(type, Buffer.concat(body).length, transaction), ...body]);
  const attributes = Buffer.concat([
    ...body,
    attribute(ATTRIBUTE.username, Buffer.from(user.username)),
    attribute(ATTRIBUTE.realm, user.realm),
    attribute(ATTRIBUTE.nonce, user.nonce),
  ]);
  // The length covers the integrity attribute (24 bytes); the HMAC covers what stands before it (RFC 8489 section 14.5).
  const text = Buffer.concat([header(type, attributes.length + 24, transaction), attributes]);
  const key = createHash('md5').update(`${user.username}:${user.realm}:${user.credential}`).digest();
  return Buffer.concat([text, attribute(ATTRIBUTE.integrity, createHmac('sha1', key).update(text).digest())]);
}

/** @returns the message, or undefined when the bytes are no whole STUN message */
export function decode(bytes: Buffer): StunMessage | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  if (bytes.readUInt16BE(2) !== bytes.length - HEADER_BYTES) return undefined;
  const attributes = new Map<number, Buffer>();
  for (let at = HEADER_BYTES; at + 4 <= bytes.length; ) {
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    if (at + 4 + length > bytes.length) return undefined;
    // Of two equal attributes the first one counts (RFC 8489 section 14).
    if (!attributes.has(type)) attributes.set(type, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return { type: bytes.readUInt16BE(0), transaction: bytes.subarray(8, HEADER_BYTES), attributes };
}

/** The error code of an error response (RFC 8489 section 14.8), or 0. */
export function errorCode(message: StunMessage): number {
  const value = message.attributes.get(ATTRIBUTE.errorCode);
  return value && value.length >= 4 ? (value[2] ?? 0) * 100 + (value[3] ?? 0) : 0;
}

function xorMask(transaction: Buffer): Buffer {
  return Buffer.concat([uint32(MAGIC_COOKIE), transaction]);
}

/** XOR-PEER-ADDRESS and its kind (RFC 8489 section 14.2). */
export function encodeAddress({ address, port }: TransportAddress, transaction: Buffer): Buffer {
  const bytes = addressBytes(address);
  const mask = xorMask(transaction);
  const head = Buffer.from([0, bytes.length === 16 ? 2 : 1, 0, 0]);
  head.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  return Buffer.concat([head, bytes.map((byte, i) => byte ^ (mask[i] ?? 0))]);
}

/** @returns the address, or undefined when the attribute is malformed */
export function decodeAddress(value: Buffer | undefined, transaction: Buffer): TransportAddress | undefined {
  const family = value?.[1];
  if (!value || !((family === 1 && value.length === 8) || (family === 2 && value.length === 20))) return undefined;
  const mask = xorMask(transaction);
  const bytes = value.subarray(4).map((byte, i) => byte ^ (mask[i] ?? 0));
  const address =
    family === 1
      ? [...bytes].join('.')
      : Array.from({ length: 8 }, (_, i) => (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16)).join(
          ':',
        );
  return { address, port: value.readUInt16BE(2) ^ (MAGIC_COOKIE >>> 16) };
}

function addressBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  // The URL parser expands nothing, so the groups are written out here; an IPv4 tail is not used by relays.
  const [head = '', tail] = address.split('::');
  const groups = (text: string) => (text ? text.split(':') : []);
  const [left, right] = [groups(head), groups(tail ?? '')];
  const all = tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.concat(
    all.map((group) => {
      const bytes = Buffer.alloc(2);
      bytes.writeUInt16BE(Number.parseInt(group, 16) & 0xffff);
      return bytes;
    }),
  );
}
