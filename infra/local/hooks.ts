/** The events service on this machine, with `npm start -- --events`. */
import { randomBytes } from 'node:crypto';
import type { HooksConfig } from '@tandem/hooks/config';
import { type Place, resolveEnvironment } from '../topology/environment.ts';
import { hooks } from '../topology/hooks.ts';

/** What signaling has beside its usual settings. */
export const EVENTS_ON = { EVENTS: 'true' };

export const LACKS_REDIS = 'redis-server is not installed: no events';

/** Its variables. The key of the secrets is new each time, as the private Redis is. */
export function hooksSettings(place: Place, host: string, port: number): Record<string, string> {
  return {
    ...resolveEnvironment(hooks, place),
    ...({
      HOST: host,
      PORT: `${port}`,
      WEBHOOK_KEY: randomBytes(32).toString('base64url'),
      // A backend under development listens on this machine.
      PRIVATE_ENDPOINTS: 'true',
    } satisfies Partial<Record<keyof HooksConfig, string>>),
  };
}
