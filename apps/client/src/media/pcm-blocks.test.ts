import { expect, test } from 'vitest';
import { BLOCK_SAMPLES, PcmBlocks } from './pcm-blocks.ts';

/** All that comes out of a second of a tone, given as a worklet gives it. */
function ofTone(rate: number, hertz: number, amplitude = 0.5): number[] {
  const blocks = new PcmBlocks(rate);
  const out: number[] = [];
  for (let at = 0; at < rate; at += 128) {
    const part = Float32Array.from(
      { length: 128 },
      (_, i) => amplitude * Math.sin((2 * Math.PI * hertz * (at + i)) / rate),
    );
    for (const block of blocks.push(part)) out.push(...block);
  }
  return out;
}

test.each([48_000, 44_100, 16_000, 8000])('a tone of 440 Hz at %i Hz is one at 16,000 Hz', (rate) => {
  const out = ofTone(rate, 440);
  expect(out.length % BLOCK_SAMPLES).toBe(0);
  expect(out.length).toBeGreaterThan(16_000 - 2 * BLOCK_SAMPLES);
  const crossings = out.filter((sample, i) => i > 0 && (out[i - 1] ?? 0) < 0 && sample >= 0).length;
  expect(crossings / (out.length / 16_000)).toBeCloseTo(440, -1);
  expect(Math.max(...out)).toBeGreaterThan(0.45 * 32_767);
});

test('what is louder than can be is cut, not wrapped', () => {
  expect(Math.max(...ofTone(48_000, 100, 4))).toBe(32_767);
  expect(Math.min(...ofTone(48_000, 100, 4))).toBe(-32_767);
});
