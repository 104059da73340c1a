/** Who may record: a backend with the scopes, or a person whose access token grants `record`. */
import type { AccessClaims, ApiScope, BackendClaims } from '@tandem/protocol';
import {
  authenticateBackend,
  ProblemError,
  type RevocationWatch,
  TokenError,
  type TokenVerifier,
} from '@tandem/service';

export interface BearerChecks {
  readonly verifier: Pick<TokenVerifier, 'verify' | 'verifyBackend'>;
  readonly revocations: Pick<RevocationWatch, 'isRevoked'>;
}

const SCOPES: readonly ApiScope[] = ['recordings:read', 'recordings:write'];

/**
 * @param authorization value of that header
 * @returns the claims of a backend; of a person those that are as good as its grant
 * @throws ProblemError 401; 403 without the grant; 503 while the keys of auth are not known yet
 */
export async function authenticateRecorder(
  authorization: string | undefined,
  checks: BearerChecks,
): Promise<BackendClaims> {
  const token = /^Bearer +([^\s,]+)$/i.exec(authorization ?? '')?.[1];
  let claims: AccessClaims;
  try {
    claims = await checks.verifier.verify(token);
  } catch (error) {
    if (error instanceof TokenError && error.reason === 'expired')
      throw new ProblemError(401, 'token_expired', 'The token has expired.', { field: 'authorization' });
    // Of another audience, or none of ours: as a backend's it is read, or refused in words.
    if (error instanceof TokenError) return authenticateBackend(authorization, checks);
    throw error;
  }
  if (checks.revocations.isRevoked(claims))
    throw new ProblemError(401, 'token_revoked', 'The login of this token was revoked.', { field: 'authorization' });
  if (claims.grants?.record !== true)
    throw new ProblemError(403, 'grant_missing', 'Your token does not grant recording (`record`).', {
      field: 'authorization',
    });
  const { iss, aud, sub, session_id, jti, iat, exp, grants } = claims;
  return {
    ...{ iss, aud, session_id, jti, iat, exp },
    // Never taken for an API key of that name.
    sub: `user:${sub}`,
    scope: SCOPES.join(' '),
    rooms: grants.rooms ?? ['*'],
  };
}
