import type { AccessClaims, Grants } from '@tandem/protocol';

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
  readonly grants: Grants;
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
    grants: claims.grants ?? {},
    ...(address === undefined ? {} : { address }),
  };
}
