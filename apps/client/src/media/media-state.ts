import type { MediaProblem } from './problem.ts';

/** `off` by choice, `starting`, `live`, or `failed` with the reason in `problem`. */
export type SourceState = 'off' | 'starting' | 'live' | 'failed';
export type Kind = 'audio' | 'video';

/** `user`: at whom holds the phone. */
export type Facing = 'user' | 'environment';

export interface LocalMediaState {
  /** Asked at least once (or permission was there already); undefined until that is known. */
  asked: boolean | undefined;
  audio: SourceState;
  video: SourceState;
  /** What is sent and shown: the device's own track, or an effect's. */
  audioTrack: MediaStreamTrack | undefined;
  videoTrack: MediaStreamTrack | undefined;
  /** The devices' own tracks. Never to be sent: the camera's may show what its owner wants blurred. */
  microphone: MediaStreamTrack | undefined;
  camera: MediaStreamTrack | undefined;
  /** Which way the camera looks, or is to look. Undefined: it does not say, as on desks. */
  facing: Facing | undefined;
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
  /** Blur is wanted and does not run: the camera is off until it does, or until blur is switched off. */
  blurFailed: boolean;
  /** The noise filter is wanted and does not run: the microphone goes on with what the browser has. */
  filterFailed: boolean;
}

export const initialMedia: LocalMediaState = {
  asked: undefined,
  audio: 'off',
  video: 'off',
  audioTrack: undefined,
  videoTrack: undefined,
  microphone: undefined,
  camera: undefined,
  facing: undefined,
  muted: false,
  problem: undefined,
  problemKind: undefined,
  detail: '',
  devices: [],
  silent: false,
  lost: '',
  blurFailed: false,
  filterFailed: false,
};

/** This browser, or this address, has no camera and no microphone to give. */
export const noMedia = (): Partial<LocalMediaState> => ({
  asked: true,
  audio: 'failed',
  video: 'failed',
  problem: globalThis.isSecureContext ? 'unknown' : 'insecure',
  problemKind: 'both',
  detail: 'mediaDevices',
});

/** One of the two did not start. @param before what had failed already */
export const failedSource = (kind: Kind, before: LocalMediaState['problemKind']): Partial<LocalMediaState> => ({
  ...(kind === 'audio' ? { audio: 'failed' as const } : { video: 'failed' as const }),
  problemKind: before && before !== kind ? 'both' : kind,
});

/** Camera and microphone are let go of; the camera's tracks are closed already. */
export const releasedMedia: Partial<LocalMediaState> = {
  audio: 'off',
  video: 'off',
  audioTrack: undefined,
  microphone: undefined,
  silent: false,
  asked: undefined,
};
