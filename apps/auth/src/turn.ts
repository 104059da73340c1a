/** TURN credentials by the REST-API scheme of coturn: user `<expiry>:<name>`, password base64(HMAC-SHA1(secret, user)). */
import { createHash, createHmac } from 'node:crypto';

/**
 * The name that coturn counts quotas by and prints in its logs and sessions: a short hash of the user id, so that relays
 * learn no user ids and any id fits STUN's limits. The same user has the same name on every relay.
 */
export function turnUserName(sub: string): string {
  return createHash('sha256').update(sub).digest('base64url').slice(0, 22);
}

/** @param secret the first of TURN_SECRETS; coturn accepts several, so the next is added there before it signs here */
export function turnCredentials(
  sub: string,
  secret: string,
  expiresAt: number,
): { username: string; credential: string } {
  const username = `${expiresAt}:${turnUserName(sub)}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}
