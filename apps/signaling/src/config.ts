/** Every setting of the signaling service. Keys are environment variable names. */
import Type, { type Static } from 'typebox';

export const SignalingConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({
    default: 8080,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 picks a free one.',
  }),
  NODE_NAME: Type.Optional(
    Type.String({ description: 'Unique name of this node. Default: host name and a random part.' }),
  ),
  LOG_LEVEL: Type.String({ default: 'info', description: 'pino level.' }),
  REDIS_URL: Type.Optional(
    Type.String({ description: 'See packages/service/src/redis.ts. Unset: memory backplane, one node.' }),
  ),
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
  JWKS_URL: Type.String({ description: 'Where auth publishes its keys, e.g. http://auth:8081/.well-known/jwks.json' }),
  TOKEN_ISSUER: Type.String({ description: '`iss` that access tokens must carry.' }),
  TOKEN_AUDIENCE: Type.String({ description: '`aud` that access tokens must carry.' }),
  ALLOWED_ORIGINS: Type.String({
    default: '',
    description: 'Comma-separated browser origins; empty allows same-host only; * allows all.',
  }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
});
export type SignalingConfig = Static<typeof SignalingConfig>;
