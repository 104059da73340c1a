/** What comes to a packager, and where: a session description, and ports for it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Forwarding, ForwardPorts } from '../engine.ts';

const LOOPBACK = '127.0.0.1';

/** What of a publisher is packaged. */
export type MediaKinds = Pick<Forwarding, 'hasAudio' | 'videoCodec'>;

/** A session description (RFC 8866) of what a {@link Forwarding} sends. */
export function sessionDescription(
  { hasAudio, videoCodec }: MediaKinds,
  { host = LOOPBACK, audio, video }: ForwardPorts,
): string {
  return [
    ...['v=0', `o=- 0 0 IN IP4 ${host}`, 's=-', `c=IN IP4 ${host}`, 't=0 0'],
    ...(hasAudio ? [`m=audio ${audio} RTP/AVP 111`, 'a=rtpmap:111 opus/48000/2'] : []),
    ...(videoCodec === undefined
      ? []
      : [`m=video ${video} RTP/AVP 96`, `a=rtpmap:96 ${videoCodec.toUpperCase()}/90000`]),
    ...(videoCodec === 'h264' ? ['a=fmtp:96 packetization-mode=1'] : []),
    '',
  ].join('\r\n');
}

/**
 * Ports that are given and not given back. A packager in a network of its own binds them where this machine does not see it: given to another
 * room too, they would show it the picture of this one.
 */
const given = new Set<number>();

/**
 * Free ports for RTP, each with the next one, which ffmpeg takes for RTCP.
 * @returns to be disposed of when nothing is sent to them any more @throws Error when none is found
 */
export async function forwardPorts(): Promise<ForwardPorts & Disposable> {
  await using held = new AsyncDisposableStack();
  const bind = async (port: number) => {
    const socket = createSocket('udp4');
    held.defer(() => new Promise<void>((closed) => void socket.close(closed)));
    socket.bind(port, LOOPBACK);
    await once(socket, 'listening');
    return socket.address().port;
  };
  const found: number[] = [];
  const giveBack = () => {
    for (const port of found) given.delete(port);
  };
  try {
    for (let tries = 0; found.length < 2; tries++) {
      const port = await bind(0);
      if (port % 2 === 1) continue;
      const isPair = await bind(port + 1).then(
        () => true,
        () => false,
      );
      if (isPair && !given.has(port)) {
        given.add(port);
        found.push(port);
      } else if (tries > 50) throw new Error('no free UDP ports');
    }
  } catch (error) {
    giveBack();
    throw error;
  }
  const [audio, video] = found as [number, number];
  return { audio, video, [Symbol.dispose]: giveBack };
}
