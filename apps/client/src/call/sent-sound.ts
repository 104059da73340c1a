import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import type { SoundMix } from '../media/sound-mix.ts';

/** What a call sends as sound: the microphone, or its mix with the sound of what I share. */
export class SentSound {
  readonly #call: Call;
  #shared: MediaStreamTrack | undefined;
  #mix: SoundMix | undefined;
  #volume = 1;

  constructor(call: Call) {
    this.#call = call;
  }

  /** The others read in my metadata what the microphone does; the shared sound goes on when that is muted. */
  applyMute(): void {
    const { audioTrack, muted } = localMedia.get();
    this.#call.setAudio(!muted && (audioTrack !== undefined || !this.#mix));
    if (this.#mix) this.#mix.track.enabled = true;
  }

  /** Another microphone, or none. */
  async microphoneChanged(): Promise<void> {
    const { audioTrack } = localMedia.get();
    this.#mix?.setMicrophone(audioTrack);
    const sent = this.#mix ? undefined : this.#call.setTrack('audio', audioTrack ?? null);
    this.applyMute();
    await sent;
  }

  /** How loud the shared sound is beside the voice, this one and the next. @param volume 0 to 1 */
  setSharedVolume(volume: number): void {
    this.#volume = volume;
    this.#mix?.setVolume(volume);
  }

  /** @throws when the code of the mix does not load; the microphone is sent as before then */
  async share(shared: MediaStreamTrack | undefined): Promise<void> {
    this.#shared = shared;
    const mix = shared && (await import('../media/sound-mix.ts')).SoundMix;
    // Something else was shared, or nothing, while the code was on its way.
    if (this.#shared !== shared) return;
    const before = this.#mix;
    this.#mix = shared && mix && new mix(shared);
    this.#mix?.setMicrophone(localMedia.get().audioTrack);
    this.#mix?.setVolume(this.#volume);
    const sent = this.#call.setTrack('audio', this.#mix?.track ?? localMedia.get().audioTrack ?? null);
    this.applyMute();
    await sent;
    before?.stop();
  }

  stop(): void {
    this.#shared = undefined;
    this.#mix?.stop();
    this.#mix = undefined;
  }
}
