/**
 * An offer that allows to ask for lost sound again (RFC 4585 section 6.2.1). Browsers offer that for pictures alone. Chromium repeats sound when the
 * answer asks, and asks when it allows it; others send and receive as before.
 */
export const withSoundRepeats = (sdp: string) => sdp.replace(/^a=rtpmap:(\d+) opus\/.*$/gm, '$&\r\na=rtcp-fb:$1 nack');
