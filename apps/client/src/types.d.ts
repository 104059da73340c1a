/// <reference types="next" />
/// <reference types="react/canary" />

declare module '*.css';
declare module '@fontsource-variable/figtree';

/** Chromium's install prompt; not in the DOM library. */
interface BeforeInstallPromptEvent extends Event {
  prompt(): Promise<void>;
  readonly userChoice: Promise<{ outcome: 'accepted' | 'dismissed' }>;
}

/** Windows that stay in front (Document Picture-in-Picture); not in the DOM library. */
interface Window {
  readonly documentPictureInPicture?: {
    /** The open one. */
    readonly window: Window | null;
    requestWindow(options: { width: number; height: number }): Promise<Window>;
  };
}

/** Chromium's insertable streams of media: the half that the libraries of TypeScript lack. */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(init: { kind: 'video' });
  readonly writable: WritableStream<VideoFrame>;
}

declare module '@twilio/video-processors/dist/build/tflite-simd-1-0-0.js' {
  interface TFLite {
    readonly HEAPU8: Uint8Array;
    readonly HEAPF32: Float32Array;
    _getModelBufferMemoryOffset(): number;
    _loadModel(bytes: number): number;
    _getInputWidth(): number;
    _getInputHeight(): number;
    _getInputMemoryOffset(): number;
    _getOutputMemoryOffset(): number;
    _runInference(): number;
  }
  export default function create(options: { wasmBinary: Uint8Array }): Promise<TFLite>;
}

/** The build of hls.js without subtitles, DRM and other sound tracks; it comes without types of its own. */
declare module 'hls.js/light' {
  export * from 'hls.js';
  export { default } from 'hls.js';
}
