/** Which numbers of a sender were taken already, as of IPsec (RFC 4303, section 3.4.3): a bit each for the last ones. */

/**
 * Numbers that are remembered; what is older counts as seen. A sender counts all its streams together, some 400 frames a second in a
 * mesh of six: a frame may come 20 s after its successors.
 */
const WINDOW = 8192;

export class ReplayWindow {
  readonly #bits = new Uint32Array(WINDOW / 32);
  #next = 0;

  has(number: number): boolean {
    if (number >= this.#next) return false;
    return number < this.#next - WINDOW || (this.#word(number) & bit(number)) !== 0;
  }

  /** @returns false when it was there already */
  add(number: number): boolean {
    if (this.has(number)) return false;
    if (number >= this.#next + WINDOW) this.#bits.fill(0);
    else for (let skipped = this.#next; skipped < number; skipped++) this.#clear(skipped);
    this.#bits[(number % WINDOW) >>> 5] = this.#word(number) | bit(number);
    this.#next = Math.max(this.#next, number + 1);
    return true;
  }

  #word(number: number): number {
    return this.#bits[(number % WINDOW) >>> 5] ?? 0;
  }

  #clear(number: number): void {
    this.#bits[(number % WINDOW) >>> 5] = this.#word(number) & ~bit(number);
  }
}

const bit = (number: number) => 1 << (number & 31);
