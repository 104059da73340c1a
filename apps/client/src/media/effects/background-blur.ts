import type { FromBlurWorker, ToBlurWorker } from './blur-messages.ts';
import { type Effect, effectsBase } from './effect.ts';

export interface Blur extends Effect {
  /** The first blurred frame is there: the track never shows another kind. Rejects when it cannot start, or was stopped. */
  readonly ready: Promise<void>;
}

/**
 * The camera with everything but people blurred.
 *
 * @param onFailed it broke down after it was ready; the track stands still
 */
export function startBlur(camera: MediaStreamTrack, onFailed: () => void): Blur {
  const worker = new Worker(`${effectsBase}/blur-worker.js`);
  const say: Say = (message, transfer = []) => worker.postMessage(message, transfer);
  const path = 'MediaStreamTrackGenerator' in globalThis ? streamed(camera, say) : drawn(camera, say);
  let running = false;
  let stop = () => {};
  const ready = new Promise<void>((resolve, reject) => {
    stop = () => {
      worker.terminate();
      path.stop();
      reject(new Error('stopped'));
    };
    const failed = (detail: string) => {
      reject(new Error(detail));
      stop();
      if (running) onFailed();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      failed(event.message || 'the worker did not load');
    };
    worker.onmessage = ({ data }: MessageEvent<FromBlurWorker>) => {
      if (data.type === 'failed') return failed(data.detail);
      if (data.type === 'want') return void path.send?.().catch((error: unknown) => failed(String(error)));
      if (data.type === 'picture') path.show?.(data.bitmap);
      running = true;
      resolve();
    };
  });
  ready.catch(() => {});
  return { track: path.track, ready, stop };
}

interface Path {
  readonly track: MediaStreamTrack;
  /** Give the worker the newest picture. */
  send?(): Promise<void>;
  show?(bitmap: ImageBitmap): void;
  stop(): void;
}
type Say = (message: ToBlurWorker, transfer?: Transferable[]) => void;

/** Frames go from the camera to the worker and from there to the encoder; this thread never sees one. */
function streamed(camera: MediaStreamTrack, say: Say): Path {
  const { readable } = new MediaStreamTrackProcessor({ track: camera } as MediaStreamTrackProcessorInit);
  const track = new MediaStreamTrackGenerator({ kind: 'video' });
  const { writable } = track;
  say({ type: 'start', base: effectsBase, streams: { readable, writable } }, [readable, writable] as Transferable[]);
  return { track, stop: () => track.stop() };
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
  say({ type: 'start', base: effectsBase });
  return {
    track,
    async send() {
      await playing;
      const bitmap = await createImageBitmap(video);
      say({ type: 'picture', bitmap }, [bitmap]);
    },
    show(bitmap) {
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
      }
      context.drawImage(bitmap, 0, 0);
      bitmap.close();
    },
    stop() {
      track.stop();
      video.srcObject = null;
    },
  };
}
