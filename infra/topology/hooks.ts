/**
 * The events service (docs/events.md). Beside the topology and not in it: `npm start -- --events` runs it, compose and the cloud do not yet.
 */
import type { HooksConfig } from '@tandem/hooks/config';
import type { Environment } from './index.ts';

export const hooks = {
  folder: 'apps/hooks',
  livePath: '/health/live',
  startupPath: '/health/startup',
  readyPath: '/health/ready',
  /** More exact than that of signaling. */
  routes: ['/v1/events', '/v1/webhook-endpoints'],
  environment: {
    TOKEN_ISSUER: 'tandem',
    TOKEN_AUDIENCE: 'tandem',
    REDIS_URL: { from: 'cache-url' },
    REDIS_USERNAME: { secret: 'cache-username' },
    REDIS_PASSWORD: { secret: 'cache-password' },
    JWKS_URL: { from: 'jwks-url' },
    TRUSTED_PROXIES: { from: 'trusted-proxies' },
  } satisfies Environment<typeof HooksConfig>,
} as const;
