/** Who may ask for streams: good tokens, and no address any number of times. */
import { type AccessClaims, isRoomId, mayEnter } from '@tandem/protocol';
import { clientAddress, ipKey, ProblemError, type RateLimiter, TokenError, type TokenVerifier } from '@tandem/service';
import type { FastifyRequest } from 'fastify';

export interface Door {
  readonly verifier: Pick<TokenVerifier, 'verify'>;
  readonly isRevoked: (claims: AccessClaims) => boolean;
  /** Proxies in front that append to X-Forwarded-For. */
  readonly trustedProxies: number;
  /** What each address has left. */
  readonly addresses: RateLimiter;
}

export type EndpointRequest = FastifyRequest<{ Params: { room: string } }>;

/** The token was revoked. */
export const revoked = () => new ProblemError(401, 'revoked', 'Your token was revoked.', { field: 'authorization' });

/** Who asks, and for which room. @throws ProblemError 404 for a name that no room has, 401, 403, 429, 503 when no key could be fetched yet */
export async function authenticate(request: EndpointRequest, door: Door) {
  const { verifier, isRevoked } = door;
  const { room } = request.params;
  if (!isRoomId(room)) throw new ProblemError(404, 'room_unknown', 'That is no room id.');
  const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token === undefined)
    throw new ProblemError(401, 'missing', 'No token: send `Authorization: Bearer <token>`.', {
      field: 'authorization',
    });
  const address = await limitAddress(request, door);
  try {
    const claims = await verifier.verify(token);
    if (!mayEnter(claims.grants, room))
      throw new ProblemError(403, 'forbidden', 'Your token does not grant this room.');
    if (isRevoked(claims)) throw revoked();
    return { room, token, claims, address };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    if (error.reason === 'unavailable') throw new ProblemError(503, 'unavailable', error.message, { retryAfter: 1 });
    throw new ProblemError(401, error.reason, error.message, {
      field: 'authorization',
      challenge: 'Bearer error="invalid_token"',
    });
  }
}

/** Takes one of what the client's address has left. @returns the address, as it is counted @throws ProblemError 429 */
export async function limitAddress(request: FastifyRequest, { addresses, trustedProxies }: Door): Promise<string> {
  const address = ipKey(clientAddress(request.raw, trustedProxies));
  const wait = await addresses.take(address);
  if (wait !== undefined)
    throw new ProblemError(429, 'rate_limited', 'Too many requests of this network address.', { retryAfter: wait });
  return address;
}
