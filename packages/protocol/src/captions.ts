/**
 * How a page sends its own microphone to the captions service and gets the words: one WebSocket for each microphone. It sends binary frames
 * of sound alone, mono PCM of 16 bits (little endian) at {@link CAPTIONS_RATE}; it gets text frames of {@link Heard}. Imports nothing: a
 * browser loads it.
 */

/** Path on the page's origin. The language follows as `?lang=en`; the token travels as the subprotocol `bearer.<jwt>`, never in the address. */
export const CAPTIONS_PATH = '/captions';
/** WebSocket subprotocol of this version. */
export const CAPTIONS_PROTOCOL = 'captions.v1';
/** Samples a second. */
export const CAPTIONS_RATE = 16_000;
/** Most bytes of one frame of sound: 256 ms. */
export const CAPTIONS_FRAME_BYTES = 8192;
/** Most of a caption that the service passes on, in UTF-16 units; the page shows less. */
export const CAPTIONS_TEXT_LENGTH = 1000;

/** What the service says: what is being said so far, or what was said, as the recognizer now takes it. */
export type Heard = { readonly partial: string } | { readonly text: string };

/** Codes by which the service closes, beside 1001 (it goes away) and 1013 (it is full: try later). Those below 4020 are as in codes.ts. */
export const CAPTIONS_CLOSE = {
  goingAway: 1001,
  tryLater: 1013,
  /** Also a token that may not speak. */
  tokenRefused: 4001,
  /** The token ran out: come back with a new one. */
  tokenExpired: 4002,
  /** Something else than sound, or far more of it than a microphone gives. */
  abuse: 4006,
  /** There is no recognizer of this language here. */
  language: 4020,
  /** The recognizer is away or silent. */
  recognizer: 4021,
  /** No sound came for a while. */
  idle: 4022,
} as const;
