import { preferences, savePreferences } from '../lib/preferences.ts';
import { Store } from '../lib/store.ts';
import { audioContext, LevelMeter } from './level-meter.ts';
import { classifyMediaError, type MediaProblem, queryPermission } from './problem.ts';

/** `off` by choice, `starting`, `live`, or `failed` with the reason in `problem`. */
export type SourceState = 'off' | 'starting' | 'live' | 'failed';
export type Kind = 'audio' | 'video';

export interface LocalMediaState {
  /** Asked at least once (or permission was there already); undefined until that is known. */
  asked: boolean | undefined;
  audio: SourceState;
  video: SourceState;
  audioTrack: MediaStreamTrack | undefined;
  videoTrack: MediaStreamTrack | undefined;
  /** Microphone is live but switched off: the track stays, disabled, so that turning it on is instant. */
  muted: boolean;
  problem: MediaProblem | undefined;
  problemKind: Kind | 'both' | undefined;
  detail: string;
  devices: MediaDeviceInfo[];
  /** The microphone has given digital silence for some seconds. */
  silent: boolean;
  /** A device that just disappeared, for a notice. */
  lost: string;
}

/** Silence for this long earns a warning. Long enough for a pause before the first word. */
const SILENCE_MS = 4000;
/** −80 dB RMS: below the noise floor of any live microphone, above digital zero. */
const SILENCE_RMS = 1e-4;

const CHROME_ONLY = ['voiceIsolation', 'backgroundBlur'] as const;
type Extra = (typeof CHROME_ONLY)[number];

/** Camera and microphone of this page: one owner, used by the lobby and the call. */
export class LocalMedia extends Store<LocalMediaState> {
  #meter: LevelMeter | undefined;
  #silentSince = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #request = { audio: 0, video: 0 };

  constructor() {
    super({
      asked: undefined,
      audio: 'off',
      video: 'off',
      audioTrack: undefined,
      videoTrack: undefined,
      muted: false,
      problem: undefined,
      problemKind: undefined,
      detail: '',
      devices: [],
      silent: false,
      lost: '',
    });
  }

  /** Is this setting on offer by the browser at all? */
  supports(name: Extra | 'noiseSuppression'): boolean {
    return !!(navigator.mediaDevices?.getSupportedConstraints() as Record<string, boolean> | undefined)?.[name];
  }

  /** Watch devices; start at once when permission was given on an earlier visit, or wait for a click. */
  async prepare(): Promise<void> {
    if (!navigator.mediaDevices?.getUserMedia) {
      this.set({
        asked: true,
        audio: 'failed',
        video: 'failed',
        problem: globalThis.isSecureContext ? 'unknown' : 'insecure',
        problemKind: 'both',
        detail: 'mediaDevices',
      });
      return;
    }
    navigator.mediaDevices.addEventListener('devicechange', this.#devicesChanged);
    this.#timer ??= setInterval(this.#watchSilence, 500);
    await this.#listDevices();
    this.set({ muted: preferences.get().startMuted });
    const [camera, microphone] = await Promise.all([queryPermission('camera'), queryPermission('microphone')]);
    const labelled = this.get().devices.some((device) => device.label !== '');
    if (camera === 'granted' || microphone === 'granted' || labelled) await this.start();
    else if (!this.get().asked) this.set({ asked: false });
  }

  /** Ask for both; when that fails, for each alone, so that one missing device does not cost the other. */
  async start(): Promise<void> {
    const wantVideo = !preferences.get().startCameraOff;
    this.set({ asked: true, problem: undefined, problemKind: undefined, audio: 'starting' });
    if (wantVideo) this.set({ video: 'starting' });
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: this.#constraints('audio'),
        ...(wantVideo ? { video: this.#constraints('video') } : {}),
      });
      this.#adopt('audio', stream.getAudioTracks()[0]);
      if (wantVideo) this.#adopt('video', stream.getVideoTracks()[0]);
      await this.#listDevices();
    } catch {
      await this.#startKind('audio');
      if (wantVideo) await this.#startKind('video');
      await this.#listDevices();
    }
  }

