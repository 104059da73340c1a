/** A person with an ID token of the OpenID provider (token exchange, RFC 8693). */
import { Grants } from '@tandem/protocol';
import { ProblemError } from '@tandem/service';
import type { FastifyRequest } from 'fastify';
import type { JWTPayload } from 'jose';
import { Check } from 'typebox/value';
import type { Oidc } from '../../access/oidc.ts';
import type { AuthContext } from '../../context.ts';
import { narrow, withoutUnknownGrants } from '../../grants.ts';
import { type IssuedToken, issueSession } from '../../issue-session.ts';
import { takeUser } from '../../limits.ts';
import { sha256 } from '../../refresh-token.ts';
import { refuseGuestName, type TokenRequest } from './request.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';

type IdToken = JWTPayload & { sub: string; exp: number };

export async function idTokenGrant(
  ctx: AuthContext,
  body: TokenRequest,
  request: FastifyRequest,
): Promise<IssuedToken & { issued_token_type: string }> {
  const { oidc, subjectToken } = readExchange(ctx, body);
  const payload = await oidc.verify(subjectToken);
  await spendIdToken(ctx, subjectToken, payload);
  refuseGuestName(payload.sub, '/subject_token');
  // OpenID allows 255 characters; ours hold 128.
  const userId = payload.sub.length <= 120 ? payload.sub : sha256(payload.sub);
  // The name in a token is one that it proves: what the bearer calls itself is for its metadata.
  const name = typeof payload.name === 'string' ? payload.name.slice(0, 64).toWellFormed() : undefined;
  const grants = narrow(grantsOf(ctx, payload), body.grants, { by: 'bearer' });
  await takeUser(ctx, userId);
  const issued = await issueSession(
    ctx,
    { userId, name, grants, method: 'oidc', via: ctx.config.OIDC_ISSUER },
    request,
  );
  return { ...issued, issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
}

function readExchange(ctx: AuthContext, body: TokenRequest): { oidc: Oidc; subjectToken: string } {
  const unsupported = (detail: string) =>
    new ProblemError(400, 'unsupported_grant_type', detail, { field: '/grant_type' });
  if (!ctx.oidc) throw unsupported('This service does not exchange tokens.');
  if (body.grant_type !== TOKEN_EXCHANGE) throw unsupported(`grant_type: expected ${TOKEN_EXCHANGE}`);
  if (body.subject_token === undefined)
    throw new ProblemError(400, 'invalid_field', 'body/subject_token is missing', { field: '/subject_token' });
  if (body.subject_token_type !== ID_TOKEN && body.subject_token_type !== JWT_TYPE)
    throw new ProblemError(400, 'invalid_field', `subject_token_type: expected ${ID_TOKEN}`, {
      field: '/subject_token_type',
    });
  return { oidc: ctx.oidc, subjectToken: body.subject_token };
}

/** One ID token, one session. @throws ProblemError 401 */
async function spendIdToken(ctx: AuthContext, idToken: string, payload: IdToken): Promise<void> {
  const now = Math.floor(ctx.now() / 1000);
  const refuse = (why: string) =>
    new ProblemError(401, 'subject_token_refused', `The ID token was refused: ${why}.`, { field: '/subject_token' });
  const required = ctx.config.OIDC_NONCE === 'required';
  if (typeof payload.nonce === 'string') {
    const isOurs = await ctx.store.takeNonce(sha256(payload.nonce), now);
    if (required && !isOurs) throw refuse('its nonce is not one of ours, or was used before');
  } else if (required) throw refuse('it has no nonce; get one from POST /auth/nonce before the login');
  // Also with a nonce of ours: where it is optional, the token without its nonce is good once more.
  // What was signed is the token. Its signature can be written in many ways: with padding, with other unused bits in the last
  // character (RFC 4648 section 3.5), and ECDSA has two values for each.
  const signed = idToken.slice(0, idToken.lastIndexOf('.'));
  if (!(await ctx.store.first(`idt:${sha256(signed)}`, payload.exp - now + 60, now)))
    throw refuse('it was used before');
}

function grantsOf(ctx: AuthContext, payload: JWTPayload): Grants {
  const claim = ctx.config.OIDC_GRANTS_CLAIM;
  let value: unknown = claim ? payload[claim] : undefined;
  if (value === undefined) return {};
  try {
    if (typeof value === 'string') value = JSON.parse(value);
  } catch {
    value = undefined;
  }
  const grants = withoutUnknownGrants(value);
  if (Check(Grants, grants)) return grants;
  throw new ProblemError(403, 'grant_refused', `The claim ${claim} of the ID token does not hold grants.`, {
    field: '/subject_token',
  });
}
