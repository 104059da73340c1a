/**
 * The chat of a large room is slow: a person writes a line every few seconds, so that lines can be read. Elsewhere one a second, so that a
 * flood does not stop the page. Moderators are not bound.
 */
import type { CallModelState } from './types.ts';

/** From this many people on, me among them. */
const SLOW_FROM = 50;
/** Between two lines of one person, ms. */
export const SLOW_MS = 5000;
/** Lines that a weak network hands over together, and how often one more is shown, ms. */
const SLOW = { burst: 3, each: SLOW_MS };
const QUICK = { burst: 20, each: 1000 };
/** Senders that are remembered before the silent ones are forgotten. */
const KEPT = 1000;

export const isSlow = ({ peers }: Pick<CallModelState, 'peers'>): boolean => peers.length + 1 >= SLOW_FROM;

/** Drops what a page sends that does not keep to it: lines go past the server, so their receivers count. */
export class ChatPace {
  readonly #senders = new Map<string, { tokens: number; at: number }>();

  /** Counts a line. @param now ms @param slow the room is large @returns whether it is shown */
  allow(peerId: string, now: number, slow: boolean): boolean {
    const { burst, each } = slow ? SLOW : QUICK;
    const { tokens, at } = this.#senders.get(peerId) ?? { tokens: burst, at: now };
    const left = Math.min(burst, tokens + (now - at) / each);
    this.#senders.set(peerId, { tokens: left >= 1 ? left - 1 : left, at: now });
    if (this.#senders.size > KEPT) this.#forgetSilent(now);
    return left >= 1;
  }

  /** Who has all its lines again is as one who never wrote. */
  #forgetSilent(now: number): void {
    for (const [peerId, { at }] of this.#senders) if (now - at >= QUICK.burst * SLOW_MS) this.#senders.delete(peerId);
  }
}
