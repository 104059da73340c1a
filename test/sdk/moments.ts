/**
 * In the page: when pictures are shown and voices heard, as the threads say that show and play. A page that is busy for a moment, as while
 * it negotiates, shows and plays on; what its own timers see then is no gap of the call.
 */

/** Between two moments in which a voice is looked for, ms. */
const GRID_MS = 10;

/** On the audio thread: tells ten times a second from when to when the track was louder than silence, ms since the epoch. */
const EAR = `registerProcessor('ear', class extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = () => (this.isOver = true);
  }
  process([[samples]]) {
    const now = Date.now();
    const isLoud = !this.isOver && (samples?.some((sample) => Math.abs(sample) > 0.001) ?? false);
    if (this.from !== undefined && (!isLoud || now - this.from > 100)) {
      this.port.postMessage([this.from, this.to]);
      this.from = isLoud ? this.to : undefined;
    }
    if (isLoud) {
      // Blocks come in bursts of some 20 ms: a pause between two of them is none.
      this.from ??= now - this.to < 30 ? this.to : now;
      this.to = now;
    }
    return !this.isOver;
  }
})`;

/** What a video element has shown. */
export class FrameTimes {
  /** ms since the epoch. */
  readonly times: number[] = [];
  #presented = 0;
  #last = 0;

  /** A frame was shown. Those that were shown while the page was busy are spread over that time. */
  add({ presentationTime, presentedFrames }: VideoFrameCallbackMetadata): void {
    const at = performance.timeOrigin + presentationTime;
    const frames = this.#last === 0 ? 1 : Math.max(1, presentedFrames - this.#presented);
    for (let n = frames - 1; n >= 0; n--) this.times.push(Math.round(at - (n * (at - this.#last)) / frames));
    this.#presented = presentedFrames;
    this.#last = at;
  }
}

let shared: AudioContext | undefined;
/** One for the page, without a device: each has threads that wake a hundred times a second, of the time that a call on this machine needs. */
export function audio(): AudioContext {
  shared ??= new AudioContext({ sinkId: { type: 'none' } } as AudioContextOptions);
  return shared;
}

export class Voices {
  /** Which track each stream has had from when on, the newest last. */
  readonly #tracks = new WeakMap<MediaStream, { readonly track: MediaStreamTrack; readonly at: number }[]>();
  readonly #loud = new WeakMap<MediaStreamTrack, [from: number, to: number][]>();
  readonly #ready = audio().audioWorklet.addModule(URL.createObjectURL(new Blob([EAR], { type: 'text/javascript' })));

  /** From now on: which track a stream has, and each track from its beginning. */
  constructor() {
    const { addTrack } = MediaStream.prototype;
    const note = (stream: MediaStream, track: MediaStreamTrack) => this.#note(stream, track);
    MediaStream.prototype.addTrack = function (track) {
      note(this, track);
      addTrack.call(this, track);
    };
    const listen = (track: MediaStreamTrack, over: AbortSignal) => void this.#listen(track, over);
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      readonly #over = new AbortController();
      constructor(configuration?: RTCConfiguration) {
        super(configuration);
        this.addEventListener('track', ({ track }) => listen(track, this.#over.signal));
      }
      override close(): void {
        super.close();
        this.#over.abort();
      }
    };
  }

  /** Moments since then at which the track that the stream had was louder than silence, ms since the epoch. */
  heard(stream: MediaStream, since: number): number[] {
    const tracks = this.#tracks.get(stream) ?? [];
    const times: number[] = [];
    for (let at = since; at <= Date.now(); at += GRID_MS) {
      const shown = tracks.findLast((one) => one.at <= at)?.track;
      const loud = shown && this.#loud.get(shown);
      if (loud?.some(([from, to]) => from <= at && at <= to)) times.push(at);
    }
    return times;
  }

  #note(stream: MediaStream, track: MediaStreamTrack): void {
    if (track.kind !== 'audio') return;
    const tracks = this.#tracks.get(stream) ?? [];
    this.#tracks.set(stream, [...tracks, { track, at: Date.now() }]);
  }

  /** @param over ends it: the connection is closed */
  async #listen(track: MediaStreamTrack, over: AbortSignal): Promise<void> {
    if (track.kind !== 'audio' || this.#loud.has(track)) return;
    const loud: [number, number][] = [];
    this.#loud.set(track, loud);
    await this.#ready;
    if (over.aborted) return;
    const ear = new AudioWorkletNode(audio(), 'ear', { numberOfOutputs: 0 });
    ear.port.onmessage = ({ data }) => loud.push(data);
    const source = audio().createMediaStreamSource(new MediaStream([track]));
    source.connect(ear);
    over.addEventListener('abort', () => {
      source.disconnect();
      // It tells what it has, and ends.
      ear.port.postMessage('over');
    });
  }
}
