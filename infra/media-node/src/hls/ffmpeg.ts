/** What ffmpeg is given: a session description of what comes to its ports, and arguments that make HLS of it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Forwarding, ForwardPorts } from '../engine.ts';

export const PLAYLIST = 'live.m3u8';
export const INIT = 'init.mp4';
const LOOPBACK = '127.0.0.1';
/** Length of a segment, s. Players stay about three of them behind. */
const SEGMENT_SECONDS = 1;
/** Segments of the playlist, and those that are kept after they left it: a slow player is there still. */
const LISTED = 6;
const KEPT = 6;

/** What of a publisher is packaged. */
export type MediaKinds = Pick<Forwarding, 'hasAudio' | 'videoCodec'>;

/** A session description (RFC 8866) of what a {@link Forwarding} sends. */
export function sessionDescription({ hasAudio, videoCodec }: MediaKinds, { audio, video }: ForwardPorts): string {
  return [
    ...['v=0', `o=- 0 0 IN IP4 ${LOOPBACK}`, 's=-', `c=IN IP4 ${LOOPBACK}`, 't=0 0'],
    ...(hasAudio ? [`m=audio ${audio} RTP/AVP 111`, 'a=rtpmap:111 opus/48000/2'] : []),
    ...(videoCodec === undefined
      ? []
      : [`m=video ${video} RTP/AVP 96`, `a=rtpmap:96 ${videoCodec.toUpperCase()}/90000`]),
    ...(videoCodec === 'h264' ? ['a=fmtp:96 packetization-mode=1'] : []),
    '',
  ].join('\r\n');
}

/** Arguments of ffmpeg 5.1 and newer (https://ffmpeg.org/ffmpeg-formats.html#hls-2). @param folder where all of it is written */
export function packagerArguments(folder: string, { hasAudio }: Pick<MediaKinds, 'hasAudio'>): string[] {
  // A camera changes its size during a call, and an encoder cannot: one graph of filters, which fits each frame into the same picture.
  const fit = 'scale=1280:720:force_original_aspect_ratio=decrease:eval=frame';
  const picture = `${fit},pad=1280:720:(ow-iw)/2:(oh-ih)/2:eval=frame,setsar=1,format=yuv420p`;
  return [
    ...['-nostdin', '-hide_banner', '-v', 'error'],
    // `localaddr`: its ports are of no other interface than loopback.
    ...['-protocol_whitelist', 'file,udp,rtp', '-localaddr', LOOPBACK, '-fflags', 'nobuffer+discardcorrupt'],
    ...['-analyzeduration', '3000000', '-reinit_filter', '0', '-i', join(folder, 'in.sdp')],
    ...['-map', '0:v', '-vf', picture, '-fps_mode', 'vfr'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency', '-profile:v', 'main', '-threads', '2'],
    ...['-crf', '25', '-maxrate', '2500k', '-bufsize', '2500k', '-sc_threshold', '0'],
    ...['-force_key_frames', `expr:gte(t,n_forced*${SEGMENT_SECONDS})`],
    // Sound that was not sent (DTX) is silence, not a gap that is closed.
    ...(hasAudio ? ['-map', '0:a', '-af', 'aresample=48000:async=1000', '-c:a', 'aac', '-b:a', '96k', '-ac', '2'] : []),
    // Where one of the two stops, the other goes on after this time, µs.
    ...['-max_interleave_delta', '1000000'],
    ...[
      '-f',
      'hls',
      '-hls_time',
      `${SEGMENT_SECONDS}`,
      '-hls_list_size',
      `${LISTED}`,
      '-hls_delete_threshold',
      `${KEPT}`,
    ],
    ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', INIT],
    ...['-hls_segment_filename', join(folder, '%d.m4s')],
    ...['-hls_flags', 'independent_segments+delete_segments+temp_file+program_date_time', join(folder, PLAYLIST)],
  ];
}

/** The playlist as viewers get it: what it names is below the folder of this packager. */
export const namedBelow = (playlist: string, id: string): string =>
  playlist.replace(/^(?=\d+\.m4s$)/gm, `${id}/`).replace(`URI="${INIT}"`, `URI="${id}/${INIT}"`);

/** Names of the files that viewers get. */
export const isMediaFile = (name: string): boolean => name === INIT || /^\d{1,10}\.m4s$/.test(name);

/** Free ports for RTP, each with the next one, which ffmpeg takes for RTCP. @throws Error when none is found */
export async function forwardPorts(): Promise<ForwardPorts> {
  await using held = new AsyncDisposableStack();
  const bind = async (port: number) => {
    const socket = createSocket('udp4');
    held.defer(() => new Promise<void>((closed) => void socket.close(closed)));
    socket.bind(port, LOOPBACK);
    await once(socket, 'listening');
    return socket.address().port;
  };
  const found: number[] = [];
  for (let tries = 0; found.length < 2; tries++) {
    const port = await bind(0);
    if (port % 2 === 1) continue;
    const isPair = await bind(port + 1).then(
      () => true,
      () => false,
    );
    if (isPair) found.push(port);
    else if (tries > 50) throw new Error('no free UDP ports');
  }
  const [audio, video] = found as [number, number];
  return { audio, video };
}
