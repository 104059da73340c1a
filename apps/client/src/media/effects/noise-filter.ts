import { RnnoiseWorkletNode } from '@sapphi-red/web-noise-suppressor';
import { type Effect, effectsBase } from './effect.ts';
import { unpack } from './unpack.ts';

export interface NoiseFilter extends Effect {
  /** For a meter of its track: Firefox connects no two contexts of different rates. */
  readonly context: AudioContext;
}

/** The only rate that RNNoise was taught at. */
const RATE = 48_000;

/** Resolves when the context runs: in some browsers that takes a gesture. */
async function running(context: AudioContext): Promise<void> {
  const gesture = new AbortController();
  const wake = () => void context.resume().catch(() => {});
  for (const name of ['pointerdown', 'keydown']) addEventListener(name, wake, { signal: gesture.signal });
  await context.resume();
  gesture.abort();
}

/**
 * The microphone without what is not a voice: RNNoise, in an AudioWorklet, which goes on in a hidden tab.
 *
 * @param microphone the filter's own from here on: it stops it
 * @param onFailed it stands still: the system took the sound away, or the worklet broke down
 */
export async function startNoiseFilter(microphone: MediaStreamTrack, onFailed: () => void): Promise<NoiseFilter> {
  const context = new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' });
  try {
    const [wasmBinary] = await Promise.all([
      unpack(`${effectsBase}/rnnoise.bin`),
      context.audioWorklet.addModule(`${effectsBase}/rnnoise-worklet.js`),
    ]);
    // The worklet keeps silent about a module that it may not compile, and gives silence: find out here.
    await WebAssembly.compile(wasmBinary);
    const source = context.createMediaStreamSource(new MediaStream([microphone]));
    const rnnoise = new RnnoiseWorkletNode(context, { maxChannels: 1, wasmBinary });
    rnnoise.channelCount = 1;
    rnnoise.channelCountMode = 'explicit';
    const out = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    source.connect(rnnoise).connect(out);
    await running(context);
    rnnoise.onprocessorerror = onFailed;
    context.onstatechange = () => {
      if (context.state !== 'running' && context.state !== 'closed') onFailed();
    };
    const [track] = out.stream.getAudioTracks();
    if (!track) throw new Error('no track from the filter');
    return {
      track,
      context,
      stop: () => {
        context.onstatechange = null;
        rnnoise.destroy();
        track.stop();
        microphone.stop();
        void context.close().catch(() => {});
      },
    };
  } catch (error) {
    microphone.stop();
    void context.close().catch(() => {});
    throw error;
  }
}
