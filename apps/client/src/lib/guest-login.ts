/** The login of a guest, for as long as the page is open. Nothing of it is stored. */
import type { RuntimeConfig } from '../config.ts';
import { ApiError, type GuestBody, requestRefresh, requestToken, type TokenAnswer } from './auth-api.ts';
import { randomId } from './random-id.ts';

/**
 * One login for as long as it can be refreshed: guests of one network address share a number of logins an hour (GUEST_LOGINS_PER_IP), while access
 * tokens end after minutes.
 */
export class GuestLogin {
  readonly #config: RuntimeConfig;
  readonly #guest: GuestBody;
  readonly #traceparent: () => string | undefined;
  #refreshToken: string | undefined;
  /** Of the refresh that is asked for, until it is answered. */
  #key: string | undefined;
  #asking: Promise<TokenAnswer> | undefined;

  /** @param traceparent of a sampled call */
  constructor(config: RuntimeConfig, guest: GuestBody, traceparent: () => string | undefined = () => undefined) {
    this.#config = config;
    this.#guest = guest;
    this.#traceparent = traceparent;
  }

  /** A new token. Those who ask at once get the same: a refresh token works once. @throws ApiError; TypeError without an answer */
  next(): Promise<TokenAnswer> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<TokenAnswer> {
    const answer = (await this.#refresh()) ?? (await requestToken(this.#config, this.#guest, this.#traceparent()));
    if (answer.refresh_token !== undefined) {
      this.#refreshToken = answer.refresh_token;
      this.#key = undefined;
    }
    return answer;
  }

  /** @returns undefined when only a login gives a token */
  async #refresh(): Promise<TokenAnswer | undefined> {
    if (this.#refreshToken === undefined) return undefined;
    this.#key ??= randomId();
    try {
      return await requestRefresh(this.#config, this.#refreshToken, this.#key);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const isRefused = error.status >= 400 && error.status < 500 && error.status !== 429;
      if (isRefused) this.#refreshToken = this.#key = undefined;
      // 503: its store is away, without which logins go on.
      else if (error.status !== 503) throw error;
      return undefined;
    }
  }
}
