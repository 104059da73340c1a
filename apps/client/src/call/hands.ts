import type { PeerView } from '@tandem/react';

/** Somebody whose hand is up. */
export interface RaisedHand {
  readonly id: string;
  readonly name: string;
  /** ms since the epoch; 0: not known, e.g. from an older page. */
  readonly since: number;
  /** Watches only: to speak, it has to be invited. */
  readonly audience: boolean;
}

/** Hands in the order in which they went up; those of unknown time first, for they were up already. */
export function raisedHands(
  peers: readonly Pick<PeerView, 'id' | 'name' | 'hand' | 'handAt' | 'audience'>[],
  mine: { readonly name: string; readonly handAt: number } | undefined,
): RaisedHand[] {
  const hands = peers
    .filter(({ hand }) => hand)
    .map(({ id, name, handAt, audience }) => ({ id, name, since: handAt, audience }));
  if (mine) hands.push({ id: 'me', name: mine.name, since: mine.handAt, audience: false });
  return hands.sort((a, b) => a.since - b.since);
}

/** Names of those whose hand has just gone up. */
export function justRaised(
  before: readonly Pick<PeerView, 'id' | 'hand'>[],
  now: readonly Pick<PeerView, 'id' | 'name' | 'hand'>[],
): string[] {
  const known = new Map(before.map(({ id, hand }) => [id, hand]));
  // Somebody who comes with a hand up raised it before I could see it.
  return now.filter(({ id, hand }) => hand && known.get(id) === false).map(({ name }) => name);
}

/** Speaking for this long, ms, is having the floor: the hand has done its work. */
const FLOOR_MS = 2500;

/** Says once that a raised hand may go down, because its owner has the floor. */
export class HandKeeper {
  #spoke = 0;

  /** @param elapsed ms since the last call */
  mayLower(state: { readonly hand: boolean; readonly speaking: boolean }, elapsed: number): boolean {
    if (!state.hand) this.#spoke = 0;
    else if (state.speaking) this.#spoke += elapsed;
    if (this.#spoke < FLOOR_MS) return false;
    this.#spoke = 0;
    return true;
  }
}
