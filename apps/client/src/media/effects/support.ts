/** Every browser since 2023 can: pictures in a worker, and a track from what it makes of them. */
export const canBlur = (): boolean =>
  typeof OffscreenCanvas !== 'undefined' &&
  typeof DecompressionStream !== 'undefined' &&
  ('MediaStreamTrackGenerator' in globalThis || 'captureStream' in HTMLCanvasElement.prototype);

export const canFilterNoise = (): boolean =>
  typeof AudioWorkletNode !== 'undefined' && typeof DecompressionStream !== 'undefined';
