/** What each sender may use of the upload capacity. In a mesh each participant uploads once per peer, so the sum is what counts. */

/** Cap of one outgoing stream. */
export interface SendCap {
  /** bit/s. */
  readonly maxBitrate: number;
  /** Lines; the picture is scaled down to it. */
  readonly maxHeight: number;
  /** Frames per second. */
  readonly maxFramerate: number;
  /** Nothing is sent: the receiver wants no picture. */
  readonly paused?: true;
}

/**
 * Camera, by how many people are in the call: the sum over all legs stays under about 1.7 Mbit/s, which a common ADSL or
 * mobile network uploads. 2 people 720p, 3 540p, 4 360p, 5 and more 180p.
 */
export function cameraCap(people: number, sharing = false): SendCap {
  const legs = Math.max(1, people - 1);
  // While the screen is shared, it is what people look at: the camera steps back.
  if (sharing) return { maxBitrate: Math.floor(300_000 / legs), maxHeight: 180, maxFramerate: 15 };
  if (people <= 2) return { maxBitrate: 1_500_000, maxHeight: 720, maxFramerate: 30 };
  if (people === 3) return { maxBitrate: 750_000, maxHeight: 540, maxFramerate: 30 };
  if (people === 4) return { maxBitrate: 480_000, maxHeight: 360, maxFramerate: 30 };
  return { maxBitrate: Math.min(300_000, Math.floor(1_200_000 / legs)), maxHeight: 180, maxFramerate: 20 };
}

/**
 * The cap of a leg whose receiver wants no taller picture than `lines`. The bitrate follows the area of the picture.
 * @param lines 0: no picture; undefined: no wish
 */
export function withinWish(cap: SendCap, lines: number | undefined): SendCap {
  if (lines === undefined || lines >= cap.maxHeight) return cap;
  if (lines === 0) return { ...cap, paused: true };
  const share = (lines / cap.maxHeight) ** 2;
  return { ...cap, maxHeight: lines, maxBitrate: Math.max(MIN_CAMERA_BITRATE, Math.round(cap.maxBitrate * share)) };
}

/** Screen: text must stay sharp, so it keeps its lines and gives up frames instead. */
export function screenCap(people: number): SendCap {
  const legs = Math.max(1, people - 1);
  return { maxBitrate: Math.floor(1_200_000 / legs), maxHeight: 1080, maxFramerate: legs > 2 ? 5 : 15 };
}

/** A picture of 90 lines still moves with this, bit/s; encoders stop below about 30 kbit/s (libwebrtc's minimum bitrate). */
const MIN_CAMERA_BITRATE = 60_000;

/** Opus: speech is good at 32 kbit/s (RFC 7587 section 3.1.1 says 28 to 40 for full-band speech). */
export const AUDIO_MAX_BITRATE = 32_000;

/** How far to scale a picture of `height` lines down. At least 1: never up. */
export function scaleFor(height: number | undefined, cap: SendCap): number {
  return height && height > cap.maxHeight ? height / cap.maxHeight : 1;
}

/** What each sender was last told: asking and telling block the page while a connection is being set up. */
const applied = new WeakMap<RTCRtpSender, string>();

/** Apply a cap. Senders that refuse (not negotiated yet, old browsers) are left as they are: a cap is not worth a call. */
export async function applyCap(sender: RTCRtpSender, cap: SendCap | number): Promise<void> {
  const wanted = typeof cap === 'number' ? { maxBitrate: cap } : limits(sender.track, cap);
  const key = JSON.stringify(wanted);
  if (applied.get(sender) === key) return;
  const parameters = sender.getParameters();
  const [encoding] = parameters.encodings;
  if (!encoding) return;
  Object.assign(encoding, wanted);
  applied.set(sender, key);
  try {
    await sender.setParameters(parameters);
  } catch {
    applied.delete(sender);
  }
}

function limits(track: MediaStreamTrack | null, cap: SendCap): Partial<RTCRtpEncodingParameters> {
  // Screens turned upright have their lines on the short side.
  const { width, height } = track?.getSettings() ?? {};
  return {
    active: !cap.paused,
    maxBitrate: cap.maxBitrate,
    maxFramerate: cap.maxFramerate,
    scaleResolutionDownBy: scaleFor(width && height ? Math.min(width, height) : height, cap),
  };
}
