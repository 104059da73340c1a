import { classifyMediaError, type MediaProblem } from './problem.ts';

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

/** Something of this kind is open, and sent in a call: it goes on until another device has started, and when that does not start. */
const isRunning = (kind: Kind, { microphone, videoTrack }: LocalMediaState): boolean =>
  (kind === 'audio' ? microphone : videoTrack)?.readyState === 'live';

/** `state` for this kind, unless a device of it runs: what is still sent must not look as if it were off. */
const unlessRunning = (kind: Kind, now: LocalMediaState, state: 'starting' | 'failed'): Partial<LocalMediaState> =>
  isRunning(kind, now) ? {} : { [kind]: state };

/** A device is asked for. */
export const startingSource = (kind: Kind, now: LocalMediaState): Partial<LocalMediaState> =>
  unlessRunning(kind, now, 'starting');

/** One of the two did not start, for `failure`. @param permission what the browser says of it, when it knows */
export const failedSource = (
  kind: Kind,
  now: LocalMediaState,
  failure: unknown,
  permission: PermissionState | undefined,
): Partial<LocalMediaState> => ({
  ...unlessRunning(kind, now, 'failed'),
  problemKind: now.problemKind && now.problemKind !== kind ? 'both' : kind,
  problem: classifyMediaError(failure, permission),
  detail: failure instanceof Error ? failure.message || failure.name : String(failure),
});

/** One of the two has started: what is wrong with the other one stays. */
export function startedSource(kind: Kind, { problemKind }: LocalMediaState): Partial<LocalMediaState> {
  if (problemKind === 'both') return { problemKind: kind === 'audio' ? 'video' : 'audio' };
  return problemKind === kind ? { problem: undefined, problemKind: undefined } : {};
}

/** Something is wrong, and nothing of me would be seen or heard. */
export const isWithout = ({ problem, audio, video }: LocalMediaState): boolean =>
  problem !== undefined && audio !== 'live' && video !== 'live';

/** What did not start because there was none, and is there now. */
export const foundSources = ({ devices, problem, ...state }: LocalMediaState): Kind[] =>
  (['audio', 'video'] as const).filter(
    (kind) =>
      problem === 'none' && state[kind] === 'failed' && devices.some((device) => device.kind === `${kind}input`),
  );

/** Camera and microphone are let go of; the camera's tracks are closed already. */
export const releasedMedia: Partial<LocalMediaState> = {
  audio: 'off',
  video: 'off',
  audioTrack: undefined,
  microphone: undefined,
  silent: false,
  asked: undefined,
};
