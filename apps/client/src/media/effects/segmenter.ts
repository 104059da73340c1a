import createModule from '@twilio/video-processors/dist/build/tflite-simd-1-0-0.js';
import { unpack } from './unpack.ts';

/** Finds people in a small picture: MediaPipe's landscape model on TensorFlow Lite, on the CPU. */
export class Segmenter {
  readonly #module: Awaited<ReturnType<typeof createModule>>;
  readonly width: number;
  readonly height: number;

  private constructor(module: Awaited<ReturnType<typeof createModule>>) {
    this.#module = module;
    this.width = module._getInputWidth();
    this.height = module._getInputHeight();
  }

  static async load(base: string): Promise<Segmenter> {
    const [wasmBinary, model] = await Promise.all([unpack(`${base}/segmenter.bin`), unpack(`${base}/model.bin`)]);
    const module = await createModule({ wasmBinary: new Uint8Array(wasmBinary) });
    module.HEAPU8.set(new Uint8Array(model), module._getModelBufferMemoryOffset());
    module._loadModel(model.byteLength);
    return new Segmenter(module);
  }

  /** How sure the model is of a person, 0 to 1 a pixel. Valid until the next call. */
  find({ data }: ImageData): Float32Array {
    const module = this.#module;
    const pixels = this.width * this.height;
    const input = module.HEAPF32.subarray(module._getInputMemoryOffset() / 4);
    for (let i = 0; i < pixels; i++) {
      input[i * 3] = (data[i * 4] ?? 0) / 255;
      input[i * 3 + 1] = (data[i * 4 + 1] ?? 0) / 255;
      input[i * 3 + 2] = (data[i * 4 + 2] ?? 0) / 255;
    }
    module._runInference();
    const at = module._getOutputMemoryOffset() / 4;
    return module.HEAPF32.subarray(at, at + pixels);
  }
}
