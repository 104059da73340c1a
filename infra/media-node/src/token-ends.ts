/**
 * Whose token is over: of people who are away signaling says until when it is good (S-127). Who comes back has shown a good one, and who is not away
 * is held by signaling.
 */
import { TOKEN_ENDS_TOPIC } from '@tandem/protocol';
import type { RoomSession } from './agent-session.ts';

/** Longest time of a timer, ms. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class TokenEnds {
  readonly #session: Pick<RoomSession, 'peers' | 'on'>;
  /** ms since the epoch, by peer id. */
  readonly #ends = new Map<string, number>();
  readonly #off: (() => void)[];
  #timer: NodeJS.Timeout | undefined;
  #follower: (peerId: string, isOver: boolean) => void = () => {};

  /** @param session not in its room yet, so that nothing is missed */
  constructor(session: Pick<RoomSession, 'peers' | 'on'>) {
    this.#session = session;
    this.#off = [
      session.on('server-message', ({ topic, data }) => {
        if (topic !== TOKEN_ENDS_TOPIC) return;
        for (const [peerId, end] of Object.entries(data ?? {}))
          if (typeof end === 'number') this.#ends.set(peerId, end);
        this.#changed();
      }),
      session.on('peer-back', ({ peer }) => this.#forget(peer.peerId)),
      session.on('peer-left', ({ peer }) => this.#forget(peer.peerId)),
      session.on('state', ({ state }) => {
        if (state === 'closed') this.#stop();
      }),
    ];
  }

  /** @param follower of each change; told of people of whom nothing has changed as well */
  follow(follower: (peerId: string, isOver: boolean) => void): void {
    this.#follower = follower;
  }

  isOver(peerId: string): boolean {
    const isAway = this.#session.peers.get(peerId)?.away === true;
    return isAway && (this.#ends.get(peerId) ?? Number.POSITIVE_INFINITY) <= Date.now();
  }

  #forget(peerId: string): void {
    if (this.#ends.delete(peerId)) this.#changed();
  }

  #changed(): void {
    clearTimeout(this.#timer);
    const now = Date.now();
    const next = Math.min(...[...this.#ends.values()].filter((end) => end > now));
    if (next < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#changed(), Math.min(next - now + 1, MAX_TIMER_MS));
    for (const peerId of this.#session.peers.keys()) this.#follower(peerId, this.isOver(peerId));
  }

  #stop(): void {
    clearTimeout(this.#timer);
    for (const off of this.#off.splice(0)) off();
  }
}
