import { hash } from 'node:crypto';
import type { AccessClaims, Grants } from '@tandem/protocol';
import { ipKey } from '@tandem/service';
import type { Given } from '../backplane/room-grants.ts';

/** Who holds a socket, as its verified token says. */
export interface Identity {
  readonly userId: string;
  /** `session_id` of the token: the login session, revocable and bannable as a whole. */
  readonly loginSession: string;
  readonly jti: string;
  /** When the token was issued, seconds since the epoch: a user's revocation hits only tokens from before it. */
  readonly issuedAt?: number;
  /** End of the token, ms since the epoch. */
  readonly expiresAt: number;
  readonly name?: string;
  /** `userId` and `name` are self-chosen. */
  readonly guest?: boolean;
  readonly grants: Grants;
  /** What a backend says of it in its room: part of its metadata, whatever its client says. */
  readonly given?: Given;
  /** Client address behind the proxies, for limits. */
  readonly address?: string;
}

export function identityOf(claims: AccessClaims, address?: string): Identity {
  return {
    userId: claims.sub,
    loginSession: claims.session_id,
    jti: claims.jti,
    issuedAt: claims.iat,
    expiresAt: claims.exp * 1000,
    ...(claims.name === undefined ? {} : { name: claims.name }),
    ...(claims.guest ? { guest: true } : {}),
    grants: claims.grants ?? {},
    ...(address === undefined ? {} : { address }),
  };
}

/** What `welcome` and `resumed` say of its token: how long it is good. The clock of a client may be wrong. */
export function tokenLife({ expiresAt }: Identity): { readonly tokenExpiresInMs?: number } {
  return Number.isFinite(expiresAt) ? { tokenExpiresInMs: Math.max(0, Math.round(expiresAt - Date.now())) } : {};
}

/**
 * What stands for a guest in the store, fixed when its session begins: `<seat>.<login session>`. Its seat in a full room is that of its
 * id at its address, its quota that of its login session, as anybody can take a guest's id.
 */
export function guestKey({ guest, userId, loginSession, address = '' }: Identity): string | undefined {
  if (!guest) return undefined;
  return `${hash('sha256', `${ipKey(address)} ${userId}`, 'base64url').slice(0, 16)}.${loginSession}`;
}

/** Whom the limits of one user count: a proven user, or one login session of a guest. */
export function quotaUser(userId: string, guest: string | undefined): string {
  return guest === undefined ? userId : `guest ${guest.slice(guest.indexOf('.') + 1)}`;
}

/** The same before there is a session. */
export const quotaUserOf = (identity: Identity) => quotaUser(identity.userId, guestKey(identity));
