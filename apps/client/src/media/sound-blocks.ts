import { effectsBase } from './effects/effect.ts';

/** Above this a recognizer of 16,000 Hz hears nothing but aliases, Hz. */
const CUT_HZ = 7000;
/** Rates to try: the device's own first. Firefox connects a track of another context (noise filter) at that one's rate only. */
const RATES = [undefined, 48_000, 44_100];

/** Sound is looked for this often, ms; twice without any is said. A page that slept for a while has had none once. */
const LOOK_MS = 4000;

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

/** Says once when no block came for a while: a browser without an output runs no sound at all, and one may stop it in the middle. */
class BlockWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  #isHeard = false;
  #missed = 0;

  constructor(silent: () => void) {
    this.#timer = setInterval(() => {
      this.#missed = this.#isHeard ? 0 : this.#missed + 1;
      this.#isHeard = false;
      if (this.#missed === 2) silent();
    }, LOOK_MS);
  }

  heard(): void {
    this.#isHeard = true;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** A context that may not run before a gesture, or was stopped, runs after the next one. @returns what ends it */
function resumeOnGestures(context: AudioContext): () => void {
  const resume = () => void (context.state !== 'running' && context.resume().catch(() => {}));
  const gestures = ['pointerup', 'keydown'];
  for (const gesture of gestures) addEventListener(gesture, resume);
  // Not waited for: where there is no output it never ends.
  resume();
  return () => {
    for (const gesture of gestures) removeEventListener(gesture, resume);
  };
}

/**
 * Gives the sound of a track as blocks of PCM (pcm-blocks.ts), mono, until it is ended.
 * @param track stays its owner's
 * @param silent no block has come for some seconds, not even of silence. Called once each time
 * @returns what ends it
 * @throws what the browser says, when it cannot
 */
export async function soundBlocks(
  track: MediaStreamTrack,
  take: (block: ArrayBuffer) => void,
  silent: () => void,
): Promise<() => void> {
  const { context, node } = sourceOf(track);
  try {
    await context.audioWorklet.addModule(`${effectsBase}/captions-worklet.js`);
    const filters = [0, 1].map(() => new BiquadFilterNode(context, { type: 'lowpass', frequency: CUT_HZ }));
    const worklet = new AudioWorkletNode(context, 'captions', { channelCount: 1, channelCountMode: 'explicit' });
    let last: AudioNode = node;
    // What goes to nowhere does not run everywhere: the worklet gives silence to the loudspeaker.
    for (const next of [...filters, worklet, context.destination]) last = last.connect(next);
    const watch = new BlockWatch(silent);
    worklet.port.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
      watch.heard();
      take(data);
    };
    const forget = resumeOnGestures(context);
    return () => {
      worklet.port.onmessage = null;
      watch.end();
      forget();
      node.disconnect();
      void context.close().catch(() => {});
    };
  } catch (error) {
    void context.close().catch(() => {});
    throw error;
  }
}
