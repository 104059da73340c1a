import { preferences } from '../../lib/preferences.ts';
import { missingPicture } from './backdrop.ts';
import type { FromBlurWorker, ToBlurWorker } from './blur-messages.ts';
import { type Effect, effectsBase } from './effect.ts';
import { pictureOf } from './pictures.ts';

export interface Blur extends Effect {
  /** The first blurred frame is there: the track never shows another kind. Rejects when it cannot start, or was stopped. */
  readonly ready: Promise<void>;
}

/** How long a stopped worker has to close its frames, ms. It takes the time of one to three frames; one that hangs is ended then. */
const STOP_MS = 3000;

/**
 * The camera with everything but people blurred, or replaced by the picture that is chosen in the preferences, now or later.
 *
 * @param onFailed it broke down after it was ready; the track stands still
 */
export function startBlur(camera: MediaStreamTrack, onFailed: () => void): Blur {
  const worker = new Worker(`${effectsBase}/blur-worker.js`);
  const say: Say = (message, transfer = []) => worker.postMessage(message, transfer);
  const path = takePath(camera, worker, say);
  const backdrop = loadWithBackdrop(say);
  let state: 'loading' | 'starting' | 'running' | 'stopped' = 'loading';
  let stop = () => {};
  const end = () => {
    worker.terminate();
    path.end?.();
  };
  const ready = new Promise<void>((resolve, reject) => {
    stop = () => {
      if (state === 'stopped') return;
      const holdsFrames = state !== 'loading';
      state = 'stopped';
      backdrop.stop();
      path.stop();
      reject(new Error('stopped'));
      if (!holdsFrames) return end();
      // Frames that a terminated worker holds, or that are on their way to it, are closed by nothing.
      say({ type: 'stop' });
      setTimeout(end, STOP_MS);
    };
    const failed = (detail: string) => {
      const wasRunning = state === 'running';
      reject(new Error(detail));
      stop();
      if (wasRunning) onFailed();
    };
    onLoadError(worker, failed);
    worker.onmessage = ({ data }: MessageEvent<FromBlurWorker>) => {
      switch (data.type) {
        case 'stopped':
          return end();
        case 'failed':
          return failed(data.detail);
        case 'missing':
          return backdrop.miss(data.picture);
        case 'want':
          if (state === 'stopped') return;
          if (state === 'loading') state = 'starting';
          return void path.send().catch((error: unknown) => failed(String(error)));
        case 'picture':
          if (state !== 'stopped') path.show?.(data.bitmap);
          data.bitmap.close();
          break;
        case 'running':
          break;
        default:
          return data satisfies never;
      }
      if (state !== 'stopped') state = 'running';
      resolve();
    };
  });
  ready.catch(() => {});
  return { track: path.track, ready, stop };
}

function onLoadError(worker: Worker, failed: (detail: string) => void): void {
  worker.onerror = (event) => {
    event.preventDefault();
    failed(event.message || 'the worker did not load');
  };
}

/** The worker loads with the picture that is chosen, and hears of each that is chosen later. */
function loadWithBackdrop(say: Say) {
  const picture = () => pictureOf(preferences.get().backdrop);
  let chosen = picture();
  missingPicture.set({ name: undefined });
  say({ type: 'load', base: effectsBase, picture: chosen });
  const stop = preferences.subscribe(() => {
    if (picture() === chosen) return;
    chosen = picture();
    missingPicture.set({ name: undefined });
    say({ type: 'backdrop', picture: chosen });
  });
  /** The worker has no such picture. It may say so of one that is not chosen any more. */
  const miss = (name: string) => {
    if (name === chosen) missingPicture.set({ name });
  };
  return { miss, stop };
}

/** @throws Error when this browser has neither way; nothing is left running then */
function takePath(camera: MediaStreamTrack, worker: Worker, say: Say): Path {
  try {
    return 'MediaStreamTrackGenerator' in globalThis ? streamed(camera, say) : drawn(camera, say);
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

interface Path {
  readonly track: MediaStreamTrack;
  /** The worker is ready: give it the streams, or the newest picture. */
  send(): Promise<void>;
  /** Draws it; the caller closes it. */
  show?(bitmap: ImageBitmap): void;
  /** Nothing more is sent. */
  stop(): void;
  /** The worker is gone. */
  end?(): void;
}
type Say = (message: ToBlurWorker, transfer?: Transferable[]) => void;

/**
 * Frames go from the camera to the worker and from there to the encoder; this thread never sees one. Chromium takes the first frame of
 * a stream that is transferred before anybody reads it, so a stream is made only for a worker that reads. It is one of a copy of the
 * camera, which lives until the worker has closed its frames: a stream that is transferred while its camera ends may never say so.
 */
function streamed(camera: MediaStreamTrack, say: Say): Path {
  const copy = camera.clone();
  const track = new MediaStreamTrackGenerator({ kind: 'video' });
  return {
    track,
    async send() {
      const { readable } = new MediaStreamTrackProcessor({ track: copy } as MediaStreamTrackProcessorInit);
      const { writable } = track;
      say({ type: 'streams', readable, writable }, [readable, writable] as Transferable[]);
    },
    stop: () => track.stop(),
    end: () => copy.stop(),
  };
}

/**
 * Firefox and Safari: a video element gives pictures, a canvas takes them. The worker's clock drives both: that of a hidden
 * tab sleeps.
 */
function drawn(camera: MediaStreamTrack, say: Say): Path {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([camera]);
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d');
  const [track] = canvas.captureStream().getVideoTracks();
  if (!context || !track) throw new Error('no canvas to draw on');
  const playing = video.play();
  playing.catch(() => {});
  let stopped = false;
  return {
    track,
    async send() {
      await playing;
      if (stopped) return;
      const bitmap = await createImageBitmap(video);
      if (stopped) return bitmap.close();
      say({ type: 'picture', bitmap }, [bitmap]);
    },
    show(bitmap) {
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
      }
      context.drawImage(bitmap, 0, 0);
    },
    stop() {
      stopped = true;
      track.stop();
      video.srcObject = null;
    },
  };
}
