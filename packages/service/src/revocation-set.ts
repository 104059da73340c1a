/** What a revocation is, whom it hits, and all that are in force. */
import type { AccessClaims } from '@tandem/protocol';
import Type, { type Static } from 'typebox';

const RelayRevocation = Type.Object(
  {
    user: Type.String({ minLength: 1, maxLength: 64, description: 'User part of the TURN credentials.' }),
    session: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'Session part. Absent: every session of the user.' }),
    ),
    until: Type.Integer({
      description: 'Seconds since the epoch; credentials that expire up to then were issued before.',
    }),
  },
  { description: 'Whose relay ends with it.' },
);
export type RelayRevocation = Static<typeof RelayRevocation>;

export const Revocation = Type.Object({
  kind: Type.Union([Type.Literal('jti'), Type.Literal('session'), Type.Literal('user')], {
    description: 'One access token, all tokens of a login session, or all tokens of a user issued up to `at`.',
  }),
  id: Type.String({ minLength: 1, maxLength: 128, description: '`jti`, `session_id` or `sub`.' }),
  at: Type.Integer({ description: 'When, seconds since the epoch.' }),
  exp: Type.Integer({ description: 'Seconds since the epoch; no token that this hits is valid after it.' }),
  relay: Type.Optional(RelayRevocation),
});
export type Revocation = Static<typeof Revocation>;

/** What of the claims decides. */
export type RevocableClaims = Pick<AccessClaims, 'jti' | 'session_id' | 'sub' | 'iat'>;

/** Does this revocation hit the bearer of `claims`? A user's new login, after the revocation, is not hit. */
export function revocationApplies(revocation: Revocation, claims: RevocableClaims): boolean {
  if (revocation.kind === 'jti') return revocation.id === claims.jti;
  if (revocation.kind === 'session') return revocation.id === claims.session_id;
  return revocation.id === claims.sub && claims.iat <= revocation.at;
}

/** When nothing that it hits is valid any more, seconds. */
export const revocationEnd = ({ exp, relay }: Revocation): number => Math.max(exp, relay?.until ?? 0);

/** Both in one. Lives of tokens are settings: a later revocation may end earlier than the one before it. */
function wider(old: Revocation, next: Revocation): Revocation {
  const [at, exp] = [Math.max(old.at, next.at), Math.max(old.exp, next.exp)];
  const relay = (old.relay?.until ?? 0) > (next.relay?.until ?? 0) ? old.relay : next.relay;
  return { ...next, at, exp, ...(relay ? { relay } : {}) };
}

/** All revocations in force, in memory; lookups cost three map reads. */
export class RevocationSet {
  readonly #entries = new Map<string, Revocation>();
  #sweepAt = 0;

  /** @returns true when it is news */
  add(revocation: Revocation, nowSeconds = Math.floor(Date.now() / 1000)): boolean {
    if (nowSeconds >= this.#sweepAt) {
      this.#sweepAt = nowSeconds + 60;
      for (const [key, entry] of this.#entries) if (revocationEnd(entry) + 120 < nowSeconds) this.#entries.delete(key);
    }
    const key = `${revocation.kind}:${revocation.id}`;
    const old = this.#entries.get(key);
    if (old && old.at >= revocation.at && old.exp >= revocation.exp) return false;
    this.#entries.set(key, old ? wider(old, revocation) : revocation);
    return true;
  }

  isRevoked(claims: RevocableClaims): boolean {
    const user = this.#entries.get(`user:${claims.sub}`);
    return (
      this.#entries.has(`jti:${claims.jti}`) ||
      this.#entries.has(`session:${claims.session_id}`) ||
      (user !== undefined && revocationApplies(user, claims))
    );
  }

  /** When all tokens of this user up to then were revoked, seconds; undefined if not. */
  userRevokedAt(sub: string): number | undefined {
    return this.#entries.get(`user:${sub}`)?.at;
  }

  get size(): number {
    return this.#entries.size;
  }

  values(): Revocation[] {
    return [...this.#entries.values()];
  }
}
