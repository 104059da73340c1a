/** What the page and its blur worker say to each other. */
export type ToBlurWorker =
  | {
      type: 'start';
      base: string;
      streams?: { readable: ReadableStream<VideoFrame>; writable: WritableStream<VideoFrame> };
    }
  | { type: 'picture'; bitmap: ImageBitmap };

/** `want`: send a picture. `running`: the first blurred frame is out. `failed`: no further one will come. */
export type FromBlurWorker =
  | { type: 'running' | 'want' }
  | { type: 'picture'; bitmap: ImageBitmap }
  | { type: 'failed'; detail: string };
