import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import { sentMedia } from './sent-media.ts';
import { SentSound } from './sent-sound.ts';
import type { CallState } from './state.ts';

/**
 * Sends what camera, microphone and the shared screen's sound give, for as long as the call lasts, and tells what happened to them.
 * @param soundFailed the shared sound cannot be sent
 * @returns what ends it
 */
export function followMedia(call: Call, state: CallState, soundFailed: () => void): () => void {
  const sound = new SentSound(call);
  const failed = (error: unknown) => state.notify('end.failed', { detail: String(error) });
  let before = sentMedia(state);
  sound.applyMute();
  const mediaChanged = () => {
    const now = sentMedia(state);
    const then = before;
    before = now;
    const changes: Promise<void>[] = [];
    if (now.audioTrack !== then.audioTrack) changes.push(sound.microphoneChanged());
    else if (now.muted !== then.muted) sound.applyMute();
    if (now.videoTrack !== then.videoTrack) changes.push(call.setTrack('video', now.videoTrack ?? null));
    Promise.all(changes).catch(failed);
    if (now.devices !== then.devices)
      import('./device-offer.ts')
        .then(({ nextOffer }) => {
          const { offer, watching } = state.get();
          state.set({ offer: watching ? undefined : nextOffer(offer, then, now) });
        })
        // Not offered: the settings have the device.
        .catch(() => {});
    if (now.lost !== then.lost && now.lost) state.notify('media.lost', { device: now.lost });
    if (now.filterFailed && !then.filterFailed) state.notify('media.filterFailed');
  };
  let { sharedSound: shared, sharedVolume: volume } = state.get();
  const sharedChanged = () => {
    const { sharedSound: now, sharedVolume } = state.get();
    if (sharedVolume !== volume) sound.setSharedVolume(sharedVolume);
    volume = sharedVolume;
    if (now === shared) return;
    shared = now;
    sound.share(now).catch(() => state.get().sharedSound === now && soundFailed());
  };
  const undo = [localMedia.subscribe(mediaChanged), state.subscribe(sharedChanged), () => sound.stop()];
  return () => {
    for (const end of undo) end();
  };
}
