/**
 * Refresh tokens: `tr1.<session id>.<family secret>.<turn>`.
 *
 * The family secret stays the same in a session and proves that a presented token once was ours: an old token with the
 * right family secret is a reuse (the family is revoked), one with a wrong secret is only a guess (no session ends
 * by guessing). `turn` changes at each use. The store holds SHA-256 hashes; all parts are 256 random bits or an HMAC.
 *
 * The next turn is an HMAC of the present one under a key of the session. So a client that lost the answer may repeat its
 * request with the same `Idempotency-Key` and gets the same successor, without any plain token being stored.
 *
 * The store also holds the hash of the token after the present one. If a failover loses a rotation whose answer was sent,
 * the client has that token, the store the one before: it is recognized as the newest, not as a reuse. A thief gains
 * nothing by it: that token is sent only after the rotation to it was written, so it is the newest one, and a copy of the
 * newest one was always worth one use. What is left is as before: the store takes the token before it for unused, so a copy of
 * that gets the same successor that its owner has, and the second of the two to use it ends the session.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RefreshHashes } from './store/store.ts';

const PATTERN = /^tr1\.([A-Za-z0-9_-]{8,64})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{43})$/;

export const sha256 = (text: string) => createHash('sha256').update(text).digest('base64url');
const secret = () => randomBytes(32).toString('base64url');

export interface ParsedRefreshToken {
  readonly sessionId: string;
  readonly family: string;
  readonly turn: string;
}

/** @returns undefined when it has not the shape of one */
export function parseRefreshToken(token: string): ParsedRefreshToken | undefined {
  const match = token.length <= 256 ? PATTERN.exec(token) : null;
  if (!match) return undefined;
  const [, sessionId = '', family = '', turn = ''] = match;
  return { sessionId, family, turn };
}

/** Does the token prove that its family was ours? Before it does, nothing is charged to anybody, and nothing ends. */
export function isOfFamily(token: ParsedRefreshToken, familyHash: string): boolean {
  const [own, other] = [Buffer.from(sha256(token.family)), Buffer.from(familyHash)];
  return own.length === other.length && timingSafeEqual(own, other);
}

const turnAfter = (turn: string, successorKey: string) =>
  createHmac('sha256', successorKey).update(turn).digest('base64url');

/** The first token of a new session, and what the store keeps of it. */
export function firstRefreshToken(sessionId: string): { token: string; hashes: RefreshHashes } {
  const family = secret();
  const turn = secret();
  const successorKey = secret();
  const successor = sha256(turnAfter(turn, successorKey));
  const hashes = { family: sha256(family), current: sha256(turn), successor, successorKey };
  return { token: `tr1.${sessionId}.${family}.${turn}`, hashes };
}

/** The token after `present`, and the hash of the one after that. */
export function successorOf(
  present: ParsedRefreshToken,
  successorKey: string,
): { token: string; hash: string; afterHash: string } {
  const turn = turnAfter(present.turn, successorKey);
  return {
    token: `tr1.${present.sessionId}.${present.family}.${turn}`,
    hash: sha256(turn),
    afterHash: sha256(turnAfter(turn, successorKey)),
  };
}
