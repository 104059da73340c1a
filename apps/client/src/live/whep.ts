/**
 * A session of WHEP (draft-ietf-wish-whep) as its viewer: one POST with an offer, answered with all candidates. Own code because npm
 * `whip-whep` hides the status, the problem and `Retry-After` of a refusal, and those are what the page has to say.
 */
import { withSoundRepeats } from '@tandem/rtc/sound-repeats';

/** A request was refused. */
export class WhepError extends Error {
  override name = 'WhepError';
  readonly status: number;
  /** Of the problem (RFC 9457); empty when the answer is none. */
  readonly code: string;
  /** Seconds, when the server said so. */
  readonly retryAfter: number | undefined;
  constructor(status: number, code: string, retryAfter?: number) {
    super(`WHEP answered ${status} ${code}`);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

export interface WhepOptions {
  /** `/whep/<room>` of the service. */
  readonly endpoint: string;
  readonly token: string;
  /** The token of now, for what is asked later: the session goes on as long as the latest one. */
  readonly renewed: () => Promise<string>;
  readonly iceTransportPolicy: RTCIceTransportPolicy;
  /** Aborted: the session is not opened, or closed when it was. */
  readonly signal: AbortSignal;
}

export interface WhepSession {
  readonly connection: RTCPeerConnection;
  /** What arrives; its tracks come with the answer. */
  readonly stream: MediaStream;
  /**
   * How many watch the room now.
   * @param firstPictureMs how long the first picture took, once it was shown: for the service's metrics, which count it once
   * @throws WhepError 404 when the session is over; TypeError without an answer
   */
  viewers(firstPictureMs?: number): Promise<number>;
  /** The server forgets it at once. Also while the page goes away. */
  close(): void;
}

/** Time for one request, ms. */
const ANSWER_MS = 10_000;

async function ask(url: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const timeout = AbortSignal.timeout(ANSWER_MS);
  const response = await fetch(url, {
    ...init,
    cache: 'no-store',
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
  });
  if (response.ok) return response;
  const problem: unknown = await response.json().catch(() => undefined);
  const code = (problem as { code?: unknown } | undefined)?.code;
  const seconds = Number(response.headers.get('retry-after'));
  throw new WhepError(response.status, typeof code === 'string' ? code : '', seconds > 0 ? seconds : undefined);
}

/** @throws WhepError when it is refused; TypeError without an answer */
export async function openWhep(options: WhepOptions): Promise<WhepSession> {
  const { endpoint, token, renewed, iceTransportPolicy, signal } = options;
  const connection = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceTransportPolicy });
  let authorization = `Bearer ${token}`;
  const remove = (location: string) =>
    void fetch(location, { method: 'DELETE', headers: { authorization }, keepalive: true }).catch(() => {});
  let location = '';
  try {
    const stream = new MediaStream();
    connection.ontrack = ({ track }) => stream.addTrack(track);
    for (const kind of ['video', 'audio']) connection.addTransceiver(kind, { direction: 'recvonly' });
    const offer = await connection.createOffer();
    const headers = { 'content-type': 'application/sdp', authorization };
    const response = await ask(endpoint, { method: 'POST', headers, body: withSoundRepeats(offer.sdp ?? '') }, signal);
    location = new URL(response.headers.get('location') ?? '', endpoint).href;
    // Before the local description: it starts the search for addresses, which asks these.
    connection.setConfiguration({
      ...connection.getConfiguration(),
      iceServers: iceServersOf(response.headers.get('link') ?? ''),
    });
    const sdp = await response.text();
    await connection.setLocalDescription(offer);
    // The server has a public address and sees ours when we ask it: it needs no candidates of ours.
    await connection.setRemoteDescription({ type: 'answer', sdp });
    signal.throwIfAborted();
    return {
      connection,
      stream,
      viewers: async (firstPictureMs) => {
        const query = firstPictureMs === undefined ? '' : `?first-picture-ms=${Math.round(firstPictureMs)}`;
        authorization = `Bearer ${await renewed()}`;
        const answer = await ask(`${location}${query}`, { headers: { authorization } });
        const { viewers } = (await answer.json()) as { viewers?: unknown };
        return typeof viewers === 'number' ? viewers : 0;
      },
      close: () => {
        connection.close();
        remove(location);
      },
    };
  } catch (error) {
    connection.close();
    if (location) remove(location);
    throw error;
  }
}

/** What `Link` says of ICE servers (RFC 9725 section 4.6); what cannot be read is left out. */
export function iceServersOf(link: string): RTCIceServer[] {
  return link.split(/,\s*(?=<)/).flatMap((entry) => {
    const [, urls] = /^<((?:stun|turn)s?:[^>]+)>/.exec(entry) ?? [];
    const value = (name: string) => new RegExp(`;\\s*${name}="([^"]*)"`).exec(entry)?.[1];
    if (urls === undefined || value('rel') !== 'ice-server') return [];
    const [username, credential] = [value('username'), value('credential')];
    return [
      { urls, ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) },
    ];
  });
}
