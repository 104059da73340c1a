/**
 * What a media node and its packager share: a folder, in which the node makes one for each room that is packaged, and writes there what comes by
 * RTP. A program that decodes what strangers send shares nothing else with the node.
 */

/** A session description, which the node writes: packaging begins with it, and ends when it is removed. */
export const DESCRIPTION = 'in.sdp';
/** Why packaging has ended, which the packager writes: nothing is written after it. */
export const ENDED = 'ended';
/** Of {@link ENDED}: the description is gone, or the packager is stopped. Whatever else it says is a failure. */
export const OVER = 'over';
/** Written anew by the node every second, beside the rooms' folders; removed at its end. */
export const ALIVE = 'alive';
export const PLAYLIST = 'live.m3u8';
export const INIT = 'init.mp4';

/** The parts of what is made, from 0 on. */
export const partFile = (part: number): string => `${part}.m4s`;

/** Names of a room's folder, 18 random bytes: not to be guessed. */
export const isFolderId = (name: string): boolean => /^[\w-]{24}$/.test(name);
