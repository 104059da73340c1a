/** Shapes shared by routes; OpenAPI is made of them. */
import { Grants } from '@tandem/protocol';
import Type from 'typebox';

/** A reference keeps the shape once in OpenAPI. */
const problem = {
  description: 'RFC 9457 problem details.',
  content: { 'application/problem+json': { schema: { $ref: 'ProblemDetails#' } } },
};

/**
 * Problem answers of a route: its own, and what any route answers: 401 to a bad API key, 429, 503 while a dependency is away;
 * `default` is an unexpected failure.
 */
export function problems(...codes: number[]) {
  return Object.fromEntries([...codes, 401, 429, 503, 'default'].map((code) => [code, problem]));
}

export const UserId = Type.String({
  minLength: 1,
  maxLength: 120,
  pattern: '^[^\\p{Cc}\\p{Cs}]+$',
  description: 'Your id of the user; no control characters.',
});
export const SessionId = Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_-]+$' });

export const Issued = Type.Object(
  {
    token: Type.String({ description: 'Access token (JWT); the same as access_token.' }),
    access_token: Type.String(),
    issued_token_type: Type.Optional(Type.String({ description: 'After a token exchange (RFC 8693).' })),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    expires_at: Type.Integer({ description: 'Seconds since the epoch.' }),
    user_id: Type.String({ description: '`sub` of the token.' }),
    session_id: Type.String(),
    refresh_token: Type.Optional(Type.String({ description: 'One use. Absent while Redis is away.' })),
    refresh_expires_at: Type.Optional(Type.Integer({ description: 'Seconds since the epoch, if not used before.' })),
  },
  { description: 'Tokens.' },
);

export const BackendToken = Type.Object(
  {
    access_token: Type.String({ description: 'Backend token (JWT), for the server API under /v1.' }),
    token_type: Type.Literal('Bearer'),
    expires_in: Type.Integer({ description: 'Seconds.' }),
    scope: Type.String({ description: 'Scopes, separated by spaces.' }),
  },
  { description: 'Backend token (RFC 6749 section 4.4).' },
);

export const TokenBody = Type.Object(
  {
    userId: Type.Optional(UserId),
    name: Type.Optional(Type.String({ maxLength: 64, pattern: '^[^\\p{Cc}\\p{Cs}]*$', description: 'Display name.' })),
    grants: Type.Optional(Grants),
    grant_type: Type.Optional(
      Type.String({
        maxLength: 128,
        description:
          'For a token exchange: urn:ietf:params:oauth:grant-type:token-exchange. For a backend token: client_credentials.',
      }),
    ),
    scope: Type.Optional(
      Type.String({
        maxLength: 512,
        description: 'Of a backend token: scopes separated by spaces. Default: all of the API key.',
      }),
    ),
    subject_token: Type.Optional(Type.String({ maxLength: 12_288, description: 'ID token of the OpenID provider.' })),
    subject_token_type: Type.Optional(
      Type.String({ maxLength: 128, description: 'urn:ietf:params:oauth:token-type:id_token.' }),
    ),
  },
  {
    description:
      'Guests and backends: userId, and optionally name and grants; any other field is refused. Backend token: grant_type and optionally scope. OpenID: the token-exchange fields, unknown ones are ignored (RFC 6749).',
  },
);

export const bearer = [{ bearer: [] }];
