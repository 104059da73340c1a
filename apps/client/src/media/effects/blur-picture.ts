import type { Segmenter } from './segmenter.ts';

type Context = OffscreenCanvasRenderingContext2D;

function context(width: number, height: number, options?: CanvasRenderingContext2DSettings): Context {
  const made = new OffscreenCanvas(width, height).getContext('2d', options);
  if (!made) throw new Error('no 2d canvas in a worker');
  return made;
}

function copy(from: Context, to: Context): void {
  to.globalCompositeOperation = 'copy';
  to.drawImage(from.canvas, 0, 0, to.canvas.width, to.canvas.height);
}

/** From each to the next. */
function scale(steps: readonly Context[]): void {
  for (const [i, step] of steps.entries()) if (i > 0) copy(steps[i - 1] ?? step, step);
}

/** Below the first a pixel is background, above the second a person. What is between is blurred: a blurred ear beats a legible letter. */
const UNSURE: readonly [number, number] = [0.55, 0.9];
/** How much of a mask comes from the one before it: outlines that do not flicker. */
const INERTIA = 0.3;
/** Halvings of the small picture. Three leave 32 × 18 of 256 × 144: nothing on a wall can be read or recognized. */
const HALVINGS = 3;

/** Blurs what is not a person, or puts a picture there. All work happens on the model's small picture; only three draws are as large as the camera's. */
export class BlurPicture {
  /** Behind people, in place of the blur. */
  backdrop: ImageBitmap | undefined;
  readonly #segmenter: Segmenter;
  readonly #small: Context;
  readonly #mask: Context;
  readonly #maskImage: ImageData;
  readonly #before: Float32Array;
  readonly #out = context(1, 1);
  /** Where the picture is in the small one. The model knows natural proportions: an upright picture gets bars, not a squeeze. */
  #box = { x: 0, y: 0, w: 0, h: 0 };
  #steps: Context[] = [];
  #rest = context(1, 1);

  constructor(segmenter: Segmenter) {
    this.#segmenter = segmenter;
    const { width, height } = segmenter;
    this.#small = context(width, height, { willReadFrequently: true });
    this.#small.globalCompositeOperation = 'copy';
    this.#small.imageSmoothingQuality = 'medium';
    this.#mask = context(width, height);
    this.#maskImage = this.#mask.createImageData(width, height);
    this.#before = new Float32Array(width * height);
  }

  /** The canvas is the same each time. */
  paint(frame: CanvasImageSource, width: number, height: number): OffscreenCanvas {
    const out = this.#out;
    if (out.canvas.width !== width || out.canvas.height !== height) this.#resize(width, height);
    const { x, y, w, h } = this.#box;
    // Once only: each draw of a camera's frame converts its colours.
    out.globalCompositeOperation = 'copy';
    out.drawImage(frame, 0, 0, width, height);
    this.#small.drawImage(out.canvas, x, y, w, h);
    this.#findPeople();
    out.globalCompositeOperation = 'destination-in';
    out.drawImage(this.#mask.canvas, x, y, w, h, 0, 0, width, height);
    out.globalCompositeOperation = 'destination-over';
    if (this.backdrop) this.#cover(this.backdrop);
    else out.drawImage(this.#blurred(), 0, 0, width, height);
    return out.canvas;
  }

  /** The middle of a picture of other proportions. */
  #cover(picture: ImageBitmap): void {
    const { width, height } = this.#out.canvas;
    const scale = Math.max(width / picture.width, height / picture.height);
    const [w, h] = [picture.width * scale, picture.height * scale];
    this.#out.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  }

  #resize(width: number, height: number): void {
    const { width: w, height: h } = this.#segmenter;
    const scale = Math.min(w / width, h / height);
    const box = { w: Math.round(width * scale), h: Math.round(height * scale) };
    this.#box = { ...box, x: (w - box.w) >> 1, y: (h - box.h) >> 1 };
    this.#steps = Array.from({ length: HALVINGS }, (_, i) => context(box.w >> (i + 1), box.h >> (i + 1)));
    this.#rest = context(box.w >> HALVINGS, box.h >> HALVINGS);
    this.#out.canvas.width = width;
    this.#out.canvas.height = height;
    this.#before.fill(0);
  }

  #findPeople(): void {
    const { width, height } = this.#segmenter;
    const sure = this.#segmenter.find(this.#small.getImageData(0, 0, width, height));
    const { data } = this.#maskImage;
    const [low, high] = UNSURE;
    for (let i = 0; i < sure.length; i++) {
      const now = (1 - INERTIA) * (sure[i] ?? 0) + INERTIA * (this.#before[i] ?? 0);
      this.#before[i] = now;
      data[i * 4 + 3] = 255 * Math.min(1, Math.max(0, (now - low) / (high - low)));
    }
    this.#mask.putImageData(this.#maskImage, 0, 0);
  }

  /**
   * Down by halves and up again: as soft as a Gaussian, and no `filter`, which Safari lacks. People are cut out first, or they
   * would glow; what is behind them is what is around them.
   */
  #blurred(): OffscreenCanvas {
    const { x, y, w, h } = this.#box;
    const steps = this.#steps;
    const [first, last] = [steps[0], steps.at(-1)];
    if (!first || !last) throw new Error('no size yet');
    first.globalCompositeOperation = 'copy';
    first.drawImage(this.#small.canvas, x, y, w, h, 0, 0, first.canvas.width, first.canvas.height);
    scale(steps);
    copy(last, this.#rest);
    first.globalCompositeOperation = 'destination-out';
    first.drawImage(this.#mask.canvas, x, y, w, h, 0, 0, first.canvas.width, first.canvas.height);
    scale(steps);
    // Over itself until it is opaque where anything is left, then the rest below.
    last.globalCompositeOperation = 'source-over';
    for (let i = 0; i < 5; i++) last.drawImage(last.canvas, 0, 0);
    last.globalCompositeOperation = 'destination-over';
    last.drawImage(this.#rest.canvas, 0, 0);
    scale(steps.toReversed());
    return first.canvas;
  }
}
