/** Who needs a keyframe sooner than the engine asks for one. */

/**
 * VideoRoom asks a publisher for one keyframe a second at most (janus_videoroom_reqpli), also after it has held one back: who comes this
 * long after another waits for it. ms.
 */
const HELD_MS = 2000;
/** Receivers that come within this time share a keyframe, ms. */
const TOGETHER_MS = 100;
/**
 * Of one publisher: this number of keyframes at once, and one more a second. A receiver that comes and goes without end must not cost the
 * sender more; the engine's own one a second goes on.
 */
const BURST = 5;

interface Publisher {
  /** When a receiver of it came last. */
  came: number;
  /** When it was told last. */
  told: number;
  /** Keyframes that may be asked for now. */
  left: number;
  timer?: NodeJS.Timeout;
}

export class KeyframeNeeds {
  readonly #tell: (publisher: string) => void;
  readonly #publishers = new Map<string, Publisher>();

  /** @param tell the publisher that a keyframe is needed now */
  constructor(tell: (publisher: string) => void) {
    this.#tell = tell;
  }

  /** A receiver is ready for the pictures of this publisher. The engine asks for the keyframe of the first one. */
  came(publisher: string): void {
    const now = performance.now();
    const known = this.#publishers.get(publisher);
    if (!known) {
      this.#publishers.set(publisher, { came: now, told: -HELD_MS, left: BURST });
      return;
    }
    const since = now - known.came;
    known.came = now;
    known.left = Math.min(BURST, known.left + since / 1000);
    if (since >= HELD_MS || known.timer || known.left < 1) return;
    known.left--;
    const wait = Math.max(0, known.told + TOGETHER_MS - now);
    known.timer = setTimeout(() => {
      delete known.timer;
      known.told = performance.now();
      this.#tell(publisher);
    }, wait);
  }

  /** It publishes no more, or on a new connection. */
  forget(publisher: string): void {
    clearTimeout(this.#publishers.get(publisher)?.timer);
    this.#publishers.delete(publisher);
  }

  close(): void {
    for (const publisher of this.#publishers.keys()) this.forget(publisher);
  }
}
