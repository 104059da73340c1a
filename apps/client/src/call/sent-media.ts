import { localMedia } from '../media/local-media.ts';
import type { LocalMediaState } from '../media/media-state.ts';
import type { CallState } from './state.ts';

/** Of camera and microphone what the others may get: what I look at before I speak is mine alone. */
export function sentMedia(state: CallState): LocalMediaState {
  const media = localMedia.get();
  if (!state.get().rehearsing) return media;
  return { ...media, audio: 'off', video: 'off', audioTrack: undefined, videoTrack: undefined };
}
