/** Lengths of what is made, which the packager and the media node agree on. */

/**
 * A part of a segment, s: one file of the packager. A player asks for a playlist and a part each time, and stays three of them behind (RFC 8216bis,
 * `PART-HOLD-BACK`): shorter ones are more requests for less delay.
 */
export const PART_SECONDS = 0.5;
/** A segment has this number of parts, and begins with a keyframe. */
export const PARTS_OF_SEGMENT = 2;
/** A player that knows no parts stays three segments behind. */
export const SEGMENT_SECONDS = PART_SECONDS * PARTS_OF_SEGMENT;
/** Segments of a playlist. */
export const SEGMENTS_LISTED = 7;
/**
 * Requests a second that one network address may make of HLS: the playlists of a hundred viewers, and a quarter more. The media node and the topology's web
 * ACL count so.
 */
export const REQUESTS_OF_ADDRESS = (1.25 * 100) / PART_SECONDS;
