import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  ATTRIBUTE,
  attribute,
  decode,
  decodeAddress,
  encode,
  encodeAddress,
  errorCode,
  TYPE,
  uint32,
} from './stun-message.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s+/g, ''), 'hex');

/** RFC 5769 section 2.4: request with long-term authentication, its MESSAGE-INTEGRITY at the end. */
const LONG_TERM = hex(`
  00010060 2112a442 78ad3433 c6ad72c0 29da412e
  00060012 e3839ee3 8388e383 aae38383 e382af e382b9 0000
  0015001c 662f2f34 39396b39 35346436 4f4c3334 6f4c3946 53547679 36347341
  0014000b 6578616d 706c652e 6f726700
  00080014 f67024656dd64a3e02b8e0712e85c9a28ca89666`);

test('a request of RFC 5769 (section 2.4) is read, and its integrity is what our own signature gives', () => {
  const message = decode(LONG_TERM);
  const value = (type: number) => message?.attributes.get(type) ?? Buffer.alloc(0);
  const user = {
    username: value(ATTRIBUTE.username).toString(),
    credential: 'TheMatrIX',
    realm: value(ATTRIBUTE.realm),
    nonce: value(ATTRIBUTE.nonce),
  };
  expect([user.username, user.realm.toString(), user.nonce.toString()]).toEqual([
    'マトリックス',
    'example.org',
    'f//499k954d6OL34oL9FSTvy64sA',
  ]);
  const key = createHash('md5').update(`${user.username}:${user.realm}:${user.credential}`).digest();
  const integrity = (text: Buffer) => createHmac('sha1', key).update(text.subarray(0, -24)).digest();
  expect(integrity(LONG_TERM)).toEqual(value(ATTRIBUTE.integrity));
  // Ours has the attributes in another order, so its HMAC is another one by the same rule.
  const ours = encode(0x0001, message?.transaction ?? Buffer.alloc(12), [], user);
  expect(decode(ours)?.attributes.get(ATTRIBUTE.integrity)).toEqual(integrity(ours));
});

test('addresses of RFC 5769 (sections 2.2 and 2.3), IPv4 and IPv6, both ways', () => {
  const transaction = hex('b7e7a701 bc34d686 fa87dfae');
  const four = hex('0001a147 e112a643');
  expect(decodeAddress(four, transaction)).toEqual({ address: '192.0.2.1', port: 32_853 });
  expect(encodeAddress({ address: '192.0.2.1', port: 32_853 }, transaction)).toEqual(four);
  const six = hex('0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9');
  expect(decodeAddress(six, transaction)).toEqual({ address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32_853 });
  expect(encodeAddress({ address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32_853 }, transaction)).toEqual(six);
  expect(decodeAddress(encodeAddress({ address: '2001:db8::1', port: 1 }, transaction), transaction)).toEqual({
    address: '2001:db8:0:0:0:0:0:1',
    port: 1,
  });
});

test('bytes that are no whole message, and attributes that lie about their length, are refused', () => {
  const transaction = Buffer.alloc(12, 1);
  const whole = encode(TYPE.allocate, transaction, [attribute(ATTRIBUTE.lifetime, uint32(600))]);
  expect(decode(whole)?.attributes.get(ATTRIBUTE.lifetime)).toEqual(uint32(600));
  for (let end = 0; end < whole.length; end += 1) expect(decode(whole.subarray(0, end))).toBeUndefined();
  expect(decode(Buffer.concat([whole, Buffer.alloc(4)]))).toBeUndefined();
  const lying = Buffer.from(whole);
  lying.writeUInt16BE(5000, 22);
  expect(decode(lying)).toBeUndefined();
  const foreign = Buffer.from(whole);
  foreign.writeUInt32BE(7, 4);
  expect(decode(foreign)).toBeUndefined();
  for (const bytes of ['', '00', '0001a147', '0003a147e112a643', '0002a147e112a643'])
    expect(decodeAddress(hex(bytes), transaction)).toBeUndefined();
  const error = decode(encode(0x0113, transaction, [attribute(ATTRIBUTE.errorCode, Buffer.from([0, 0, 4, 1]))]));
  expect(error && errorCode(error)).toBe(401);
});
