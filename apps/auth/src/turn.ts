/** TURN credentials by the REST-API scheme of coturn: user `<expiry>:<name>`, password base64(HMAC-SHA1(secret, user)). */
import { createHash, createHmac } from 'node:crypto';
import { isGuest } from './access/guest.ts';
import type { Settings } from './settings.ts';

/**
 * The name that coturn counts quotas by and that revocations end: a short hash, so that relays learn no user ids and any id
 * fits STUN's limits. The same user has the same name on every relay. A guest's id proves nothing, so a guest's name is that of
 * the session: nobody fills the quota or ends the relay of another guest by taking the same id.
 */
export function turnUserName(access: Settings['access'], bearer: { sub: string; session_id: string }): string {
  const who = isGuest(access, bearer.sub) ? `session ${bearer.session_id}` : bearer.sub;
  return createHash('sha256').update(who).digest('base64url').slice(0, 22);
}

/**
 * @param name of {@link turnUserName}
 * @param secret the first of TURN_SECRETS; coturn accepts several, so the next is added there before it signs here
 */
export function turnCredentials(
  name: string,
  secret: string,
  expiresAt: number,
): { username: string; credential: string } {
  const username = `${expiresAt}:${name}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}
