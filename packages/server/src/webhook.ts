/** Verification of webhooks by the specification of Standard Webhooks. */
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { WebhookError } from './errors.ts';

/** A webhook's body. */
export interface WebhookEvent {
  /** Stable: the same event sent again has the same id. */
  readonly id: string;
  readonly type: string;
  /** When it happened; RFC 3339. */
  readonly timestamp: string;
  /** Absent: of no room. */
  readonly roomId?: string;
  /** Tells this use of the room from others of its name. */
  readonly roomSid?: string;
  /** Grows from event to event of a room; a gap is an event that was given up. */
  readonly sequence?: number;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Headers as Node, Express, Fastify (`request.headers`) or fetch (`Headers`) have them. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

/** How strictly {@link verifyWebhook} looks. */
export interface VerifyWebhookOptions {
  /** How far the timestamp may be from now in either direction, s. Default 300, as the specification's libraries have it. */
  readonly toleranceSeconds?: number | undefined;
  /** Time now, ms since the epoch. Default: the machine's clock. */
  readonly now?: number | undefined;
}

/** Most signatures of one request that are looked at. */
const MAX_SIGNATURES = 16;

/**
 * The event of a webhook, if it was signed with one of `secrets` within the last minutes.
 *
 * ```ts
 * const event = verifyWebhook(await request.text(), request.headers, [secretNow, secretBefore]);
 * ```
 *
 * @param rawBody the bytes as they came: a body that was parsed and written again is another one
 * @param secrets `whsec_…` (shared secret) or `whpk_…` (public key, Ed25519); during a rotation two of them
 * @throws WebhookError answer with 400
 * @throws TypeError a secret or the body is of the wrong kind: a mistake of the receiver's
 */
export function verifyWebhook<Event = WebhookEvent>(
  rawBody: string | Uint8Array,
  headers: WebhookHeaders,
  secrets: string | readonly string[],
  { toleranceSeconds = 300, now = Date.now() }: VerifyWebhookOptions = {},
): Event {
  if (typeof rawBody !== 'string' && !(rawBody instanceof Uint8Array))
    throw new TypeError('verifyWebhook: rawBody must be the bytes or the string as received, not a parsed body');
  const keys = (typeof secrets === 'string' ? [secrets] : secrets).map(keyOf);
  if (keys.length === 0) throw new TypeError('verifyWebhook: no secret');
  const header = (name: string) => {
    const value = headerOf(headers, name);
    if (!value) throw new WebhookError('header_missing', `the header ${name} is missing`);
    return value;
  };
  const id = header('webhook-id');
  const timestamp = header('webhook-timestamp');
  const signatures = header('webhook-signature').split(' ', MAX_SIGNATURES);
  if (!/^\d{1,12}$/.test(timestamp)) throw new WebhookError('timestamp_invalid', 'webhook-timestamp is not in seconds');
  if (!(Math.abs(now / 1000 - Number(timestamp)) <= toleranceSeconds))
    throw new WebhookError(
      'timestamp_out_of_range',
      'webhook-timestamp is too far from now: sent again, or a clock is wrong',
    );
  const body = Buffer.from(rawBody as string);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  if (!keys.some((accepts) => signatures.some((signature) => accepts(signed, signature))))
    throw new WebhookError('signature_mismatch', 'no signature is that of a secret');
  try {
    return JSON.parse(body.toString()) as Event;
  } catch {
    throw new WebhookError('body_invalid', 'the body is no JSON');
  }
}

type Verifier = (signed: Buffer, signature: string) => boolean;

/** @throws TypeError without the secret in it */
function keyOf(secret: string): Verifier {
  const [, kind, text] = /^(whsec_|whpk_)?([A-Za-z0-9+/]+={0,2})$/.exec(String(secret).trim()) ?? [];
  if (text === undefined) throw new TypeError('verifyWebhook: a secret is not whsec_… or whpk_… in base64');
  const bytes = Buffer.from(text, 'base64');
  if (kind === 'whpk_') {
    if (bytes.length !== 32) throw new TypeError('verifyWebhook: a public key has not 32 bytes');
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    return (signed, signature) => signature.startsWith('v1a,') && verify(null, signed, key, bytesOf(signature));
  }
  return (signed, signature) => {
    if (!signature.startsWith('v1,')) return false;
    const expected = createHmac('sha256', bytes).update(signed).digest();
    const given = bytesOf(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  };
}

const bytesOf = (signature: string) => Buffer.from(signature.slice(signature.indexOf(',') + 1), 'base64');

function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof headers.get === 'function')
    return (headers as { get(name: string): string | null }).get(name) ?? undefined;
  const found = Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  return typeof found === 'string' ? found : (found as readonly string[] | undefined)?.[0];
}
