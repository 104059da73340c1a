import type { Call } from '@tandem/rtc';

/** What is shared: the picture, and its sound where there is one. */
export interface Shared {
  readonly picture: MediaStreamTrack;
  readonly sound: MediaStreamTrack | undefined;
}

/** What a {@link ScreenShare} needs of its page. */
export interface ScreenShareHost {
  /** The call that the screen would be shared in, while it is on. */
  current(): Call | undefined;
  /** Asked once more when the picker has answered: what I may do can change while it is open. Default: yes. */
  allowed?(): boolean;
  /** What is shared now; undefined: nothing. */
  changed(shared: Shared | undefined): void;
}

/**
 * What to ask the browser's picker for. This tab is not offered: shared in its own call it is a tunnel of mirrors, and its sound comes back
 * to those who made it (`restrictOwnAudio` keeps it out of the sound of a whole screen). The sound is no voice: nothing is to clean it.
 */
const WISH = {
  // The cursor is the presenter's pointer: it goes with the picture, also past a media node and into recordings.
  video: { frameRate: { max: 15 }, cursor: 'always' },
  audio: {
    echoCancellation: false,
    noiseSuppression: false,
    autoGainControl: false,
    restrictOwnAudio: true,
  },
  selfBrowserSurface: 'exclude',
  systemAudio: 'include',
};

/** Sharing the screen. The browser's picker may stay open for minutes: by its answer the call may be over, or sharing no more allowed. */
export class ScreenShare {
  readonly #host: ScreenShareHost;
  #picking = false;
  #shared: Shared | undefined;
  /** The call that it is shared in. */
  #call: Call | undefined;

  constructor(host: ScreenShareHost) {
    this.#host = host;
  }

  /** Start or stop. While the picker is open, a second one is not opened. */
  async toggle(): Promise<void> {
    const call = this.#callNow();
    if (!call || this.#picking) return;
    if (this.#shared) return this.#end();
    const shared = await this.#pick();
    if (!shared) return;
    if (this.#callNow() !== call || this.#host.allowed?.() === false) {
      shared.picture.stop();
      shared.sound?.stop();
      return;
    }
    shared.picture.addEventListener('ended', () => {
      if (this.#shared?.picture === shared.picture) this.stop();
    });
    shared.sound?.addEventListener('ended', () => {
      if (this.#shared?.sound === shared.sound) this.stopSound();
    });
    this.#call = call;
    this.#set(shared);
    await call.setTrack('screen', shared.picture);
  }

  /** A page may hold one that has ended: a screen in it is seen by no other person, and goes on being captured. */
  #callNow(): Call | undefined {
    const call = this.#host.current();
    return call?.state === 'ended' ? undefined : call;
  }

  /** Stops sharing, and takes the screen out of the call if that goes on. */
  stop(): void {
    void this.#end();
  }

  async #end(): Promise<void> {
    const call = this.#call;
    this.#call = undefined;
    this.#shared?.picture.stop();
    this.stopSound();
    this.#set(undefined);
    // A track that its page stops has no `ended` event: the others would see a screen, and my camera stay small beside it.
    if (call && call.state !== 'ended') await call.setTrack('screen', null);
  }

  /** The picture goes on. */
  stopSound(): void {
    if (!this.#shared?.sound) return;
    this.#shared.sound.stop();
    this.#set({ picture: this.#shared.picture, sound: undefined });
  }

  async #pick(): Promise<Shared | undefined> {
    this.#picking = true;
    try {
      const stream = await navigator.mediaDevices.getDisplayMedia(WISH as DisplayMediaStreamOptions);
      // By kind: the order of tracks is not defined, and sound may be first.
      const [picture, ...more] = stream.getVideoTracks();
      const [sound, ...others] = stream.getAudioTracks();
      for (const other of [...more, ...others, ...(picture || !sound ? [] : [sound])]) other.stop();
      return picture && { picture, sound };
    } catch {
      // The picker was closed: nothing to tell.
      return undefined;
    } finally {
      this.#picking = false;
    }
  }

  #set(shared: Shared | undefined): void {
    if (!shared && !this.#shared) return;
    this.#shared = shared;
    this.#host.changed(shared);
  }
}
