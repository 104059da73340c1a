/** Where signing keys come from. */
import type { DependencyHealth } from '@tandem/service';
import type { JWK } from 'jose';

export type TokenAlgorithm = 'ES256' | 'EdDSA';

export interface PublishedKey {
  readonly kid: string;
  readonly alg: TokenAlgorithm;
  /** Public part only. */
  readonly jwk: JWK;
}

export interface SigningKey extends PublishedKey {
  /** JWS signature (RFC 7518: raw r‖s for ES256). */
  sign(data: Uint8Array): Promise<Uint8Array>;
}

export interface KeySet {
  readonly signing: SigningKey;
  /** Everything in the JWKS, the signing key included. */
  readonly published: readonly PublishedKey[];
  /** What the same keys say at another moment; absent where time changes nothing. Keeps processes in step between loads. */
  readonly at?: (now: number) => KeySet;
}

export interface KeySource {
  /** For logs: kind and place, no secret. */
  readonly description: string;
  /** The keys for this moment; rotates by itself where it may. @throws when the source is away or wrong */
  load(now: number): Promise<KeySet>;
  /** Whether it signs now; absent where signing needs no service. */
  health?(): DependencyHealth;
}
