/** What was ended, for the audit log. */
export interface Revoked {
  readonly kind: 'token' | 'session' | 'user';
  readonly sub: string;
  readonly sessionId?: string;
  readonly jti?: string;
}
