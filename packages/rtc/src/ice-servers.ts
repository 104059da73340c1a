/** TURN credentials run out: fetched before use, kept while they are good, fetched again before an ICE restart. */
import { type Clock, systemClock } from './clock.ts';

/** What a credential endpoint answers: the list itself, or the list with its time to live. */
export type IceServersAnswer =
  | RTCIceServer[]
  | { readonly iceServers: RTCIceServer[] /** Seconds. Default 600. */; readonly ttl?: number };

export class IceServers {
  readonly #get: () => Promise<IceServersAnswer>;
  readonly #clock: Clock;
  #known: RTCIceServer[] = [];
  #until = 0;
  #fetching: Promise<RTCIceServer[]> | undefined;

  constructor(get: () => Promise<IceServersAnswer>, clock: Clock = systemClock) {
    this.#get = get;
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
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    let timer: unknown;
    const late = new Promise<RTCIceServer[]>((resolve) => {
      timer = this.#clock.setTimeout(() => resolve(this.#known), patience);
    });
    const list = await Promise.race([this.#fetching, late]);
    this.#clock.clearTimeout(timer);
    return list;
  }

  async #fetch(): Promise<RTCIceServer[]> {
    try {
      const answer = await this.#get();
      const list = Array.isArray(answer) ? answer : answer.iceServers;
      const ttl = (Array.isArray(answer) ? undefined : answer.ttl) ?? 600;
      this.#known = list;
      this.#until = this.#clock.now() + (ttl * 1000) / 2;
    } catch {
      // Asked again at the next use.
    }
    return this.#known;
  }
}
