/**
 * The two forms of an ECDSA signature. JWS has r and s side by side (RFC 7518 section 3.4), OpenSSL takes ASN.1 (RFC 3279 section
 * 2.2.3). node:crypto converts by itself, and to learn the size of r it sets the curve up anew for each signature:
 * a fifth more (`npm run bench -- joins` prints both).
 */

const HALF = 32;

/** A P-256 signature of a JWS as DER; undefined when it is none by its length. */
export function ecdsaDer(signature: Buffer): Buffer | undefined {
  if (signature.length !== 2 * HALF) return undefined;
  const out = Buffer.allocUnsafe(2 + 2 * (3 + HALF));
  const end = writeInteger(out, writeInteger(out, 2, signature, 0), signature, HALF);
  out[0] = 0x30;
  out[1] = end - 2;
  return out.subarray(0, end);
}

/** Positive and as short as can be: no leading zeros, but one where the first bit is set. @returns offset behind it */
function writeInteger(out: Buffer, at: number, signature: Buffer, from: number): number {
  const to = from + HALF;
  let first = from;
  while (first < to - 1 && signature[first] === 0) first++;
  const sign = (signature[first] as number) >>> 7;
  out[at] = 0x02;
  out[at + 1] = sign + to - first;
  out[at + 2] = 0;
  return at + 2 + sign + signature.copy(out, at + 2 + sign, first, to);
}
