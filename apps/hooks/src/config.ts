/** Every setting of the hooks service. Keys are environment variable names. */
import { httpUrl, LogLevel, TelemetrySettings } from '@tandem/service/settings';
import Type, { type Static } from 'typebox';
import { QUEUES_PATTERN } from './queue-urls.ts';

export { readQueues } from './queue-urls.ts';

export const HooksConfig = Type.Object({
  HOST: Type.String({ default: '0.0.0.0', description: 'Address to listen on.' }),
  PORT: Type.Integer({
    default: 8082,
    minimum: 0,
    maximum: 65535,
    description: 'Port to listen on; 0 picks a free one.',
  }),
  LOG_LEVEL: LogLevel,
  REDIS_URL: Type.String({ description: 'See packages/service/src/redis.ts. The one that signaling writes to.' }),
  REDIS_USERNAME: Type.Optional(Type.String({ description: 'ACL user.' })),
  REDIS_PASSWORD: Type.Optional(Type.String({ description: 'Its password.', secret: true })),
  JWKS_URL: httpUrl('Where auth publishes its keys, e.g. http://auth:8081/.well-known/jwks.json'),
  TOKEN_ISSUER: Type.String({ description: '`iss` that backend tokens must carry.' }),
  TOKEN_AUDIENCE: Type.String({ description: '`aud` of access tokens; that of backend tokens ends in `-api`.' }),
  WEBHOOK_KEY: Type.String({
    secret: true,
    pattern: '^[A-Za-z0-9_-]{43}$',
    description:
      'Encrypts the signing secrets of webhook endpoints in Redis: 32 bytes in base64url. Another key makes all of them useless.',
  }),
  PRIVATE_ENDPOINTS: Type.Boolean({
    default: false,
    description:
      'Webhook endpoints may have http:// and private or loopback addresses, and any port. For development: with it, who may write endpoints reaches the network of this service.',
  }),
  EVENT_QUEUES: Type.String({
    default: '',
    pattern: QUEUES_PATTERN,
    description:
      'FIFO queues of Amazon SQS that endpoints may name beside https addresses: their URLs, comma-separated. This service sends to them with the credentials of its task.',
  }),
  TRUSTED_PROXIES: Type.Integer({
    default: 1,
    minimum: 0,
    maximum: 10,
    description: 'How many proxies in front append to X-Forwarded-For.',
  }),
  API_REQUESTS_PER_SECOND: Type.Integer({
    default: 20,
    minimum: 1,
    maximum: 1_000_000,
    description: 'Requests with one API key, over all tasks; bursts of three seconds pass. More get 429.',
  }),
  MAX_STREAMS: Type.Integer({
    default: 50,
    minimum: 1,
    maximum: 100_000,
    description:
      'Event streams (GET /v1/events as text/event-stream) of this task, shared among API keys; more get 503.',
  }),
  ...TelemetrySettings,
});
export type HooksConfig = Static<typeof HooksConfig>;
