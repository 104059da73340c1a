/** An encoder that publishes by WHIP without a browser: packets without pictures, by libdatachannel. */
import { RtpSender } from '../../infra/media-node/src/testing/rtp-peer.ts';
import { ownAddress } from './media-peer.ts';

export interface StreamClient {
  readonly sender: RtpSender;
  readonly session: URL;
  readonly etag: string;
  readonly response: Response;
  /** To the session's address, with the token. */
  request(
    method: string,
    init?: { readonly headers?: Record<string, string>; readonly body?: string },
  ): Promise<Response>;
  close(): void;
}

/** Publishes, with all candidates in the offer. @throws Error with the status when it is refused */
export async function publish(
  endpoint: string,
  token: string,
  { videoCodec = 'VP8' }: { readonly videoCodec?: 'VP8' | 'H264' } = {},
): Promise<StreamClient> {
  const sender = new RtpSender('encoder', ownAddress, ['audio', 'video'], videoCodec);
  const candidates: string[] = [];
  sender.onCandidate = ({ candidate }) => candidates.push(candidate);
  let response: Response | undefined;
  try {
    await sender.connect({
      offer: async (sdp) => {
        response = await fetch(endpoint, {
          method: 'POST',
          headers: { 'content-type': 'application/sdp', authorization: `Bearer ${token}` },
          body: sdp,
        });
        const answer = await response.text();
        if (response.status !== 201) throw new Error(`${response.status} ${answer}`);
        return answer;
      },
    });
  } catch (error) {
    sender.close();
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
      headers: { 'content-type': 'application/trickle-ice-sdpfrag', 'if-match': headers.get('etag') ?? '' },
      body: fragment,
    });
  return {
    sender,
    session,
    etag: headers.get('etag') ?? '',
    response: response as unknown as Response,
    request,
    close: () => sender.close(),
  };
}
