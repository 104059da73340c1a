/** The access token of a session: asked for once by what needs it first, and again when it was refused or runs out. */
import { type Clock, within } from './clock.ts';
import { randomHex } from './random-id.ts';
import type { SessionOptions } from './session-types.ts';

export class TokenSource {
  readonly #options: Pick<SessionOptions, 'getToken'>;
  readonly #clock: Clock;
  readonly #limit: number;
  #refresh = false;
  #idempotencyKey: string | undefined;
  #asking: Promise<string> | undefined;
  /** Asked for beside the socket, which takes it when it comes to its turn. */
  #early: Promise<string> | undefined;
  #token: string | undefined;

  /** @param limit ms that `getToken` may take; what comes later is ignored */
  constructor(options: Pick<SessionOptions, 'getToken'>, clock: Clock, limit: number) {
    this.#options = options;
    this.#clock = clock;
    this.#limit = limit;
  }

  /** The token was refused or runs out: the next one is a new one. */
  expire(): void {
    this.#refresh = true;
  }

  /** A token that is good now. The first one serves for the socket as well. @throws what `getToken` throws, and when it takes too long */
  async current(): Promise<string> {
    if (this.#token !== undefined && !this.#refresh) return this.#token;
    if (this.#asking !== undefined) return this.#asking;
    const early = this.#ask();
    this.#early = early;
    // The next dial must not fail for one that failed here.
    early.catch(() => {
      if (this.#early === early) this.#early = undefined;
    });
    return early;
  }

  /** A token for a new socket. @throws as `current` */
  forSocket(): Promise<string> {
    const early = this.#refresh ? undefined : this.#early;
    this.#early = undefined;
    return early ?? this.#ask();
  }

  #ask(): Promise<string> {
    const refresh = this.#refresh;
    if (this.#asking !== undefined && !refresh) return this.#asking;
    const asking = this.#fetch(refresh).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    this.#asking = asking;
    return asking;
  }

  async #fetch(refresh: boolean): Promise<string> {
    this.#idempotencyKey ??= randomHex(16);
    const asked = this.#options.getToken({ refresh, idempotencyKey: this.#idempotencyKey });
    const token = await within(this.#clock, this.#limit, asked);
    this.#idempotencyKey = undefined;
    if (refresh) this.#refresh = false;
    this.#token = token;
    return token;
  }
}
