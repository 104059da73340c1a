/** Runs beside the page: gives the sound of one input as blocks of PCM. Loaded by sound-blocks.ts when somebody wants captions. */
import { PcmBlocks } from './pcm-blocks.ts';

/** Of the AudioWorkletGlobalScope; TypeScript has no types of it. */
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class CaptionsProcessor extends AudioWorkletProcessor {
  readonly #blocks = new PcmBlocks(sampleRate);

  process([input]: readonly (readonly Float32Array[])[]): boolean {
    const channel = input?.[0];
    if (channel) for (const { buffer } of this.#blocks.push(channel)) this.port.postMessage(buffer, [buffer]);
    return true;
  }
}

registerProcessor('captions', CaptionsProcessor);
