/** Who asks the server API (`/v1`), and what it may: the same in each service that serves a part of it. */
import { type ApiScope, type BackendClaims, mayEnter } from '@tandem/protocol';
import { isRoomId } from '@tandem/protocol/names';
import { ProblemError } from './problem.ts';
import type { RevocationWatch } from './revocation.ts';
import { TokenError } from './token-error.ts';
import type { TokenVerifier } from './verify.ts';

export interface BackendChecks {
  readonly verifier: Pick<TokenVerifier, 'verifyBackend'>;
  readonly revocations: Pick<RevocationWatch, 'isRevoked'>;
}

/**
 * @param authorization value of that header
 * @throws ProblemError 401; 503 while the keys of auth are not known yet
 */
export async function authenticateBackend(
  authorization: string | undefined,
  { verifier, revocations }: BackendChecks,
): Promise<BackendClaims> {
  const token = /^Bearer +([^\s,]+)$/i.exec(authorization ?? '')?.[1];
  const refused = (code: string, why: string) =>
    new ProblemError(401, code, why, { field: 'authorization', challenge: 'Bearer error="invalid_token"' });
  if (token?.startsWith('tk_'))
    throw refused('token_refused', 'An API key is for auth: get a backend token from POST /auth/token.');
  try {
    const claims = await verifier.verifyBackend(token);
    if (revocations.isRevoked(claims)) throw refused('token_revoked', 'The API key of this token was revoked.');
    return claims;
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    if (error.reason === 'unavailable')
      throw new ProblemError(503, 'unavailable', 'The keys of auth are not there yet; try again soon.', {
        retryAfter: 2,
      });
    throw refused(`token_${CODES[error.reason] ?? 'refused'}`, `The backend token was refused: ${error.message}.`);
  }
}
const CODES: Readonly<Record<string, string>> = { missing: 'missing', expired: 'expired' };

/** @throws ProblemError 403 */
export function requireScope(claims: BackendClaims, scope: ApiScope): void {
  if (claims.scope.split(' ').includes(scope)) return;
  throw new ProblemError(403, 'scope_missing', `The backend token needs the scope ${scope}.`, {
    field: 'authorization',
    challenge: `Bearer error="insufficient_scope", scope="${scope}"`,
  });
}

/** @throws ProblemError 400, 403 */
export function requireRoom(claims: BackendClaims, roomId: string, field: string): void {
  if (!isRoomId(roomId))
    throw new ProblemError(400, 'invalid_field', `${field} is no room id (rule S-29)`, { field: `/${field}` });
  if (!mayEnter(claims, roomId))
    throw new ProblemError(403, 'room_refused', 'The API key is not for that room.', { field: `/${field}` });
}
