/** Everything a route needs, in one place; built by create-auth.ts. */
import type { AccessClaims } from '@tandem/protocol';
import type { Logger, RateLimiter, TurnNode } from '@tandem/service';
import type { Oidc } from './access/oidc.ts';
import type { AuthConfig } from './config.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { Settings } from './settings.ts';
import type { ApiKeyRecord, AuthStore } from './store/store.ts';

export interface AuthContext {
  readonly config: AuthConfig;
  readonly settings: Settings;
  readonly log: Logger;
  readonly keys: KeyRing;
  readonly store: AuthStore;
  readonly oidc: Oidc | undefined;
  readonly limits: {
    readonly ip?: RateLimiter;
    readonly user?: RateLimiter;
    readonly key?: RateLimiter;
    /** Logins of guests. */
    readonly guest?: RateLimiter;
  };
  /** What signs TURN credentials now; undefined where there is no relay. */
  readonly turnSecret: () => string | undefined;
  /** Serving TURN nodes, at most 2 s old; empty when there is no directory or it is away. */
  readonly turnNodes: () => Promise<readonly TurnNode[]>;
  /** ms since the epoch */
  readonly now: () => number;
  readonly draining: () => boolean;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set when the request carried a valid API key. */
    apiKey: ApiKeyRecord | undefined;
    /** Under /v1: the API key itself, or that of the backend token. */
    backendKey: ApiKeyRecord | undefined;
    /** Set when the request carried a valid access token. */
    claims: AccessClaims | undefined;
  }
}
