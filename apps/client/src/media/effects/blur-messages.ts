import type { Picture } from './pictures.ts';

/** What the page and its blur worker say to each other. */
export type ToBlurWorker =
  | { type: 'load'; base: string; picture: Picture | undefined }
  /** Another picture, or none: blur. */
  | { type: 'backdrop'; picture: Picture | undefined }
  | { type: 'streams'; readable: ReadableStream<VideoFrame>; writable: WritableStream<VideoFrame> }
  | { type: 'picture'; bitmap: ImageBitmap }
  | { type: 'stop' };

/**
 * `want`: ready for the streams, or for one more picture. `running`: the first blurred frame is out. `missing`: the picture did not load, blur stands in for it. `failed`: no
 * further frame will come.
 * `stopped`: no frame is open in the worker any more, so it may be terminated.
 */
export type FromBlurWorker =
  | { type: 'want' | 'running' | 'stopped' }
  | { type: 'picture'; bitmap: ImageBitmap }
  | { type: 'missing'; picture: Picture }
  | { type: 'failed'; detail: string };