  async #startKind(kind: Kind): Promise<boolean> {
    const request = ++this.#request[kind];
    this.set(kind === 'audio' ? { audio: 'starting' } : { video: 'starting' });
    let failure: unknown;
    // A remembered device that is gone must not block: the second round takes any.
    for (const exact of [true, false]) {
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ [kind]: this.#constraints(kind, exact) });
        if (request !== this.#request[kind]) {
          for (const track of stream.getTracks()) track.stop();
          return false;
        }
        this.#adopt(kind, stream.getTracks()[0]);
        if (this.get().problemKind === kind) this.set({ problem: undefined, problemKind: undefined });
        return true;
      } catch (error) {
        failure = error;
      }
    }
    const permission = await queryPermission(kind === 'audio' ? 'microphone' : 'camera');
    const before = this.get().problemKind;
    this.set({
      ...(kind === 'audio' ? { audio: 'failed' as const } : { video: 'failed' as const }),
      problem: classifyMediaError(failure, permission),
      problemKind: before && before !== kind ? 'both' : kind,
      detail: failure instanceof Error ? failure.message || failure.name : String(failure),
    });
    return false;
  }

  #constraints(kind: Kind, exact = false): MediaTrackConstraints {
    const p = preferences.get();
    const deviceId = kind === 'audio' ? p.audioInput : p.videoInput;
    const device = deviceId ? { deviceId: exact ? { exact: deviceId } : { ideal: deviceId } } : {};
    if (kind === 'audio') {
      return {
        ...device,
        echoCancellation: true,
        autoGainControl: true,
        noiseSuppression: p.noiseSuppression,
        ...(this.supports('voiceIsolation') ? { voiceIsolation: p.voiceIsolation } : {}),
      } as MediaTrackConstraints;
    }
    return {
      ...device,
      width: { ideal: 1280 },
      height: { ideal: 720 },
      frameRate: { ideal: 30, max: 30 },
      ...(deviceId ? {} : { facingMode: 'user' }),
      ...(this.supports('backgroundBlur') ? { backgroundBlur: p.backgroundBlur } : {}),
    } as MediaTrackConstraints;
  }

  #adopt(kind: Kind, track: MediaStreamTrack | undefined): void {
    if (!track) return;
    const old = kind === 'audio' ? this.get().audioTrack : this.get().videoTrack;
    track.addEventListener('ended', () => this.#trackEnded(kind, track));
    if (kind === 'audio') {
      track.enabled = !this.get().muted;
      track.contentHint = 'speech';
      this.#meter?.stop();
      const listener = track.clone();
      // Also while muted: so the page can tell that somebody talks to a closed microphone.
      listener.enabled = true;
      this.#meter = new LevelMeter(audioContext(), listener);
      this.#silentSince = 0;
      this.set({ audio: 'live', audioTrack: track, silent: false });
    } else {
      track.contentHint = 'motion';
      this.set({ video: 'live', videoTrack: track });
    }
    old?.stop();
  }

  /** The device went away under us (unplugged, taken by the system): try another one. */
  #trackEnded(kind: Kind, track: MediaStreamTrack): void {
    if (track !== (kind === 'audio' ? this.get().audioTrack : this.get().videoTrack)) return;
    this.set({ lost: track.label, ...(kind === 'audio' ? { audioTrack: undefined } : { videoTrack: undefined }) });
    void this.#startKind(kind);
  }

  /** 0 to 1, from a copy of the track that is never muted: so the page can notice that you talk while muted. */
  level(): number {
    return this.#meter?.read() ?? 0;
  }

  #watchSilence = (): void => {
    if (this.get().audio !== 'live' || this.get().muted || !this.#meter) return;
    if (audioContext().state !== 'running') return;
    const now = performance.now();
    if (this.level() > SILENCE_RMS) {
      this.#silentSince = 0;
      this.set({ silent: false });
    } else if (this.#silentSince === 0) this.#silentSince = now;
    else if (now - this.#silentSince > SILENCE_MS) this.set({ silent: true });
  };

  #devicesChanged = (): void => {
    void this.#listDevices().then(() => {
      const { devices, audio, video, problem } = this.get();
      // Something was plugged in that was missing: take it.
      if (problem !== 'none') return;
      if (audio === 'failed' && devices.some((d) => d.kind === 'audioinput')) void this.#startKind('audio');
      if (video === 'failed' && devices.some((d) => d.kind === 'videoinput')) void this.#startKind('video');
    });
  };

  async #listDevices(): Promise<void> {
    try {
      this.set({ devices: await navigator.mediaDevices.enumerateDevices() });
    } catch {
      this.set({ devices: [] });
    }
  }

  /** Switch the microphone on or off; starts it when it never ran. */
  async setMuted(muted: boolean): Promise<void> {
    this.set({ muted });
    savePreferences({ startMuted: muted });
    const { audioTrack } = this.get();
    if (audioTrack) audioTrack.enabled = !muted;
    else if (!muted) await this.#startKind('audio');
  }

  /** Off stops the camera (its light goes out); on starts it again. */
  async setCamera(on: boolean): Promise<void> {
    savePreferences({ startCameraOff: !on });
    if (on) {
      if (this.get().video !== 'live') await this.#startKind('video');
      await this.#listDevices();
      return;
    }
    this.#request.video++;
    const { videoTrack } = this.get();
    this.set({ video: 'off', videoTrack: undefined });
    videoTrack?.stop();
  }

  /** Take another device; in a call the new track replaces the old one in every pair. */
  async chooseDevice(kind: MediaDeviceKind, deviceId: string): Promise<void> {
    if (kind === 'audiooutput') {
      savePreferences({ audioOutput: deviceId });
      return;
    }
    savePreferences(kind === 'audioinput' ? { audioInput: deviceId } : { videoInput: deviceId });
    if (kind === 'audioinput') await this.#startKind('audio');
    else if (this.get().video !== 'off') await this.#startKind('video');
  }

  /** Apply noise, voice and blur settings to the running tracks; the browser may need a restart of the track. */
  async applyEffects(): Promise<void> {
    const { audioTrack, videoTrack } = this.get();
    try {
      await audioTrack?.applyConstraints(this.#constraints('audio'));
      await videoTrack?.applyConstraints(this.#constraints('video'));
    } catch {
      if (audioTrack) await this.#startKind('audio');
    }
  }

  /** Let go of camera and microphone. */
  stop(): void {
    navigator.mediaDevices?.removeEventListener('devicechange', this.#devicesChanged);
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#request.audio++;
    this.#request.video++;
    const { audioTrack, videoTrack } = this.get();
    this.#meter?.stop();
    this.#meter = undefined;
    this.set({ audio: 'off', video: 'off', audioTrack: undefined, videoTrack: undefined, silent: false });
    audioTrack?.stop();
    videoTrack?.stop();
  }
}

/** The page's one camera and microphone. */
export const localMedia = new LocalMedia();
