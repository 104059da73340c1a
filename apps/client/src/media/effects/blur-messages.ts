/** What the page and its blur worker say to each other. */
export type ToBlurWorker =
  | { type: 'load'; base: string }
  | { type: 'streams'; readable: ReadableStream<VideoFrame>; writable: WritableStream<VideoFrame> }
  | { type: 'picture'; bitmap: ImageBitmap }
  | { type: 'stop' };

/**
 * `want`: ready for the streams, or for one more picture. `running`: the first blurred frame is out. `failed`: no further one will come.
 * `stopped`: no frame is open in the worker any more, so it may be terminated.
 */
export type FromBlurWorker =
  | { type: 'want' | 'running' | 'stopped' }
  | { type: 'picture'; bitmap: ImageBitmap }
  | { type: 'failed'; detail: string };
