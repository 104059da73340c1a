/** Every setting of the auth service. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const AuthConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({
    default: 8081,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 picks a free one.',
  }),
  LOG_LEVEL: Type.String({ default: 'info', description: 'pino level.' }),
  PROFILE: Type.Union([Type.Literal('development'), Type.Literal('production')], {
    default: 'production',
    description: 'Production refuses what is only fit for a demo.',
  }),
  REDIS_URL: Type.Optional(
    Type.String({ description: 'See packages/service/src/redis.ts. Unset: state in memory, one process.' }),
  ),
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
  TOKEN_ISSUER: Type.String({ description: '`iss` of the tokens issued.' }),
  TOKEN_AUDIENCE: Type.String({ description: '`aud` of the tokens issued.' }),
  KEY_SOURCE: Type.Optional(
    Type.String({ description: '`file:PATH`, `secrets-manager:ARN` or `kms:KEY_ID`. Required in production.' }),
  ),
  ACCESS: Type.String({ default: '', description: 'Who may have a token, comma-separated: open, api-key, oidc.' }),
  TURN_URIS: Type.String({ default: '', description: 'Comma-separated turn:/turns: URIs; empty: no relay.' }),
  TURN_SECRETS: Type.String({
    default: '',
    description: 'Comma-separated shared secrets of coturn; the first signs.',
    secret: true,
  }),
  STUN_URIS: Type.String({ default: '', description: 'Comma-separated stun: URIs.' }),
  ALLOWED_ORIGINS: Type.String({
    default: '',
    description: 'Comma-separated browser origins for CORS; empty: same origin only.',
  }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
});
export type AuthConfig = Static<typeof AuthConfig>;
