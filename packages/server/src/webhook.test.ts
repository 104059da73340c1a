/**
 * By the specification's own vectors: libraries/javascript/src/webhook.test.ts and libraries/go/webhook_asymmetric_test.go of
 * github.com/standard-webhooks/standard-webhooks.
 */
import { createHmac, createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { WebhookError } from './errors.ts';
import { verifyWebhook } from './webhook.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const ID = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
const AT = 1614265330;
const BODY = '{"test": 2432232314}';
const SIGNATURE = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=';
const ED_SEED = 'VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=';
const ED_SIGNATURE = 'v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==';
/** Another secret's signature, in the tests of the specification's libraries. */
const OTHERS = 'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=';

const headers = (more: object = {}): Record<string, string> => ({
  ...{ 'webhook-id': ID, 'webhook-timestamp': String(AT), 'webhook-signature': SIGNATURE },
  ...more,
});
const now = AT * 1000;

/** The public half of an Ed25519 seed, as `whpk_`. */
function publicKeyOf(seed: string): string {
  // RFC 8410 section 7: the PKCS #8 frame of an Ed25519 seed.
  const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.from(seed, 'base64')]);
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  return `whpk_${Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')}`;
}

test('the vectors of the specification', () => {
  const event = { test: 2432232314 };
  expect(verifyWebhook(BODY, headers(), SECRET, { now })).toEqual(event);
  expect(verifyWebhook(BODY, headers(), SECRET.slice('whsec_'.length), { now })).toEqual(event);
  expect(verifyWebhook(Buffer.from(BODY), new Headers(headers()), [SECRET], { now })).toEqual(event);
  const asymmetric = headers({ 'webhook-signature': ED_SIGNATURE });
  expect(verifyWebhook(BODY, asymmetric, publicKeyOf(ED_SEED), { now })).toEqual(event);
});

test('any of several signatures by any of two secrets; names of headers in either case', () => {
  const other = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD';
  const many = headers({ 'webhook-signature': [OTHERS, OTHERS.replace('v1', 'v2'), SIGNATURE, OTHERS].join(' ') });
  expect(verifyWebhook(BODY, many, [other, SECRET], { now })).toBeDefined();
  const written = { 'Webhook-Id': ID, 'Webhook-Timestamp': [String(AT)], 'Webhook-Signature': SIGNATURE };
  expect(verifyWebhook(BODY, written, SECRET, { now })).toBeDefined();
  expect(() => verifyWebhook(BODY, many, other, { now })).toThrow(WebhookError);
});

test.each<[string, string, object, string]>([
  ['no id', BODY, { 'webhook-id': '' }, 'header_missing'],
  ['no timestamp', BODY, { 'webhook-timestamp': undefined }, 'header_missing'],
  ['no signature', BODY, { 'webhook-signature': undefined }, 'header_missing'],
  ['a timestamp in words', BODY, { 'webhook-timestamp': 'hello' }, 'timestamp_invalid'],
  ['a timestamp with more behind it', BODY, { 'webhook-timestamp': `${AT}.5` }, 'timestamp_invalid'],
  ['a signature of another secret', BODY, { 'webhook-signature': OTHERS }, 'signature_mismatch'],
  ['half a signature', BODY, { 'webhook-signature': SIGNATURE.slice(0, 8) }, 'signature_mismatch'],
  ['an empty signature', BODY, { 'webhook-signature': 'v1,' }, 'signature_mismatch'],
  ['another scheme', BODY, { 'webhook-signature': SIGNATURE.replace('v1', 'v2') }, 'signature_mismatch'],
  ['another id', BODY, { 'webhook-id': 'msg_2' }, 'signature_mismatch'],
  ['another timestamp', BODY, { 'webhook-timestamp': String(AT + 1) }, 'signature_mismatch'],
  ['another body', `${BODY} `, {}, 'signature_mismatch'],
  [
    'the seventeenth signature',
    BODY,
    { 'webhook-signature': `${`${OTHERS} `.repeat(16)}${SIGNATURE}` },
    'signature_mismatch',
  ],
])('%s is refused', (_what, body, more, code) => {
  const refusal = (secret: string) => {
    try {
      return verifyWebhook(body, headers(more), secret, { now });
    } catch (error) {
      return (error as WebhookError).code;
    }
  };
  expect(refusal(SECRET)).toBe(code);
  // The public key of an endpoint makes no shared secret.
  expect(refusal(publicKeyOf(ED_SEED))).toBe(code);
});

test('five minutes either way, and no more', () => {
  const at = (offset: number) => () => verifyWebhook(BODY, headers(), SECRET, { now: now + offset * 1000 });
  for (const offset of [-300, 300]) expect(at(offset)()).toBeDefined();
  for (const offset of [-301, 301]) expect(at(offset)).toThrow(/too far from now/);
  expect(() => verifyWebhook(BODY, headers(), SECRET)).toThrow(/too far from now/);
});

test('a body that is signed and no JSON; mistakes of the receiver are no refusals', () => {
  const text = 'hello';
  const mac = createHmac('sha256', Buffer.from(SECRET.slice(6), 'base64'))
    .update(`${ID}.${AT}.${text}`)
    .digest('base64');
  const signed = headers({ 'webhook-signature': `v1,${mac}` });
  expect(() => verifyWebhook(text, signed, SECRET, { now })).toThrow(/no JSON/);
  expect(() => verifyWebhook({ test: 1 } as never, headers(), SECRET, { now })).toThrow(TypeError);
  for (const secret of ['', 'whsec_', 'not base64!', 'whpk_AAAA', []])
    expect(() => verifyWebhook(BODY, headers(), secret, { now })).toThrow(TypeError);
});
