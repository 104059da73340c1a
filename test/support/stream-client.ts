/** An encoder by WHIP and a viewer by WHEP without a browser: packets without pictures, by libdatachannel. */
import { RtpSender, RtpViewer } from '../../infra/media-node/src/testing/rtp-peer.ts';
import { ownAddress } from './media-peer.ts';

export const SDP = 'application/sdp';
/** Of candidates and of an ICE restart (RFC 8840). */
export const FRAGMENT = 'application/trickle-ice-sdpfrag';

export interface StreamClient<P extends RtpSender | RtpViewer = RtpSender> {
  readonly peer: P;
  readonly session: URL;
  readonly etag: string;
  readonly response: Response;
  /** SDP. */
  readonly answer: string;
  /** To the session's address, with the token. */
  request(
    method: string,
    init?: { readonly headers?: Record<string, string>; readonly body?: string },
  ): Promise<Response>;
  close(): void;
}

/** Publishes. @throws Error with the status when it is refused */
export function publish(
  endpoint: string,
  token: string,
  { videoCodec = 'VP8' }: { readonly videoCodec?: 'VP8' | 'H264' } = {},
): Promise<StreamClient> {
  return publishBy(endpoint, token, new RtpSender('encoder', ownAddress, ['audio', 'video'], videoCodec));
}

/** Publishes what `peer` sends. @throws Error with the status when it is refused */
export function publishBy<P extends RtpSender>(endpoint: string, token: string, peer: P): Promise<StreamClient<P>> {
  return open(endpoint, token, peer);
}

/** Watches. @throws Error with the status when it is refused */
export function watch(endpoint: string, token: string): Promise<StreamClient<RtpViewer>> {
  return open(endpoint, token, new RtpViewer('viewer', ownAddress));
}

async function open<P extends RtpSender | RtpViewer>(
  endpoint: string,
  token: string,
  peer: P,
): Promise<StreamClient<P>> {
  const candidates: string[] = [];
  peer.onCandidate = ({ candidate }) => candidates.push(candidate);
  let response: Response | undefined;
  let answer = '';
  try {
    await peer.connect({
      offer: async (sdp) => {
        response = await fetch(endpoint, {
          method: 'POST',
          headers: { 'content-type': SDP, authorization: `Bearer ${token}` },
          body: sdp,
        });
        answer = await response.text();
        if (response.status !== 201) throw new Error(`${response.status} ${answer}`);
        return answer;
      },
    });
  } catch (error) {
    peer.close();
    throw error;
  }
  const { headers } = response as unknown as Response;
  const session = new URL(headers.get('location') ?? '', endpoint);
  const request: StreamClient['request'] = (method, init = {}) =>
    fetch(session, { method, ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  // Those that were found while the answer was on its way.
  const fragment = ['a=mid:0', ...candidates.map((one) => `a=${one.replace(/^a=/, '')}`), ''].join('\r\n');
  if (candidates.length > 0)
    await request('PATCH', {
      headers: {
        'content-type': FRAGMENT,
        ...(headers.has('etag') ? { 'if-match': headers.get('etag') ?? '' } : {}),
      },
      body: fragment,
    });
  return {
    peer,
    session,
    etag: headers.get('etag') ?? '',
    response: response as unknown as Response,
    answer,
    request,
    close: () => peer.close(),
  };
}

/** Of an encoder that never connects. */
export function offerOf(more: readonly string[] = []): string {
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0',
    'm=audio 9 UDP/TLS/RTP/SAVPF 111',
    'c=IN IP4 0.0.0.0',
    'a=mid:0',
    'a=sendonly',
    'a=rtpmap:111 opus/48000/2',
    'a=ice-ufrag:abcd',
    'a=ice-pwd:abcdefghijklmnopqrstuvwx',
    `a=fingerprint:sha-256 ${Array.from({ length: 32 }, () => 'AB').join(':')}`,
    'a=setup:actpass',
    'a=rtcp-mux',
    ...more,
    '',
  ].join('\r\n');
}
