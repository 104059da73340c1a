/// <reference lib="webworker" />
/**
 * Blurs the background away from the page's own thread, so that neither slows the other and a tab in the background goes on.
 * Pictures come and go as streams of frames (Chromium), or one by one, asked for when the pace allows.
 *
 * It knows one way only: a frame that could not be blurred is not sent. Any error ends the effect.
 */

import type { FromBlurWorker, ToBlurWorker } from './blur-messages.ts';
import { BlurPicture } from './blur-picture.ts';
import { Pace } from './pace.ts';
import { Segmenter } from './segmenter.ts';

declare const self: DedicatedWorkerGlobalScope;

const pace = new Pace();
const say = (message: FromBlurWorker, transfer: Transferable[] = []) => self.postMessage(message, transfer);
const fail = (error: unknown) =>
  say({ type: 'failed', detail: error instanceof Error ? error.message : String(error) });

async function pump(
  picture: BlurPicture,
  readable: ReadableStream<VideoFrame>,
  writable: WritableStream<VideoFrame>,
): Promise<void> {
  const writer = writable.getWriter();
  let first = true;
  // The processor keeps one frame, the newest: what waits too long is dropped there, never late.
  for (const reader = readable.getReader(); ; ) {
    const { value: frame, done } = await reader.read();
    if (done) {
      if (first) throw new Error('the camera ended');
      return;
    }
    const begun = performance.now();
    if (pace.wait(begun) > 0) {
      frame.close();
      continue;
    }
    const { timestamp, displayWidth, displayHeight } = frame;
    let blurred: VideoFrame;
    try {
      blurred = new VideoFrame(picture.paint(frame, displayWidth, displayHeight), { timestamp, alpha: 'discard' });
    } finally {
      frame.close();
    }
    pace.took(begun, performance.now());
    await writer.write(blurred);
    if (first) say({ type: 'running' });
    first = false;
  }
}

let picture: BlurPicture | undefined;

self.onmessage = async ({ data }: MessageEvent<ToBlurWorker>) => {
  try {
    if (data.type === 'start') {
      picture = new BlurPicture(await Segmenter.load(data.base));
      if (data.streams) await pump(picture, data.streams.readable, data.streams.writable);
      else say({ type: 'want' });
      return;
    }
    const begun = performance.now();
    const { width, height } = data.bitmap;
    const bitmap = picture?.paint(data.bitmap, width, height).transferToImageBitmap();
    data.bitmap.close();
    if (bitmap) say({ type: 'picture', bitmap }, [bitmap]);
    pace.took(begun, performance.now());
    setTimeout(() => say({ type: 'want' }), pace.wait(performance.now()));
  } catch (error) {
    fail(error);
  }
};
