/** The picture of one's own: in this browser's storage, where the blur worker reads it too. It is sent nowhere but as the background. */
import type { Picture } from './pictures.ts';

type Own = Extract<Picture, `own-${string}`>;

const CACHE = 'tandem-backdrop';
/** What is shown has no more: the camera's picture is no larger. */
const MOST = { w: 1280, h: 720 };
/** A photograph has less; decoding more may take a phone's memory. */
const MAX_BYTES = 30 * 1024 * 1024;

const addressOf = (name: Own): string => `/${CACHE}/${name}`;

/**
 * Keeps it, in place of the one before, no larger than a camera's picture and without what the file says of place and time.
 * @throws Error when it is no picture that this browser reads, or cannot be kept
 */
export async function keepOwnPicture(file: Blob): Promise<Own> {
  if (file.size > MAX_BYTES) throw new Error('too large');
  const bitmap = await createImageBitmap(file);
  try {
    const scale = Math.min(1, Math.max(MOST.w / bitmap.width, MOST.h / bitmap.height));
    const canvas = new OffscreenCanvas(Math.round(bitmap.width * scale), Math.round(bitmap.height * scale));
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const picture = await canvas.convertToBlob({ type: 'image/webp', quality: 0.85 });
    const name: Own = `own-${Date.now().toString(36)}`;
    await caches.delete(CACHE);
    await (await caches.open(CACHE)).put(addressOf(name), new Response(picture));
    return name;
  } finally {
    bitmap.close();
  }
}

/** @throws Error when it is not there any more */
export async function readOwnPicture(name: Own): Promise<Blob> {
  const kept = await (await caches.open(CACHE)).match(addressOf(name));
  if (!kept) throw new Error(`${name} is gone`);
  return await kept.blob();
}
