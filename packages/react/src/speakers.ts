/** RMS of a voice. */
const ON = 0.02;
const HOLD_MS = 900;
/** Somebody else must be loudest for this long to take the stage. */
const TAKEOVER_MS = 1500;

/** Who speaks, by id. */
export interface Speaking {
  /** Everybody who makes sound now. */
  readonly speaking: ReadonlySet<string>;
  /** Who speaks, or spoke last, for long enough to have the stage. */
  readonly speaker: string | undefined;
}

/** Turns loudness into who speaks: quick to light up, slow to let go, so that tiles do not flicker. */
export class Speakers {
  readonly #until = new Map<string, number>();
  #speaker: string | undefined;
  #candidate: { id: string; since: number } | undefined;

  /** @param levels 0 to 1 by id. @param now ms */
  push(levels: ReadonlyMap<string, number>, now: number): Speaking {
    for (const id of this.#until.keys()) if (!levels.has(id)) this.#until.delete(id);
    let loudest: string | undefined;
    let top = ON;
    for (const [id, level] of levels) {
      if (level >= ON) this.#until.set(id, now + HOLD_MS);
      if (level > top) {
        top = level;
        loudest = id;
      }
    }
    if (this.#speaker !== undefined && !levels.has(this.#speaker)) this.#speaker = undefined;
    if (loudest === undefined || loudest === this.#speaker) this.#candidate = undefined;
    else if (this.#speaker === undefined) this.#speaker = loudest;
    else if (this.#candidate?.id !== loudest) this.#candidate = { id: loudest, since: now };
    else if (now - this.#candidate.since >= TAKEOVER_MS) {
      this.#speaker = loudest;
      this.#candidate = undefined;
    }
    const speaking = new Set<string>();
    for (const [id, until] of this.#until) if (until > now) speaking.add(id);
    return { speaking, speaker: this.#speaker };
  }
}

/** Do both hold the same ids? */
export const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((id) => b.has(id));
