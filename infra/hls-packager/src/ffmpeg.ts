/** What ffmpeg is given: arguments that make HLS of what a session description says. */
import { join } from 'node:path';
import { PART_SECONDS, PARTS_OF_SEGMENT, SEGMENT_SECONDS, SEGMENTS_LISTED } from './hls-times.ts';
import { DESCRIPTION, INIT, PLAYLIST } from './shared-folder.ts';

const LOOPBACK = '127.0.0.1';
/** Frames a second of what is made. */
const RATE = 30;
/** Parts of the playlist, one more than its segments have, and those that are kept after they left it: a slow player is there still. */
const LISTED = SEGMENTS_LISTED * PARTS_OF_SEGMENT + 1;
const KEPT = 6 * PARTS_OF_SEGMENT;

/** Arguments of ffmpeg 5.1 and newer (https://ffmpeg.org/ffmpeg-formats.html#hls-2). @param folder where all of it is written @param address where media comes */
export function packagerArguments(
  folder: string,
  { hasAudio }: { readonly hasAudio: boolean },
  address = LOOPBACK,
): string[] {
  // A camera changes its size during a call, and an encoder cannot: one graph of filters, which fits each frame into the same picture.
  const fit = 'scale=1280:720:force_original_aspect_ratio=decrease:eval=frame';
  // A camera has any rate, and pauses. With a fixed one from 0 on, the same frames begin a part and have a keyframe; sound begins at 0 as well.
  const steady = `fps=${RATE}:start_time=0`;
  const picture = `${fit},pad=1280:720:(ow-iw)/2:(oh-ih)/2:eval=frame,setsar=1,format=yuv420p,${steady}`;
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error'],
    // `localaddr`: its ports are of no other interface.
    ...['-protocol_whitelist', 'file,udp,rtp', '-localaddr', address, '-fflags', 'discardcorrupt'],
    // The description says all: what is looked at beforehand, µs, comes late, and with `nobuffer` it would be thrown away, the keyframe as well.
    ...['-analyzeduration', '1', '-reinit_filter', '0', '-i', join(folder, DESCRIPTION)],
    ...['-map', '0:v', '-vf', picture, '-fps_mode', 'vfr'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'main', '-threads', '2'],
    ...['-crf', '25', '-maxrate', '2500k', '-bufsize', '2500k', '-sc_threshold', '0'],
    ...['-force_key_frames', `expr:gte(t,n_forced*${SEGMENT_SECONDS})`],
    // Sound that was not sent (DTX) is silence, not a gap that is closed.
    ...(hasAudio
      ? ['-map', '0:a', '-af', 'aresample=48000:async=1000:first_pts=0', '-c:a', 'aac', '-b:a', '96k', '-ac', '2']
      : []),
    // Where one of the two stops, the other goes on after this time, µs.
    ...['-max_interleave_delta', '1000000'],
    // A file is a part, also where no keyframe is: each second one begins with one.
    ...['-f', 'hls', '-hls_time', `${PART_SECONDS}`, '-hls_list_size', `${LISTED}`, '-hls_delete_threshold', `${KEPT}`],
    ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', INIT],
    // An index of its own in each would be wrong in a segment of several.
    ...['-hls_segment_filename', join(folder, '%d.m4s'), '-hls_segment_options', 'movflags=+skip_sidx'],
    ...['-hls_flags', 'split_by_time+delete_segments+temp_file+program_date_time', join(folder, PLAYLIST)],
  ];
}
