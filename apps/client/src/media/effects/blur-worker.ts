/// <reference lib="webworker" />
/**
 * Blurs the background away from the page's own thread, so that neither slows the other and a tab in the background goes on.
 * Pictures come and go as streams of frames (Chromium), or one by one, asked for when the pace allows.
 *
 * It knows one way only: a frame that could not be blurred is not sent. Any error ends the effect.
 */

import type { FromBlurWorker, ToBlurWorker } from './blur-messages.ts';
import { BlurPicture } from './blur-picture.ts';
import { readOwnPicture } from './own-picture.ts';
import { Pace } from './pace.ts';
import { isOwn, type Picture } from './pictures.ts';
import { Segmenter } from './segmenter.ts';

declare const self: DedicatedWorkerGlobalScope;

type Streams = Extract<ToBlurWorker, { type: 'streams' }>;

const pace = new Pace();
const say = (message: FromBlurWorker, transfer: Transferable[] = []) => self.postMessage(message, transfer);
const fail = (error: unknown) =>
  say({ type: 'failed', detail: error instanceof Error ? error.message : String(error) });

/**
 * The first frames of a transferred stream come by way of the page: to cancel then drops the one that is on its way, and nothing closes
 * it. From this frame on they come straight from the camera.
 */
const DIRECT_FROM = 3;

/** Frames on their way from the camera to the encoder. */
class Pump {
  readonly #reader: ReadableStreamDefaultReader<VideoFrame>;
  readonly #writer: WritableStreamDefaultWriter<VideoFrame>;
  #running: Promise<void> = Promise.resolve();
  #stopping = false;
  #read = 0;

  constructor({ readable, writable }: Streams) {
    this.#reader = readable.getReader();
    this.#writer = writable.getWriter();
  }

  /** @throws Error when a frame cannot be blurred or written, or the camera ends before the first one */
  run(picture: BlurPicture): Promise<void> {
    this.#running = this.#run(picture);
    return this.#running;
  }

  /**
   * Resolves when no frame is open, here or on its way. The garbage collector closes none: one that is left open holds a buffer of the
   * camera, and Chromium complains about it.
   */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled([this.#writer.abort(), this.#running]);
    while (this.#read < DIRECT_FROM) {
      const frame = await this.#next();
      if (!frame) return;
      frame.close();
    }
    await this.#reader.cancel();
  }

  /** Undefined: the camera ended. */
  async #next(): Promise<VideoFrame | undefined> {
    const { value } = await this.#reader.read();
    if (value) this.#read++;
    return value;
  }

  async #run(picture: BlurPicture): Promise<void> {
    let first = true;
    // The processor keeps one frame, the newest: what waits too long is dropped there, never late.
    for (;;) {
      const frame = await this.#next();
      if (!frame) {
        if (first) throw new Error('the camera ended');
        return;
      }
      const begun = performance.now();
      if (this.#stopping || pace.wait(begun) > 0) {
        frame.close();
        if (this.#stopping) return;
        continue;
      }
      const blurred = blur(picture, frame);
      try {
        pace.took(begun, performance.now());
        await this.#writer.write(blurred);
      } finally {
        // Who takes a frame closes it; one that was refused is still open.
        blurred.close();
      }
      if (first) say({ type: 'running' });
      first = false;
    }
  }
}

/** Closes the frame that it is given, whatever happens. */
function blur(picture: BlurPicture, frame: VideoFrame): VideoFrame {
  try {
    const { timestamp, displayWidth, displayHeight } = frame;
    return new VideoFrame(picture.paint(frame, displayWidth, displayHeight), { timestamp, alpha: 'discard' });
  } finally {
    frame.close();
  }
}

let picture: BlurPicture | undefined;
let base = '';
/** The choice of the moment: a picture that arrives after another choice is not shown. */
let backdrop: Picture | undefined;
let pump: Pump | undefined;

function take(bitmap: ImageBitmap): void {
  const begun = performance.now();
  let blurred: ImageBitmap | undefined;
  try {
    blurred = picture?.paint(bitmap, bitmap.width, bitmap.height).transferToImageBitmap();
  } finally {
    bitmap.close();
  }
  if (blurred) say({ type: 'picture', bitmap: blurred }, [blurred]);
  pace.took(begun, performance.now());
  setTimeout(() => say({ type: 'want' }), pace.wait(performance.now()));
}

async function fetchPicture(name: Picture): Promise<Blob> {
  const response = await fetch(`${base}/${name}.webp`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  // Hosts differ in the types they know.
  return new Blob([await response.arrayBuffer()], { type: 'image/webp' });
}

/** Until it is there, and if it does not come: blur. */
async function showBackdrop(wanted: Picture | undefined): Promise<void> {
  backdrop = wanted;
  if (picture) picture.backdrop = undefined;
  if (!wanted) return;
  try {
    const bitmap = await createImageBitmap(await (isOwn(wanted) ? readOwnPicture(wanted) : fetchPicture(wanted)));
    if (picture && backdrop === wanted) picture.backdrop = bitmap;
    else bitmap.close();
  } catch {
    say({ type: 'missing', picture: wanted });
  }
}

self.onmessage = async ({ data }: MessageEvent<ToBlurWorker>) => {
  try {
    switch (data.type) {
      case 'load':
        base = data.base;
        backdrop = data.picture;
        picture = new BlurPicture(await Segmenter.load(base));
        // The choice may have changed meanwhile.
        await showBackdrop(backdrop);
        return say({ type: 'want' });
      case 'backdrop':
        backdrop = data.picture;
        return picture ? await showBackdrop(backdrop) : undefined;
      case 'streams':
        if (!picture) throw new Error('streams before the model');
        pump = new Pump(data);
        return await pump.run(picture);
      case 'picture':
        return take(data.bitmap);
      case 'stop':
        await pump?.stop();
        return say({ type: 'stopped' });
      default:
        return data satisfies never;
    }
  } catch (error) {
    fail(error);
  }
};
