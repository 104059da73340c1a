/** Standard Webhooks 1.0.0: symmetric signatures `v1`. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';

/** A signing secret, as receivers keep it: `whsec_` and base64 of 32 bytes. */
export const newSecret = () => `${PREFIX}${randomBytes(32).toString('base64')}`;

/**
 * @param secrets all of them sign: the present one and, for a day after a rotation, the one before
 * @param at when this try is made, ms since the epoch; receivers refuse old ones
 */
export function signatureHeaders(id: string, body: string, secrets: readonly string[], at: number) {
  const timestamp = String(Math.floor(at / 1000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
