/** How many microphones each user and each address has here. */
import type { AccessClaims } from '@tandem/protocol';
import { ipKey } from '@tandem/service';

export interface SpeakerLimits {
  readonly perUser: number;
  readonly perAddress: number;
}

export class SpeakerQuota {
  readonly #limits: SpeakerLimits;
  readonly #open = new Map<string, number>();

  constructor(limits: SpeakerLimits) {
    this.#limits = limits;
  }

  /**
   * Takes a place. A guest's id is self-chosen: its login session counts in its place.
   * @returns what gives the place back, to be called once; undefined when there is none
   */
  take({ guest, sub, session_id: session }: AccessClaims, address: string): (() => void) | undefined {
    const user = guest ? `guest ${session}` : `user ${sub}`;
    const place = `address ${ipKey(address)}`;
    if (this.#count(user) >= this.#limits.perUser || this.#count(place) >= this.#limits.perAddress) return undefined;
    for (const key of [user, place]) this.#open.set(key, this.#count(key) + 1);
    return () => {
      for (const key of [user, place]) {
        const rest = this.#count(key) - 1;
        if (rest > 0) this.#open.set(key, rest);
        else this.#open.delete(key);
      }
    };
  }

  #count(key: string): number {
    return this.#open.get(key) ?? 0;
  }
}
