/** Why a token was refused. `unavailable` is not the token's fault: no keys could be had yet; try later. */
export type TokenRefusal =
  | 'missing'
  | 'too_large'
  | 'malformed'
  | 'algorithm'
  | 'embedded_key'
  | 'unknown_key'
  | 'signature'
  | 'expired'
  | 'not_yet'
  | 'issuer'
  | 'audience'
  | 'claims'
  | 'unavailable';

/** Thrown by a {@link TokenVerifier}. The message never quotes the token. */
export class TokenError extends Error {
  override name = 'TokenError';
  readonly reason: TokenRefusal;
  /** Claim or header at fault, if there is one. */
  readonly field: string | undefined;
  constructor(reason: TokenRefusal, message: string, field?: string) {
    super(message);
    this.reason = reason;
    this.field = field;
  }
}
