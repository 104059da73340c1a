/** Tokens for users. */
import type { Api, CallOptions } from './api.ts';
import type { NewToken } from './api-types.ts';

/** A user's token. */
export interface Token {
  /** Access token, for `getToken` of @tandem/rtc. */
  readonly token: string;
  /** When it runs out; RFC 3339. */
  readonly expiresAt: string;
  readonly userId: string;
  /** Login session; auth revokes by it. */
  readonly sessionId: string;
  /** For one refresh at `POST /auth/refresh`. Absent while the service cannot give one. */
  readonly refreshToken?: string;
}

/** Scope `tokens:mint`. */
export class Tokens {
  readonly #api: Api;
  /** @internal */
  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * A token for one user of yours, for one room if `roomId` is given.
   * @throws TandemError `scope_missing`, `room_refused` and those of any call
   */
  async create(request: NewToken, options?: CallOptions): Promise<Token> {
    // Twice is harmless: a token that was lost on the way opens nothing.
    const { body } = await this.#api.call(
      { method: 'POST', path: '/v1/tokens', body: request, isRepeatable: true },
      options,
    );
    const answer = body as TokenAnswer;
    return {
      token: answer.token,
      expiresAt: new Date(answer.expires_at * 1000).toISOString(),
      userId: answer.user_id,
      sessionId: answer.session_id,
      ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
    };
  }
}

interface TokenAnswer {
  readonly token: string;
  readonly expires_at: number;
  readonly user_id: string;
  readonly session_id: string;
  readonly refresh_token?: string;
}
