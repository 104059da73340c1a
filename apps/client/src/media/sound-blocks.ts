import { effectsBase } from './effects/effect.ts';

/** Above this a recognizer of 16,000 Hz hears nothing but aliases, Hz. */
const CUT_HZ = 7000;
/** Rates to try: the device's own first. Firefox connects a track of another context (noise filter) at that one's rate only. */
const RATES = [undefined, 48_000, 44_100];

interface Source {
  readonly context: AudioContext;
  readonly node: MediaStreamAudioSourceNode;
}

function sourceOf(track: MediaStreamTrack): Source {
  let fault: unknown;
  for (const sampleRate of RATES) {
    const context = new AudioContext(sampleRate === undefined ? {} : { sampleRate });
    try {
      return { context, node: context.createMediaStreamSource(new MediaStream([track])) };
    } catch (error) {
      fault = error;
      void context.close().catch(() => {});
    }
  }
  throw fault;
}

/**
 * Gives the sound of a track as blocks of PCM (pcm-blocks.ts), mono, until it is ended.
 * @param track stays its owner's
 * @returns what ends it
 * @throws what the browser says, when it cannot
 */
export async function soundBlocks(track: MediaStreamTrack, take: (block: ArrayBuffer) => void): Promise<() => void> {
  const { context, node } = sourceOf(track);
  try {
    await context.audioWorklet.addModule(`${effectsBase}/captions-worklet.js`);
    const filters = [0, 1].map(() => new BiquadFilterNode(context, { type: 'lowpass', frequency: CUT_HZ }));
    const worklet = new AudioWorkletNode(context, 'captions', { channelCount: 1, channelCountMode: 'explicit' });
    worklet.port.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => take(data);
    let last: AudioNode = node;
    // What goes to nowhere does not run everywhere: the worklet gives silence to the loudspeaker.
    for (const next of [...filters, worklet, context.destination]) last = last.connect(next);
    // A context that may not run before a gesture begins with it; the block is not waited for.
    void context.resume().catch(() => {});
    return () => {
      worklet.port.onmessage = null;
      node.disconnect();
      void context.close().catch(() => {});
    };
  } catch (error) {
    void context.close().catch(() => {});
    throw error;
  }
}
