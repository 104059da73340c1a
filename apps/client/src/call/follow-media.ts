import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import type { LocalMediaState } from '../media/media-state.ts';
import type { CallState } from './state.ts';

/** Sends what camera and microphone give, for as long as the call lasts, and tells what happened to them. @returns what ends it */
export function followMedia(call: Call, state: CallState): () => void {
  let before: LocalMediaState = localMedia.get();
  call.setAudio(!before.muted);
  return localMedia.subscribe(() => {
    const now = localMedia.get();
    const then = before;
    before = now;
    const changes: Promise<void>[] = [];
    if (now.audioTrack !== then.audioTrack) changes.push(call.setTrack('audio', now.audioTrack ?? null));
    if (now.videoTrack !== then.videoTrack) changes.push(call.setTrack('video', now.videoTrack ?? null));
    if (changes.length > 0 || now.muted !== then.muted) call.setAudio(!now.muted);
    Promise.all(changes).catch((error: unknown) => state.notify('end.failed', { detail: String(error) }));
    if (now.lost !== then.lost && now.lost) state.notify('media.lost', { device: now.lost });
    if (now.filterFailed && !then.filterFailed) state.notify('media.filterFailed');
  });
}
