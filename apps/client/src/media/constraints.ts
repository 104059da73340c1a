import { preferences } from '../lib/preferences.ts';
import type { Facing, Kind } from './media-state.ts';

/** Settings that only some browsers have. */
export type OptionalSetting = 'voiceIsolation' | 'backgroundBlur' | 'noiseSuppression';

/** Is this setting on offer by the browser at all? */
export function supports(name: OptionalSetting): boolean {
  return !!(navigator.mediaDevices?.getSupportedConstraints() as Record<string, boolean> | undefined)?.[name];
}

export interface ConstraintOptions {
  /** The remembered device or none, rather than another one. Default: another one will do. */
  readonly exact?: boolean;
  /** Our own noise filter runs: the browser's would spoil what it leaves of a voice. */
  readonly filtered: boolean;
  /** Which way the camera is to look when none is chosen. Default: at its owner. */
  readonly facing?: Facing | undefined;
}

/** What to ask the browser for, by the preferences of this moment. */
export function constraintsFor(
  kind: Kind,
  { exact = false, filtered, facing = 'user' }: ConstraintOptions,
): MediaTrackConstraints {
  const p = preferences.get();
  const deviceId = kind === 'audio' ? p.audioInput : p.videoInput;
  const device = deviceId ? { deviceId: exact ? { exact: deviceId } : { ideal: deviceId } } : {};
  if (kind === 'audio') {
    return {
      ...device,
      echoCancellation: true,
      autoGainControl: true,
      noiseSuppression: p.noiseSuppression && !filtered,
      ...(supports('voiceIsolation') ? { voiceIsolation: p.voiceIsolation } : {}),
    } as MediaTrackConstraints;
  }
  return {
    ...device,
    width: { ideal: 1280 },
    height: { ideal: 720 },
    frameRate: { ideal: 30, max: 30 },
    ...(deviceId ? {} : { facingMode: exact && facing !== 'user' ? { exact: facing } : facing }),
    ...(supports('backgroundBlur') ? { backgroundBlur: p.backgroundBlur && p.backdrop === 'blur' } : {}),
  } as MediaTrackConstraints;
}
