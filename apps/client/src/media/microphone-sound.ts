/** The sound of the microphone: how loud it is, whether it is silent, and the noise filter that it may go through. */
import { audioContext, LevelMeter } from '@tandem/react';
import type { NoiseFilter } from './effects/noise-filter.ts';

/** Silence for this long earns a warning. Long enough for a pause before the first word. */
const SILENCE_MS = 4000;
/** −80 dB RMS: below the noise floor of any live microphone, above digital zero. */
const SILENCE_RMS = 1e-4;

/** A copy that hears while the track itself is muted: so the page can tell that somebody talks to a closed microphone. */
function listener(track: MediaStreamTrack): MediaStreamTrack {
  const copy = track.clone();
  copy.enabled = true;
  return copy;
}

export interface MicrophoneSoundHost {
  /** It is live and not muted: silence would mean something. */
  isOpen(): boolean;
  /** Digital silence has lasted for some seconds, or is over. */
  silent(silent: boolean): void;
}

/** What becomes of a noise filter that is started. */
export interface FilterHandlers {
  /** False: something else was decided while it loaded. */
  isWanted(): boolean;
  /** It runs: this is the filtered track. */
  ready(track: MediaStreamTrack): void;
  /** It does not run, or not any more. */
  failed(): void;
}

export class MicrophoneSound {
  /** Of the microphone itself. */
  #meter: LevelMeter | undefined;
  #filter: { effect: NoiseFilter; meter: LevelMeter } | undefined;
  readonly #host: MicrophoneSoundHost;
  #silentSince = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(host: MicrophoneSoundHost) {
    this.#host = host;
  }

  /** Measure this microphone from now on. */
  hear(microphone: MediaStreamTrack): void {
    this.#meter?.stop();
    this.#meter = new LevelMeter(audioContext(), listener(microphone));
    this.#silentSince = 0;
  }

  async startFilter(microphone: MediaStreamTrack, { isWanted, ready, failed }: FilterHandlers): Promise<void> {
    try {
      const { startNoiseFilter } = await import('./effects/noise-filter.ts');
      // A copy: the microphone itself may be muted, and is sent until the filter takes over.
      const effect = await startNoiseFilter(listener(microphone), failed);
      if (!isWanted()) return effect.stop();
      this.#filter = { effect, meter: new LevelMeter(effect.context, listener(effect.track)) };
      effect.track.contentHint = 'speech';
      ready(effect.track);
    } catch {
      failed();
    }
  }

  stopFilter(): void {
    this.#filter?.meter.stop();
    this.#filter?.effect.stop();
    this.#filter = undefined;
  }

  /** 0 to 1, from a copy of the track that is never muted: so the page can notice speech while muted. */
  level(): number {
    return (this.#filter?.meter ?? this.#meter)?.read() ?? 0;
  }

  /** Report silence from now on, until `unwatch`. */
  watchSilence(): void {
    this.#timer ??= setInterval(() => this.#checkSilence(), 500);
  }

  unwatch(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #checkSilence(): void {
    if (!this.#host.isOpen() || !this.#meter) return;
    if (audioContext().state !== 'running') return;
    const now = performance.now();
    // Of the microphone, not the filter: what that leaves of a quiet room is silence.
    if (this.#meter.read() > SILENCE_RMS) {
      this.#silentSince = 0;
      this.#host.silent(false);
    } else if (this.#silentSince === 0) this.#silentSince = now;
    else if (now - this.#silentSince > SILENCE_MS) this.#host.silent(true);
  }

  stopMeter(): void {
    this.#meter?.stop();
  }

  stop(): void {
    this.stopFilter();
    this.stopMeter();
    this.#meter = undefined;
  }
}
