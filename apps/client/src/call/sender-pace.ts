/**
 * How often one person may put something on my page. What people send goes past the server, so each page counts what it receives: a
 * flood of one of them must not stop it.
 */
import type { CallModelState } from './types.ts';

/** `burst` at once, as a weak network hands them over together; then one more each `each` ms. */
export interface Measure {
  readonly burst: number;
  readonly each: number;
}

/** From this many people on, me among them. */
const SLOW_FROM = 50;
/** Between two lines of one person, ms. */
export const SLOW_MS = 5000;
/** The chat of a large room is slow, so that lines can be read. Moderators are not bound. */
export const SLOW_CHAT: Measure = { burst: 3, each: SLOW_MS };
export const QUICK_CHAT: Measure = { burst: 20, each: 1000 };
/** A finger taps at most ten times a second, for a few seconds (and a dozen reactions fill the screen). */
export const REACTIONS_OF_ONE: Measure = { burst: 30, each: 200 };
/** A page tells the newest words each 600 ms, and beside that when a sentence ends (transcribe.ts). */
export const CAPTIONS_OF_ONE: Measure = { burst: 10, each: 300 };

/** Senders that are remembered before the silent ones are forgotten. */
const KEPT = 1000;

export const isSlow = ({ peers }: Pick<CallModelState, 'peers'>): boolean => peers.length + 1 >= SLOW_FROM;

/** How long my next line has to wait, so that no page drops it, ms. @param now of performance.now() */
export function chatWait(state: Pick<CallModelState, 'peers' | 'moderator' | 'draft'>, now: number): number {
  const { sentAt } = state.draft;
  if (sentAt === undefined || state.moderator || !isSlow(state)) return 0;
  return Math.max(0, sentAt + SLOW_MS - now);
}

/** Counts one kind of thing, for each sender. */
export class SenderPace {
  readonly #senders = new Map<string, { tokens: number; at: number; fullAt: number }>();

  /** Counts one more. @param now ms @returns whether it is shown */
  allow(peerId: string, now: number, { burst, each }: Measure): boolean {
    const { tokens, at } = this.#senders.get(peerId) ?? { tokens: burst, at: now };
    const left = Math.min(burst, tokens + (now - at) / each);
    const rest = left >= 1 ? left - 1 : left;
    this.#senders.set(peerId, { tokens: rest, at: now, fullAt: now + (burst - rest) * each });
    if (this.#senders.size > KEPT) this.#forgetSilent(now);
    return left >= 1;
  }

  /** Who may send a whole burst again is as one who never sent. */
  #forgetSilent(now: number): void {
    for (const [peerId, { fullAt }] of this.#senders) if (now >= fullAt) this.#senders.delete(peerId);
  }
}
