import type { Call } from '@tandem/rtc';

export interface ScreenShareHost {
  /** The call that the screen would be shared in, while it is on. */
  current(): Call | undefined;
  /** What is shared now; undefined: nothing. */
  changed(track: MediaStreamTrack | undefined): void;
}

/** Sharing the screen. The browser's picker may stay open for minutes: the call it was opened for may be over by its answer. */
export class ScreenShare {
  readonly #host: ScreenShareHost;
  #picking = false;
  #track: MediaStreamTrack | undefined;

  constructor(host: ScreenShareHost) {
    this.#host = host;
  }

  /** Start or stop. While the picker is open, a second one is not opened. */
  async toggle(): Promise<void> {
    const call = this.#host.current();
    if (!call || this.#picking) return;
    if (this.#track) {
      this.stop();
      await call.setTrack('screen', null);
      return;
    }
    const track = await this.#pick();
    if (!track) return;
    if (this.#host.current() !== call) {
      track.stop();
      return;
    }
    track.addEventListener('ended', () => {
      if (this.#track === track) this.#set(undefined);
    });
    this.#set(track);
    await call.setTrack('screen', track);
  }

  stop(): void {
    this.#track?.stop();
    this.#set(undefined);
  }

  async #pick(): Promise<MediaStreamTrack | undefined> {
    this.#picking = true;
    try {
      // This tab is not offered: shared in its own call it is a tunnel of mirrors.
      const options = { video: { frameRate: { max: 15 } }, audio: false, selfBrowserSurface: 'exclude' };
      const stream = await navigator.mediaDevices.getDisplayMedia(options as DisplayMediaStreamOptions);
      const [track, ...others] = stream.getTracks();
      for (const other of others) other.stop();
      return track;
    } catch {
      // The picker was closed: nothing to tell.
      return undefined;
    } finally {
      this.#picking = false;
    }
  }

  #set(track: MediaStreamTrack | undefined): void {
    this.#track = track;
    this.#host.changed(track);
  }
}
