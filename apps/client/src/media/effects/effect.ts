import { basePath } from '../../lib/runtime-config.ts';

/** A track made from a device's own one. Stopping it leaves the device alone. */
export interface Effect {
  readonly track: MediaStreamTrack;
  stop(): void;
}

/** Where the build put workers, WebAssembly and models (scripts/effects.ts): a folder named after what is in it. */
export const effectsBase = `${basePath}${process.env.NEXT_PUBLIC_EFFECTS ?? ''}`;
