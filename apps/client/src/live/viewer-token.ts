/** The token of who only watches. */
import type { RuntimeConfig } from '../config.ts';
import { ApiError } from '../lib/auth-api.ts';
import { GuestLogin } from '../lib/guest-login.ts';
import { storedPreferences } from '../lib/preferences.ts';
import { WhepError } from './whep.ts';

/** Life of a token whose answer does not say it, s. */
const LIFE_S = 600;
/** Before a renewal that failed is tried again, while the token is good, ms. */
const AGAIN_MS = 30_000;

interface KeptToken {
  readonly text: string;
  /** ms since the epoch. */
  renewAt: number;
  endsAt: number;
}

/** A token that watches one room and does nothing else, renewed when half of its life is over. */
export class ViewerToken {
  readonly #login: GuestLogin;
  #token: KeptToken | undefined;

  constructor(config: RuntimeConfig, room: string) {
    const { userId } = storedPreferences();
    this.#login = new GuestLogin(config, { userId, grants: { rooms: [room], publish: false } });
  }

  /** For a session, which ends with its token if it is not asked with a later one. @throws WhepError; TypeError without an answer */
  async forSession(): Promise<string> {
    const token = this.#token;
    if (token && Date.now() < token.renewAt) return token.text;
    try {
      return await this.#renew();
    } catch (error) {
      if (token && Date.now() < token.endsAt) return token.text;
      throw error instanceof ApiError ? new WhepError(error.status, 'token', error.retryAfter) : error;
    }
  }

  /** For one of many requests: none waits for a renewal while the token is good. Where no new one can be had it is the last one, and refused. */
  async forRequest(): Promise<string> {
    const token = this.#token;
    if (!token) return await this.forSession();
    const now = Date.now();
    if (now < token.renewAt) return token.text;
    const renewed = this.#renew().catch(() => token.text);
    if (now >= token.endsAt) return await renewed;
    token.renewAt = now + AGAIN_MS;
    return token.text;
  }

  /** The service refused the token. @returns whether there was one */
  refused(): boolean {
    if (this.#token) this.#token.renewAt = this.#token.endsAt = 0;
    return this.#token !== undefined;
  }

  async #renew(): Promise<string> {
    const at = Date.now();
    const { token: text, expires_in = LIFE_S } = await this.#login.next();
    this.#token = { text, renewAt: at + expires_in * 500, endsAt: at + expires_in * 1000 };
    return text;
  }
}
