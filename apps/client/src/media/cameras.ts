/** The open cameras and the blur behind each: the one in use, and another one whose blur is not ready yet. */
import { preferences } from '../lib/preferences.ts';
import type { Blur } from './effects/background-blur.ts';
import type { Facing } from './media-state.ts';

/** Some cameras blur by themselves, which costs this machine nothing. Where a picture is wanted that is not enough. */
const blursItself = (camera: MediaStreamTrack): boolean =>
  preferences.get().backdrop === 'blur' &&
  (camera.getSettings() as { backgroundBlur?: boolean }).backgroundBlur === true;

/** Phones say which way a camera looks; desks do not. */
export const facingOf = (camera: MediaStreamTrack): Facing | undefined => {
  const { facingMode } = camera.getSettings();
  return facingMode === 'user' || facingMode === 'environment' ? facingMode : undefined;
};

export interface CamerasHost {
  /** This is the camera now; nothing of it leaves yet. */
  taken(camera: MediaStreamTrack): void;
  /** This is to be sent and shown now. */
  ready(track: MediaStreamTrack): void;
  /** Blur is wanted and does not run. */
  blurFailed(): void;
  /** The device went away. */
  ended(camera: MediaStreamTrack): void;
}

export class Cameras {
  readonly #host: CamerasHost;
  readonly #open = new Map<MediaStreamTrack, Blur | undefined>();

  constructor(host: CamerasHost) {
    this.#host = host;
  }

  has(camera: MediaStreamTrack): boolean {
    return this.#open.has(camera);
  }

  /** It shows what is behind its owner. */
  isBare(track: MediaStreamTrack): boolean {
    return this.has(track) && !blursItself(track);
  }

  /** With blur wanted, nothing else leaves: no track before the first blurred frame, and none at all when there will be none. */
  async adopt(camera: MediaStreamTrack): Promise<void> {
    if (!this.#open.has(camera)) camera.addEventListener('ended', () => this.#host.ended(camera));
    camera.contentHint = 'motion';
    this.#open.get(camera)?.stop();
    this.#open.set(camera, undefined);
    this.#host.taken(camera);
    let blur: Blur | undefined;
    if (preferences.get().backgroundBlur && !blursItself(camera)) {
      // Another camera, a newer blur or the end came in between: that closed this one.
      const current = () => this.#open.has(camera) && this.#open.get(camera) === blur;
      const failed = () => {
        if (current()) this.#host.blurFailed();
      };
      try {
        const { startBlur } = await import('./effects/background-blur.ts');
        if (!current()) return;
        blur = startBlur(camera, failed);
        this.#open.set(camera, blur);
        blur.track.contentHint = 'motion';
        await blur.ready;
      } catch {
        return failed();
      }
      if (!current()) return;
    }
    this.#host.ready(blur?.track ?? camera);
    this.close(camera);
  }

  /** Closes all, or all but one. */
  close(except?: MediaStreamTrack): void {
    for (const [camera, blur] of this.#open) {
      if (camera === except) continue;
      this.#open.delete(camera);
      blur?.stop();
      camera.stop();
    }
  }
}
