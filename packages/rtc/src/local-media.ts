/** What I send: my tracks, which of them are switched on, and how much of the upload capacity each may use. */

import { AUDIO_MAX_BITRATE, applyCap, cameraCap, screenCap, withinWish } from './bitrate-caps.ts';
import type { LocalState } from './call-types.ts';
import type { Pair } from './pair.ts';
import type { Slot } from './pair-types.ts';

export class LocalMedia {
  readonly #tracks: Record<Slot, MediaStreamTrack | null> = { audio: null, video: null, screen: null };
  readonly #on: Record<Slot, boolean> = { audio: true, video: true, screen: true };
  readonly #ended: (slot: Slot) => void;

  /** @param ended a track of mine ended by itself: the device is gone, sharing was stopped by the browser */
  constructor(stream: MediaStream | null | undefined, ended: (slot: Slot) => void) {
    this.#ended = ended;
    for (const track of stream?.getTracks() ?? []) this.set(track.kind === 'audio' ? 'audio' : 'video', track);
  }

  get state(): LocalState {
    const is = (slot: Slot) => this.#on[slot] && this.#tracks[slot]?.readyState === 'live';
    return { audio: is('audio'), video: is('video'), screen: is('screen') };
  }
  track(slot: Slot): MediaStreamTrack | null {
    return this.#tracks[slot];
  }

  set(slot: Slot, track: MediaStreamTrack | null): void {
    this.#tracks[slot] = track;
    if (!track) return;
    this.#on[slot] = true;
    // Text stays sharp at few frames, faces move smoothly: tell the encoder which it is.
    track.contentHint ||= { audio: 'speech', video: 'motion', screen: 'detail' }[slot];
    track.addEventListener('ended', () => {
      if (this.#tracks[slot] === track) this.#ended(slot);
    });
  }

  enable(slot: 'audio' | 'video', on: boolean): void {
    this.#on[slot] = on;
    const track = this.#tracks[slot];
    if (track) track.enabled = on;
  }

  /** Fit what I send into the upload capacity, for the number of people there are now. */
  cap(legs: Iterable<{ readonly pair: Pair | undefined; readonly wants: number | undefined }>, people: number): void {
    const sharing = this.#tracks.screen !== null;
    for (const { pair, wants } of legs) {
      const audio = pair?.sender('audio');
      const video = pair?.sender('video');
      const screen = pair?.sender('screen');
      if (audio) void applyCap(audio, AUDIO_MAX_BITRATE);
      if (video) void applyCap(video, withinWish(cameraCap(people, sharing), wants));
      if (screen) void applyCap(screen, screenCap(people));
    }
  }
}
