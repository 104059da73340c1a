/** Softer than this is silence, of 32,767 (root of the mean square): -50 dB. */
const QUIET = 104;
/** Silence that still goes with what was said, in blocks of 128 ms: a recognizer ends a sentence by it. */
const TAIL_BLOCKS = 16;
/** Kept of the silence before a word, as its first sound is quiet. */
const HEAD_BLOCKS = 3;

function isQuiet(block: ArrayBuffer): boolean {
  const samples = new Int16Array(block);
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return sum < QUIET * QUIET * samples.length;
}

/** Holds back silence, so that a recognizer works for people who speak, not for all who could. */
export class SoundGate {
  /** Blocks of silence that may still pass. */
  #tail = 0;
  #head: ArrayBuffer[] = [];

  /** @returns what is to be sent now */
  pass(block: ArrayBuffer): readonly ArrayBuffer[] {
    if (!isQuiet(block)) {
      this.#tail = TAIL_BLOCKS;
      return [...this.#head.splice(0), block];
    }
    if (this.#tail > 0) {
      this.#tail -= 1;
      return [block];
    }
    this.#head = [...this.#head, block].slice(-HEAD_BLOCKS);
    return [];
  }
}
