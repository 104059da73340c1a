/**
 * Which video codecs an offer names. Browsers name each profile that they have, about fourteen a section, each with its repeats: most of
 * 10 kB that the relay carries, and work for both pages at the very moment that they connect (`npm run bench -- connect`).
 */

/** Of H.264 the profile that every browser has: constrained baseline (RFC 7742 section 6.2), in packets of several kinds. */
const CONSTRAINED_BASELINE = /^(?=.*packetization-mode=1).*profile-level-id=42e0/i;

/** `transceiver` offers one profile of each codec, in the browser's order, and all that repairs. A browser that cannot say so offers all. */
export function offerFewCodecs(transceiver: RTCRtpTransceiver): void {
  const { codecs } = globalThis.RTCRtpReceiver?.getCapabilities?.('video') ?? { codecs: [] };
  const seen = new Set<string>();
  const few = codecs.filter(({ mimeType, sdpFmtpLine = '' }) => {
    const name = mimeType.toLowerCase();
    // Repeats and error correction go with any codec.
    if (!/\/(?:vp8|vp9|av1|h26[45])$/.test(name)) return true;
    if (seen.has(name) || (name === 'video/h264' && !CONSTRAINED_BASELINE.test(sdpFmtpLine))) return false;
    return seen.add(name);
  });
  if (few.length > 0) transceiver.setCodecPreferences?.(few);
}
