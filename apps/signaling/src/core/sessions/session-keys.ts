/** The names, secrets and marks by which clients and the store know a session. */
import { hash } from 'node:crypto';
import type { IdentityKey, WriteMark } from '../../backplane/types.ts';
import { quotaUser } from '../identity.ts';
import type { Session } from '../model.ts';

/** The mark of the session's next write: nothing written before it counts after it. */
export function markOf({ epoch, order }: Session): WriteMark {
  return { epoch, order };
}

/** `welcome.sessionToken`: the session's name and its secret. */
export function sessionToken(session: { peerId: string; secret: string }): string {
  return `${session.peerId}.${session.secret}`;
}

export function parseSessionToken(token: string): { peerId: string; secret: string } | undefined {
  const at = token.lastIndexOf('.');
  return at < 1 ? undefined : { peerId: token.slice(0, at), secret: token.slice(at + 1) };
}

export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** Under what the store counts a session for its user's quota. */
export function identityKey({ identity: { userId, loginSession, grants }, guest }: Session): IdentityKey {
  return { userId: quotaUser(userId, guest), loginSession: grants.duplicate === 'allow' ? '' : loginSession };
}
