import { CAPTIONS_RATE } from '@tandem/protocol/captions';

/** Samples of a block: 128 ms, 4096 bytes. */
export const BLOCK_SAMPLES = 2048;

/** Samples of any rate as blocks of 16-bit PCM at the rate of the captions service: each new sample is the mean of those it stands for. */
export class PcmBlocks {
  /** Given samples in one new one. */
  readonly #ratio: number;
  /** Of the present new sample: what is still missing, in given samples, and what there is. */
  #missing: number;
  #sum = 0;
  #block = new Int16Array(BLOCK_SAMPLES);
  #filled = 0;

  /** @param rate of what is given, Hz */
  constructor(rate: number) {
    this.#ratio = rate / CAPTIONS_RATE;
    this.#missing = this.#ratio;
  }

  /** @returns the blocks that became full */
  push(samples: Float32Array): Int16Array<ArrayBuffer>[] {
    const full: Int16Array<ArrayBuffer>[] = [];
    for (const sample of samples) {
      let rest = 1;
      while (this.#missing <= rest) {
        rest -= this.#missing;
        const mean = (this.#sum + sample * this.#missing) / this.#ratio;
        this.#sum = 0;
        this.#missing = this.#ratio;
        if (this.#add(mean)) {
          full.push(this.#block);
          this.#block = new Int16Array(BLOCK_SAMPLES);
          this.#filled = 0;
        }
      }
      this.#sum += sample * rest;
      this.#missing -= rest;
    }
    return full;
  }

  /** @returns whether the block is full */
  #add(sample: number): boolean {
    this.#block[this.#filled++] = Math.max(-1, Math.min(1, sample)) * 32_767;
    return this.#filled === BLOCK_SAMPLES;
  }
}
