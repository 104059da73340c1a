import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { expect, test } from 'vitest';
import { ecdsaDer } from './ecdsa-der.ts';

/** A number of 32 bytes. */
const word = (hex: string) => hex.padStart(64, '0');

test.each([
  ['small numbers', word('01'), word('7f'), '3006 0201 01 0201 7f'],
  ['zero', word('00'), word('00'), '3006 0201 00 0201 00'],
  ['a first bit that is no sign', word('80'), word('ff01'), '3009 0202 0080 0203 00ff01'],
  ['whole words', 'ff'.repeat(32), '7f'.repeat(32), `3045 0221 00${'ff'.repeat(32)} 0220 ${'7f'.repeat(32)}`],
])('%s', (_name, r, s, der) => {
  expect(ecdsaDer(Buffer.from(r + s, 'hex'))?.toString('hex')).toBe(der.replaceAll(' ', ''));
});

test('another length is no signature', () => {
  for (const length of [0, 1, 63, 65, 96]) expect(ecdsaDer(Buffer.alloc(length, 1))).toBeUndefined();
});

test('OpenSSL takes it as it takes the other form', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  for (let i = 0; i < 300; i++) {
    const data = Buffer.from(`${i}`);
    const signature = sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' });
    expect(verify('sha256', data, publicKey, ecdsaDer(signature) as Buffer)).toBe(true);
    signature[i % 64] = (signature[i % 64] as number) ^ 1;
    expect(verify('sha256', data, publicKey, ecdsaDer(signature) as Buffer)).toBe(false);
  }
});
