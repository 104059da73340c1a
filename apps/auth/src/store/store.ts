/** What auth remembers: login sessions with their refresh tokens, nonces, API keys, revocations. No secret in the clear. */
import type { ApiScope, Grants } from '@tandem/protocol';
import type { DependencyHealth, NewRevocation, RevocationSet } from '@tandem/service';

export type AccessMethod = 'open' | 'api-key' | 'oidc';

/** Live login sessions of one user. */
export const MAX_SESSIONS_PER_USER = 100;

/** One login, from one device. Times are seconds since the epoch. */
export interface SessionRecord {
  readonly id: string;
  readonly userId: string;
  readonly name?: string;
  readonly grants?: Grants;
  readonly method: AccessMethod;
  /** Id of the API key, or the OpenID issuer. */
  readonly via?: string;
  readonly createdAt: number;
  /** Ends then, however used. */
  readonly expiresAt: number;
}

/** Hashes of the refresh token family of a session; see refresh-token.ts. */
export interface RefreshHashes {
  readonly family: string;
  readonly current: string;
  /** Of the token after `current`, which is sent to no client before a rotation to it was written. */
  readonly successor: string;
  /** Makes the next token out of the present one; useless without the present one, which is stored as a hash only. */
  readonly successorKey: string;
}

export interface StoredSession {
  readonly record: SessionRecord;
  readonly lastUsedAt: number;
  readonly successorKey: string;
  /** Hash of the family secret. */
  readonly family: string;
}

export interface RotateRequest {
  readonly family: string;
  readonly presented: string;
  readonly next: string;
  /** Hash of the token after `next`. */
  readonly afterNext: string;
  /** Hash of the client's Idempotency-Key, or what only this request has; empty: it is not repeated. */
  readonly retry: string;
}

/**
 * `rotated`: done. `restored`: done too, and the rotation before it, which the store had lost in a failover.
 * `retry`: the same request again (same `retry`, within 60 s): the same successor stands.
 * `reused`: a token of this family that was used before; the session is now deleted. `unknown`: no such session, or a guess.
 */
export type RotateOutcome = 'rotated' | 'restored' | 'retry' | 'reused' | 'unknown';

/** An API key; the secret part is a SHA-256 (it is 256 random bits, so a slow hash would add nothing). */
export interface ApiKeyRecord {
  readonly id: string;
  readonly hash: string;
  /** Ceiling of what tokens may be granted. */
  readonly grants: Grants;
  /** User ids it may speak for: exact, or with a trailing `*`. */
  readonly users: string;
  /** What backend tokens of it may do at the server API, in the rooms that `grants` names. Absent: nothing. */
  readonly scopes?: readonly ApiScope[];
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

/** Every method throws UnavailableError when the store is away. */
export interface AuthStore extends AsyncDisposable {
  /** `memory`: this process only. */
  readonly kind: 'memory' | 'redis';
  /**
   * Also gives it a place among its user's sessions, of which there are {@link MAX_SESSIONS_PER_USER}: beyond them those that would end
   * first are over. A session without its place is none.
   */
  createSession(record: SessionRecord, refresh: RefreshHashes, idleSeconds: number, now: number): Promise<void>;
  getSession(id: string, now: number): Promise<StoredSession | undefined>;
  /** One atomic step. */
  rotate(id: string, request: RotateRequest, idleSeconds: number, now: number): Promise<RotateOutcome>;
  listSessions(userId: string, now: number): Promise<StoredSession[]>;
  /** @returns whether it existed */
  deleteSession(id: string, userId: string): Promise<boolean>;
  putNonce(hash: string, seconds: number, now: number): Promise<void>;
  /** True exactly once for a nonce that was put and has not run out. */
  takeNonce(hash: string, now: number): Promise<boolean>;
  /** True for the first caller with this key within `seconds`. */
  first(key: string, seconds: number, now: number): Promise<boolean>;
  getApiKey(id: string): Promise<ApiKeyRecord | undefined>;
  putApiKey(record: ApiKeyRecord): Promise<void>;
  listApiKeys(): Promise<ApiKeyRecord[]>;
  /** Reaches every node, and {@link revocations} of this process before it resolves. */
  revoke(revocation: NewRevocation): Promise<void>;
  /** In force now, as far as this process has heard. */
  readonly revocations: RevocationSet;
  health(): DependencyHealth;
}
