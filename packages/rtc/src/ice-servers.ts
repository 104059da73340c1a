/** TURN credentials run out: fetched before use, kept while they are good, fetched again before an ICE restart. */
import { type Clock, sleep, systemClock, within } from './clock.ts';

/** What a credential endpoint answers: the list itself, or the list with its time to live. */
export type IceServersAnswer =
  | RTCIceServer[]
  | { readonly iceServers: RTCIceServer[] /** Seconds. Default 600. */; readonly ttl?: number };

/** What a request for ICE servers needs. */
export interface IceServersRequest {
  /** The session's access token: send it as `Authorization: Bearer …`. */
  readonly token: string;
}

/** Time until the endpoint is asked again while its first answer is waited for, ms. */
const RETRY_MS = 300;
/** Time until the endpoint is taken for one that will not answer, and is asked again by who needs it next, ms. */
const GIVE_UP_MS = 10_000;

export class IceServers {
  readonly #get: () => Promise<IceServersAnswer>;
  readonly #failed: (error: Error) => void;
  readonly #clock: Clock;
  #known: RTCIceServer[] = [];
  #until = 0;
  #fetching: Promise<RTCIceServer[]> | undefined;

  /** @param failed called when the endpoint refused or answered nonsense; what is known, or nothing, serves meanwhile */
  constructor(
    get: () => Promise<IceServersAnswer>,
    clock: Clock = systemClock,
    failed: (error: Error) => void = () => {},
  ) {
    this.#get = get;
    this.#failed = failed;
    this.#clock = clock;
  }

  /** The last list that was fetched; empty before the first. */
  get known(): RTCIceServer[] {
    return this.#known;
  }

  /** Are the credentials of the last list good for a while? */
  get valid(): boolean {
    return this.#clock.now() < this.#until;
  }

  /**
   * A list whose credentials live at least another half of their time. Never rejects: without the endpoint the last list
   * serves, or none (host candidates only), because a call on the local network is better than no call.
   * @param patience ms to wait for the endpoint. Default 3000.
   */
  async fresh(patience = 3000): Promise<RTCIceServer[]> {
    if (this.valid) return this.#known;
    const until = this.#clock.now() + patience;
    this.#fetching ??= this.#fetchUntil(until).finally(() => {
      this.#fetching = undefined;
    });
    return within(this.#clock, patience, this.#fetching).catch(() => this.#known);
  }

  /** A first connection without TURN may never come about: while nothing is known a refusal is not the last word. */
  async #fetchUntil(end: number): Promise<RTCIceServer[]> {
    while (!(await this.#fetch()) && this.#until === 0 && this.#clock.now() + RETRY_MS < end)
      await sleep(this.#clock, RETRY_MS);
    return this.#known;
  }

  async #fetch(): Promise<boolean> {
    try {
      const answer = await within(this.#clock, GIVE_UP_MS, this.#get());
      const list: unknown = Array.isArray(answer) ? answer : answer?.iceServers;
      // The body of a 401 is an object too.
      if (!Array.isArray(list)) throw new TypeError('getIceServers: the answer is neither a list nor {iceServers}.');
      const ttl = (Array.isArray(answer) ? undefined : answer.ttl) ?? 600;
      this.#known = list as RTCIceServer[];
      this.#until = this.#clock.now() + (ttl * 1000) / 2;
      return true;
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }
}
