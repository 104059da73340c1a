/** What the ways to a token share: the body, and what is wrong with it. */
import { ProblemError } from '@tandem/service';
import type { Static } from 'typebox';
import { GUEST } from '../../access/guest.ts';
import type { TokenBody } from '../schemas.ts';

export type TokenRequest = Static<typeof TokenBody>;

export function requireUserId(body: TokenRequest): string {
  if (body.userId === undefined)
    throw new ProblemError(400, 'invalid_field', 'body/userId is missing: say who the token is for', {
      field: '/userId',
    });
  return body.userId;
}

export function refuseGuestName(userId: string, field: string): void {
  if (userId.startsWith(GUEST))
    throw new ProblemError(403, 'user_refused', `An id may not begin with ${GUEST}`, { field });
}

const KNOWN = ['userId', 'name', 'grants'];

/**
 * A misspelled field would silently give the default: `grant` in place of `grants` gives every room. A token exchange is held to
 * RFC 6749 section 3.2 instead: an OAuth server ignores parameters that it does not know.
 */
export function refuseUnknownFields(body: TokenRequest, known: readonly string[] = KNOWN): void {
  for (const name of Object.keys(body)) {
    if (known.includes(name)) continue;
    const field = `/${name.slice(0, 64).replace(/~/g, '~0').replace(/\//g, '~1').toWellFormed()}`;
    throw new ProblemError(400, 'invalid_field', `body${field} is not known here; known: ${known.join(', ')}`, {
      field,
    });
  }
}
