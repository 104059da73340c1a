import { Store } from '@tandem/react';
import { preferences, savePreferences, storedPreferences } from '../lib/preferences.ts';
import { Cameras, facingOf } from './cameras.ts';
import { constraintsFor } from './constraints.ts';
import {
  failedSource,
  foundSources,
  initialMedia,
  type Kind,
  type LocalMediaState,
  noMedia,
  releasedMedia,
  startedSource,
  startingSource,
} from './media-state.ts';
import { MicrophoneSound } from './microphone-sound.ts';
import { permissionOf } from './problem.ts';

/** Camera and microphone of this page: one owner, used by the lobby and the call. */
export class LocalMedia extends Store<LocalMediaState> {
  readonly #sound = new MicrophoneSound({
    isOpen: () => this.get().audio === 'live' && !this.get().muted,
    silent: (silent) => this.set({ silent }),
  });
  readonly #cameras = new Cameras({
    taken: (camera) => this.set({ camera, facing: facingOf(camera), blurFailed: false, lost: '' }),
    ready: (videoTrack) => this.set({ video: 'live', videoTrack }),
    blurFailed: () => {
      this.#closeCameras();
      this.set({ video: 'failed', blurFailed: true });
    },
    ended: (camera) => this.#trackEnded('video', camera),
  });
  #request = { audio: 0, video: 0 };
  /** What is on or off in this page, by a person or by the call; what a person said themselves is remembered for the next visit too. */
  readonly #now: { muted?: boolean; cameraOff?: boolean } = {};
  /** Counts ends: what was asked for before the latest one is not wanted any more. */
  #ends = 0;

  constructor() {
    super(initialMedia);
  }

  /** Watch devices; start at once when permission was given on an earlier visit, or wait for a click. */
  async prepare(): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.set(noMedia());
      return;
    }
    const ends = this.#ends;
    this.#watchDevices();
    this.set({ muted: this.#now.muted ?? storedPreferences().startMuted });
    await this.#listDevices();
    const [camera, microphone] = await Promise.all([permissionOf('video'), permissionOf('audio')]);
    if (ends !== this.#ends || this.get().asked) return;
    const labelled = this.get().devices.some((device) => device.label !== '');
    if (camera === 'granted' || microphone === 'granted' || labelled) await this.start();
    else this.set({ asked: false });
  }

  /** Ask for both; when that fails, for each alone, so that one missing device does not cost the other. */
  async start(): Promise<void> {
    const wantVideo = !(this.#now.cameraOff ?? preferences.get().startCameraOff);
    this.#watchDevices();
    this.set({ asked: true, problem: undefined, problemKind: undefined, ...startingSource('audio', this.get()) });
    if (wantVideo) this.set(startingSource('video', this.get()));
    const ends = this.#ends;
    const request = { audio: ++this.#request.audio, video: ++this.#request.video };
    try {
      const wish = { audio: this.#constraints('audio'), ...(wantVideo && { video: this.#constraints('video') }) };
      const stream = await navigator.mediaDevices.getUserMedia(wish);
      // Blur takes a moment; neither the list nor the microphone waits for it.
      const adopting = stream.getTracks().map((track) => this.#adopt(track, request[track.kind as Kind]));
      await this.#listDevices();
      await Promise.all(adopting);
    } catch {
      // What was decided anew while the browser asked (a switch, the end of the call) is not overruled.
      if (request.audio === this.#request.audio) await this.#startKind('audio');
      if (wantVideo && request.video === this.#request.video) await this.#startKind('video');
      if (ends === this.#ends) await this.#listDevices();
    }
  }

  async #startKind(kind: Kind): Promise<void> {
    const request = ++this.#request[kind];
    this.#watchDevices();
    this.set(startingSource(kind, this.get()));
    let failure: unknown;
    // A remembered device that is gone must not block: the second round takes any.
    for (const exact of [true, false]) {
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ [kind]: this.#constraints(kind, exact) });
        await Promise.all(stream.getTracks().map((track) => this.#adopt(track, request)));
        if (request === this.#request[kind]) this.set(startedSource(kind, this.get()));
        return;
      } catch (error) {
        failure = error;
      }
      if (request !== this.#request[kind]) return;
    }
    const permission = await permissionOf(kind);
    if (request === this.#request[kind]) this.set(failedSource(kind, this.get(), failure, permission));
  }

  #constraints(kind: Kind, exact = false): MediaTrackConstraints {
    return constraintsFor(kind, { exact, filtered: this.#wantsFilter(), facing: this.get().facing });
  }

  async #adopt(track: MediaStreamTrack, request: number): Promise<void> {
    if (request !== this.#request[track.kind as Kind]) track.stop();
    else if (track.kind === 'audio') this.#adoptMicrophone(track, request);
    else await this.#cameras.adopt(track);
  }

  #adoptMicrophone(microphone: MediaStreamTrack, request: number): void {
    const before = this.get().microphone;
    this.#sound.stopFilter();
    microphone.enabled = !this.get().muted;
    if (before !== microphone) {
      microphone.addEventListener('ended', () => this.#trackEnded('audio', microphone));
      microphone.contentHint = 'speech';
      this.#sound.hear(microphone);
    }
    this.set({ audio: 'live', microphone, audioTrack: microphone, silent: false, lost: '' });
    if (before !== microphone) before?.stop();
    if (this.#wantsFilter()) this.#filterNoise(microphone, request);
  }

  #wantsFilter(): boolean {
    const { noiseSuppression, noiseFilter } = preferences.get();
    return noiseSuppression && noiseFilter && !this.get().filterFailed;
  }

  /** The microphone is heard at once and the filter follows: the sound does not stop while it loads or waits for a gesture. */
  #filterNoise(microphone: MediaStreamTrack, request: number): void {
    const isWanted = () => request === this.#request.audio;
    void this.#sound.startFilter(microphone, {
      isWanted,
      ready: (audioTrack) => {
        audioTrack.enabled = !this.get().muted;
        this.set({ audioTrack });
      },
      failed: () => {
        if (!isWanted()) return;
        this.#sound.stopFilter();
        this.set({ filterFailed: true });
        void this.#applySound();
      },
    });
  }

  #closeCameras(): void {
    this.#request.video++;
    this.set({ camera: undefined, videoTrack: undefined });
    this.#cameras.close();
  }

  /** The device went away under us (unplugged, taken by the system): try another one. */
  #trackEnded(kind: Kind, track: MediaStreamTrack): void {
    if (track !== (kind === 'audio' ? this.get().microphone : this.get().camera)) return;
    void this.#tellIfUnplugged(track);
    if (kind === 'video') this.#closeCameras();
    else {
      this.#sound.stopFilter();
      this.set({ microphone: undefined, audioTrack: undefined });
    }
    void this.#startKind(kind);
  }

  /** A track also ends when its permission is taken back: then the device is still there, and the problem has words of its own. */
  async #tellIfUnplugged(track: MediaStreamTrack): Promise<void> {
    const ends = this.#ends;
    const permission = (await permissionOf(track.kind as Kind)) ?? 'granted';
    if (permission === 'granted' && ends === this.#ends) this.set({ lost: track.label });
  }

  /** 0 to 1, also while muted: so the page can notice speech. */
  level(): number {
    return this.#sound.level();
  }

  /** Until `stop`. Again and again: who may not publish for a while has let go of all. */
  #watchDevices(): void {
    navigator.mediaDevices?.addEventListener('devicechange', this.#devicesChanged);
    this.#sound.watchSilence();
  }

  #devicesChanged = (): void => {
    const ends = this.#ends;
    void this.#listDevices().then(() => {
      if (ends === this.#ends) for (const kind of foundSources(this.get())) void this.#startKind(kind);
    });
  };

  async #listDevices(): Promise<void> {
    this.set({ devices: (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [] });
  }

  /** Switch the microphone on or off; starts it when it never ran. @param by a `person`, whose wish it is for the next visit too */
  async setMuted(muted: boolean, by: 'person' | 'call' = 'person'): Promise<void> {
    this.#now.muted = muted;
    this.set({ muted });
    if (by === 'person') savePreferences({ startMuted: muted });
    const { audioTrack, microphone } = this.get();
    for (const track of [audioTrack, microphone]) if (track) track.enabled = !muted;
    if (!audioTrack && !muted) await this.#startKind('audio');
  }

  /** Off stops the camera (its light goes out); on starts it again. @param by as for the microphone */
  async setCamera(on: boolean, by: 'person' | 'call' = 'person'): Promise<void> {
    this.#now.cameraOff = !on;
    if (by === 'person') savePreferences({ startCameraOff: !on });
    if (on) {
      if (this.get().video !== 'live') await this.#startKind('video');
      await this.#listDevices();
      return;
    }
    this.#closeCameras();
    this.set({ video: 'off', blurFailed: false });
  }

  /** The camera on the other side of a phone. The one in use goes first: phones open one at a time. */
  async flipCamera(): Promise<void> {
    const facing = this.get().facing === 'environment' ? 'user' : 'environment';
    savePreferences({ videoInput: '' });
    this.#closeCameras();
    this.set({ facing });
    await this.#startKind('video');
  }

  /** Take another device; in a call the new track replaces the old one in every pair. */
  async chooseDevice(kind: MediaDeviceKind, deviceId: string): Promise<void> {
    if (kind === 'audiooutput') return savePreferences({ audioOutput: deviceId });
    savePreferences(kind === 'audioinput' ? { audioInput: deviceId } : { videoInput: deviceId });
    if (kind === 'audioinput') return await this.#startKind('audio');
    if (this.get().video === 'off') return;
    // A phone, which says which way a camera looks, opens one at a time.
    if (this.get().facing) this.#closeCameras();
    await this.#startKind('video');
  }

  /** Sound settings were changed by a person: the filter gets another try. */
  async changeSound(): Promise<void> {
    this.set({ filterFailed: false });
    await this.#applySound();
  }

  async #applySound(): Promise<void> {
    const { microphone } = this.get();
    if (!microphone) return;
    const wanted = this.#constraints('audio');
    const request = ++this.#request.audio;
    await microphone.applyConstraints(wanted).catch(() => {});
    if (request !== this.#request.audio) return;
    const { noiseSuppression = wanted.noiseSuppression } = microphone.getSettings();
    if (noiseSuppression === wanted.noiseSuppression) return this.#adoptMicrophone(microphone, request);
    // Chromium opens a device in use with its present settings only, for this page too: release it first.
    this.#sound.stopFilter();
    this.#sound.stopMeter();
    microphone.stop();
    await this.#startKind('audio');
    if (this.get().audio === 'failed') this.set({ microphone: undefined, audioTrack: undefined });
  }

  /** Blur was switched on or off. On: what is not blurred stops at once, before anything is awaited. */
  async changeBlur(): Promise<void> {
    const { video, camera, videoTrack, blurFailed } = this.get();
    if (video === 'off' || (video === 'failed' && !blurFailed)) return;
    if (preferences.get().backgroundBlur && videoTrack && this.#cameras.isBare(videoTrack))
      this.set({ video: 'starting', videoTrack: undefined });
    if (video !== 'live' || !camera) {
      await this.#startKind('video');
      return;
    }
    await camera.applyConstraints(this.#constraints('video')).catch(() => {});
    if (this.#cameras.has(camera)) await this.#cameras.adopt(camera);
  }

  /** The way out when blur fails: on purpose, and said on the button. */
  async goWithoutBlur(): Promise<void> {
    savePreferences({ backgroundBlur: false });
    await this.changeBlur();
  }

  /** Let go of camera and microphone. */
  stop(): void {
    navigator.mediaDevices?.removeEventListener('devicechange', this.#devicesChanged);
    this.#sound.unwatch();
    this.#ends++;
    this.#request.audio++;
    this.#closeCameras();
    this.#sound.stop();
    const { microphone } = this.get();
    this.set(releasedMedia);
    microphone?.stop();
  }
}

/** The page's one camera and microphone. */
export const localMedia = new LocalMedia();
