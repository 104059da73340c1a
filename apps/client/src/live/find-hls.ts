/** Whether a room is there as HLS, for who cannot watch it by WebRTC. */
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import { WhepError } from './whep.ts';

export interface LiveHls {
  /** Of the playlist. */
  readonly url: string;
  /** The token of now. */
  readonly token: () => Promise<string>;
}

/** When a stream that has ended may be asked for again, s. */
const RETRY_SECONDS = 2;

/** The node has its number of viewers, or of those of one login. */
export const isFull = (error: unknown): boolean =>
  error instanceof WhepError && (error.code === 'busy' || error.code === 'too_many_sessions');

/** @returns undefined where there is none, or no answer @throws WhepError `not_live` */
export async function findHls(
  room: string,
  token: LiveHls['token'],
  signal: AbortSignal,
): Promise<LiveHls | undefined> {
  const { signalingUrl } = await loadRuntimeConfig();
  const url = new URL(apiUrl(signalingUrl, `/whep/${encodeURIComponent(room)}/hls/live.m3u8`), location.href).href;
  const headers = { authorization: `Bearer ${await token()}` };
  const answer = await fetch(url, { headers, cache: 'no-store', signal }).catch(() => undefined);
  if (!answer) return undefined;
  const isOver = answer.status === 409 || (answer.ok && (await answer.text()).includes('#EXT-X-ENDLIST'));
  if (isOver) throw new WhepError(409, 'not_live', RETRY_SECONDS);
  return answer.ok ? { url, token } : undefined;
}
