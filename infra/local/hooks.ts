/** The events service on this machine, with `npm start -- --events`. */
import type { HooksConfig } from '@tandem/hooks/config';

export const LACKS_REDIS = 'redis-server is not installed: no events';

/** What this machine adds to the topology's settings: a backend under development listens on it. */
export const LOCAL_HOOKS = { PRIVATE_ENDPOINTS: 'true' } satisfies Partial<Record<keyof HooksConfig, string>>;
