import { audioContext } from '@tandem/react';

/**
 * The microphone and the sound of what is shared, as one track: a call has one place for sound. A muted microphone gives silence to the
 * mix; the shared sound goes on.
 */
export class SoundMix {
  readonly track: MediaStreamTrack;
  readonly #context = audioContext();
  readonly #out = new MediaStreamAudioDestinationNode(this.#context);
  readonly #shared: MediaStreamAudioSourceNode;
  readonly #loudness = new GainNode(this.#context);
  #microphone: MediaStreamAudioSourceNode | undefined;

  /** @param shared stays its owner's: stopping the mix leaves it alone */
  constructor(shared: MediaStreamTrack) {
    this.#shared = this.#context.createMediaStreamSource(new MediaStream([shared]));
    this.#shared.connect(this.#loudness).connect(this.#out);
    const [track] = this.#out.stream.getAudioTracks();
    if (!track) throw new Error('no track from the mix');
    // Without it the encoder takes music for noise around a voice.
    track.contentHint = 'music';
    this.track = track;
  }

  /** The microphone of the moment, as it is sent when nothing is shared; undefined: none. */
  setMicrophone(track: MediaStreamTrack | undefined): void {
    this.#microphone?.disconnect();
    this.#microphone = track && this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#microphone?.connect(this.#out);
  }

  /** How loud the shared sound is beside the voice. @param volume 0 to 1 */
  setVolume(volume: number): void {
    // At once would be heard as a click.
    this.#loudness.gain.setTargetAtTime(volume, this.#context.currentTime, 0.02);
  }

  stop(): void {
    this.#shared.disconnect();
    this.#loudness.disconnect();
    this.#microphone?.disconnect();
    this.track.stop();
  }
}
