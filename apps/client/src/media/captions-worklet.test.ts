/** The worklet without a browser: what it does with what it is given. test/pwa-captions.test.ts has the real one. */
import { expect, test, vi } from 'vitest';
import { BLOCK_SAMPLES } from './pcm-blocks.ts';

interface Processor {
  readonly port: { readonly postMessage: ReturnType<typeof vi.fn> };
  process(inputs: readonly (readonly Float32Array[])[]): boolean;
}

test('an input without channels, as of a microphone that its device mutes, is no fault, goes nowhere, and sound goes on after it', async () => {
  let made: (new () => Processor) | undefined;
  vi.stubGlobal('sampleRate', 16_000);
  vi.stubGlobal(
    'AudioWorkletProcessor',
    class {
      port = { postMessage: vi.fn() };
    },
  );
  vi.stubGlobal('registerProcessor', (_name: string, processor: new () => Processor) => {
    made = processor;
  });
  await import('./captions-worklet.ts');
  if (!made) throw new Error('no processor');
  const processor = new made();
  for (const inputs of [[[]], []]) for (let n = 0; n < 100; n++) expect(processor.process(inputs)).toBe(true);
  expect(processor.port.postMessage).not.toHaveBeenCalled();
  for (let n = 0; n < BLOCK_SAMPLES / 128; n++) processor.process([[new Float32Array(128).fill(0.5)]]);
  expect(processor.port.postMessage).toHaveBeenCalledTimes(1);
});
