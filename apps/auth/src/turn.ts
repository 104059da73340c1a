/**
 * TURN credentials by the REST-API scheme of coturn: password base64(HMAC-SHA1(secret, user)), and in the user an expiry.
 *
 * coturn takes the expiry on either side of the first colon, counts quotas by the other side, and reads no further than the
 * digits. So `<name>:<expiry>:<session>` is counted by user, and a revocation can still end the relay of one session alone.
 */
import { createHash, createHmac, randomInt } from 'node:crypto';
import { ipKey } from '@tandem/service';
import { isGuest } from './access/guest.ts';
import type { Settings } from './settings.ts';

type Bearer = { readonly sub: string; readonly session_id: string };

/** Never all digits, or coturn would take the name for the expiry. */
const hash = (text: string, length: number) =>
  `u${createHash('sha256').update(text).digest('base64url').slice(0, length)}`;

/** UUID, and behind it the group. */
const GROUPED = /^[0-9a-f-]{36}-([A-Za-z0-9_-]{16})$/;

/**
 * The quota at the relay that a new guest gets: one of `groups` that all guests of its address share, so that one address has at most
 * that number, however many guests it makes. Under a secret, as ids of sessions are logged and addresses are not.
 */
export function guestRelayGroup(address: string, secret: string, groups: number): string {
  const group = `guests ${ipKey(address)} ${randomInt(groups)}`;
  return createHmac('sha256', secret).update(group).digest('base64url').slice(0, 16);
}

/**
 * The name that coturn counts quotas by: a short hash, so that relays learn no user ids and any id fits STUN's limits. The same
 * user has the same name on every relay. A guest's id proves nothing, so a guest's name is that of its group, which its session id
 * carries: taking the same id does not fill the quota of a guest elsewhere.
 */
export function turnUserName(access: Settings['access'], { sub, session_id }: Bearer): string {
  if (!isGuest(access, sub)) return hash(sub, 22);
  return hash(`session ${GROUPED.exec(session_id)?.[1] ?? session_id}`, 22);
}

export const turnSessionName = (sessionId: string) => hash(sessionId, 16);

/** @param secret the first of TURN_SECRETS; coturn accepts several, so the next is added there before it signs here */
export function turnCredentials(
  access: Settings['access'],
  bearer: Bearer,
  secret: string,
  expiresAt: number,
): { username: string; credential: string } {
  const username = `${turnUserName(access, bearer)}:${expiresAt}:${turnSessionName(bearer.session_id)}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}
