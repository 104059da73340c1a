/** The backend's own token: fetched with the API key, renewed before it runs out, for all calls at once. */
import { TandemError } from './errors.ts';
import { type HttpSettings, send } from './http.ts';

/** Share of a token's life after which the next one is fetched, and after which it is used no more: a request may be slow. */
const RENEW_AT = 0.8;
const USE_UNTIL = 0.95;

export class BackendToken {
  readonly #settings: HttpSettings;
  readonly #apiKey: string;
  #current: { readonly token: string; readonly renewAt: number; readonly expiresAt: number } | undefined;
  #pending: Promise<string> | undefined;

  constructor(settings: HttpSettings, apiKey: string) {
    this.#settings = settings;
    this.#apiKey = apiKey;
  }

  /**
   * A token that is good now. `refused`: the one that was not taken.
   * @throws TandemError
   */
  async get(refused?: string): Promise<string> {
    const current = this.#current;
    // Not by the wall clock, which may be wrong or set meanwhile.
    const now = performance.now();
    const isGood = current !== undefined && current.token !== refused && now < current.expiresAt;
    if (isGood && now < current.renewAt) return current.token;
    this.#pending ??= this.#fetch().finally(() => {
      this.#pending = undefined;
    });
    if (!isGood) return this.#pending;
    // Beside the call: while auth is away, the old one does.
    this.#pending.catch(() => {});
    return current.token;
  }

  async #fetch(): Promise<string> {
    const since = performance.now();
    const { body } = await send(this.#settings, {
      method: 'POST',
      path: '/auth/token',
      headers: { 'x-api-key': this.#apiKey },
      body: '{"grant_type":"client_credentials"}',
      isRepeatable: true,
    });
    const { access_token: token, expires_in: lifeS } = (body ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof token !== 'string' || typeof lifeS !== 'number')
      throw new TandemError('POST /auth/token: the answer is no token', { status: 200, code: 'http_200' });
    const life = lifeS * 1000;
    this.#current = { token, renewAt: since + life * RENEW_AT, expiresAt: since + life * USE_UNTIL };
    return token;
  }
}
