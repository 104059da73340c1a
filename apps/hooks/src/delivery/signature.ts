/**
 * Standard Webhooks 1.0.0: symmetric signatures `v1`, asymmetric ones `v1a`.
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
import { createHmac, createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';

/** `v1`: HMAC-SHA256 with a secret that both sides keep. `v1a`: Ed25519; only this service can sign. */
export const SIGNATURES = ['v1', 'v1a'] as const;
export type SignatureScheme = (typeof SIGNATURES)[number];

const SHARED = 'whsec_';
const PRIVATE = 'whsk_';
const PUBLIC = 'whpk_';
/** RFC 8410 section 7: what stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');
/** 32 random bytes in base64, behind `whsec_` (shared) or `whsk_` (the private half of a pair). */
export const newSecret = (scheme: SignatureScheme = 'v1') =>
  `${scheme === 'v1' ? SHARED : PRIVATE}${randomBytes(32).toString('base64')}`;

/** `whpk_…`, by which receivers verify; undefined: the secret is a shared one. */
export function publicKeyOf(secret: string): string | undefined {
  if (!secret.startsWith(PRIVATE)) return undefined;
  const { x = '' } = createPublicKey(privateKeyOf(secret)).export({ format: 'jwk' });
  return `${PUBLIC}${Buffer.from(x, 'base64url').toString('base64')}`;
}

/** What a receiver keeps: the shared secret, or the public half. */
export const receiverKeyOf = (secret: string) => publicKeyOf(secret) ?? secret;

/**
 * @param secrets all of them sign: the present one and, for a day after a rotation, the one before
 * @param at when this try is made, ms since the epoch; receivers refuse old ones
 */
export function signatureHeaders(id: string, body: string, secrets: readonly string[], at: number) {
  const timestamp = String(Math.floor(at / 1000));
  const signed = `${id}.${timestamp}.${body}`;
  const signatures = secrets.map((secret) => signatureOf(secret, signed));
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

function signatureOf(secret: string, signed: string): string {
  if (secret.startsWith(PRIVATE))
    return `v1a,${sign(null, Buffer.from(signed), privateKeyOf(secret)).toString('base64')}`;
  const key = Buffer.from(secret.slice(SHARED.length), 'base64');
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

function privateKeyOf(secret: string): KeyObject {
  const key = Buffer.concat([PKCS8, Buffer.from(secret.slice(PRIVATE.length), 'base64')]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
