/** Keys of an OpenID provider: found by discovery, fetched under a breaker, kept while the provider is away. */
import { type DependencyHealth, guard, type Logger, ProblemError } from '@tandem/service';
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';

const DISCOVERY_FRESH_MS = 3_600_000;
const RETRY_AFTER_MS = 2_000;

export interface OidcKeysOptions {
  readonly issuer: string;
  /** Allow http (development). */
  readonly insecure: boolean;
  readonly now: () => number;
  /** Gets the `breaker.*` events. */
  readonly log?: Logger;
}

export class OidcKeys {
  readonly #options: OidcKeysOptions;
  readonly #provider;
  #keys: JWTVerifyGetKey | undefined;
  #jwksUri = '';
  #discoveredAt = -Infinity;
  #running: Promise<void> | undefined;

  constructor(options: OidcKeysOptions) {
    this.#options = options;
    this.#provider = guard({
      name: 'openid-provider',
      attempts: 1,
      timeoutMs: 3000,
      failures: 1,
      openMs: RETRY_AFTER_MS,
      log: options.log,
    });
  }

  /** @throws ProblemError 503 when the provider is away and its keys are not known yet */
  async ready(): Promise<JWTVerifyGetKey> {
    if (!this.#keys || this.#options.now() - this.#discoveredAt > DISCOVERY_FRESH_MS) {
      this.#running ??= this.#discover()
        .catch(() => {}) // the keys that are known go on
        .finally(() => {
          this.#running = undefined;
        });
      await this.#running;
    }
    if (!this.#keys) throw unavailable();
    return this.#keys;
  }

  health(): DependencyHealth {
    return this.#provider.health();
  }

  /** The whole answer, so that a body that never ends is cut off as well. */
  #get(url: string): Promise<Response> {
    return this.#provider.run(async (signal) => {
      const response = await fetch(url, { redirect: 'error', signal });
      if (!response.ok) throw new Error(`${url} answered ${response.status}`);
      return new Response(await response.arrayBuffer(), { status: 200 });
    });
  }

  async #discover(): Promise<void> {
    const { issuer, insecure, now } = this.#options;
    const response = await this.#get(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
    // OpenID Connect Discovery 4.3: exactly the issuer asked for, or it is somebody else's document.
    if (document.issuer !== issuer) throw new Error('discovery names another issuer');
    if (typeof document.jwks_uri !== 'string' || !URL.canParse(document.jwks_uri))
      throw new Error('discovery has no jwks_uri');
    const uri = new URL(document.jwks_uri);
    if (uri.protocol !== 'https:' && !insecure) throw new Error('jwks_uri is not https');
    if (uri.href !== this.#jwksUri || !this.#keys) {
      this.#jwksUri = uri.href;
      this.#keys = createRemoteJWKSet(uri, {
        cooldownDuration: 5000,
        cacheMaxAge: 600_000,
        [customFetch]: (url) =>
          this.#get(url).catch(() => {
            throw unavailable();
          }),
      });
    }
    this.#discoveredAt = now();
  }
}

function unavailable(): ProblemError {
  return new ProblemError(503, 'provider_unavailable', 'The OpenID provider cannot be reached.', {
    retryAfter: RETRY_AFTER_MS / 1000,
  });
}
