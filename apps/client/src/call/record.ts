import { preferences } from '../lib/preferences.ts';
import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import { call } from './call-model.ts';

/** Of this room, as the server API says it. */
export interface KeptRecording {
  readonly recordingId: string;
  readonly status: 'starting' | 'recording' | 'processing' | 'ready' | 'failed';
  readonly startedAt: string;
  /** `user:` and the user id, or the id of an API key. */
  readonly startedBy: string;
  readonly durationSeconds?: number;
}

/** How the film of a recording looks: everybody in a grid, or who speaks large. */
export type FilmLayout = 'grid' | 'speaker';

/** The server API refused. */
export class RecordError extends Error {
  override name = 'RecordError';
  /** Of the problem (RFC 9457); empty when the answer was none. */
  readonly code: string;
  constructor(code: string) {
    super(`recordings: ${code}`);
    this.code = code;
  }
}

const FILM = 'composed.webm';

/** @param more of the path of this room's recordings @param signal null: it may take any time @throws RecordError; others without an answer */
async function ask(
  method: string,
  more: string,
  signal: AbortSignal | null = AbortSignal.timeout(15_000),
): Promise<Response> {
  const token = await call.sdkCall?.session.accessToken();
  const { signalingUrl } = await loadRuntimeConfig();
  const path = `/v1/rooms/${encodeURIComponent(call.get().room)}/recordings`;
  const response = await fetch(apiUrl(signalingUrl, path + more), {
    method,
    headers: { authorization: `Bearer ${token}` },
    signal,
  });
  if (response.ok) return response;
  const problem = (await response.json().catch(() => ({}))) as { code?: unknown };
  throw new RecordError(typeof problem.code === 'string' ? problem.code : '');
}

/** The latest of them. */
export interface KeptRecordings {
  readonly recordings: readonly KeptRecording[];
  /** Where there are older ones. */
  readonly nextCursor?: string;
}

/** Of this room, also of earlier calls, the latest first. @param limit 1 to 100 @throws RecordError */
export const keptRecordings = async (limit: number): Promise<KeptRecordings> =>
  (await ask('GET', `?limit=${limit}`)).json() as Promise<KeptRecordings>;

/**
 * Asks the server API to begin or end the recording of this call. What becomes of it the media node says, to everybody.
 * @param layout of what is begun @throws RecordError
 */
export async function record(what: 'start' | 'stop', layout: FilmLayout = 'grid'): Promise<void> {
  if (what === 'start') {
    await ask('POST', `?layout=${layout}`);
    return;
  }
  const {
    recordings: [latest],
  } = await keptRecordings(1);
  if (latest) await ask('POST', `/${latest.recordingId}/stop`);
}

/** One that somebody else has deleted meanwhile is gone as well. @throws RecordError */
export async function removeRecording({ recordingId }: KeptRecording): Promise<void> {
  try {
    await ask('DELETE', `/${recordingId}`);
  } catch (error) {
    if (!(error instanceof RecordError && error.code === 'recording_unknown')) throw error;
  }
}

/** Who began it: the name of somebody who is here; undefined of others. */
export function whoBegan({ startedBy }: KeptRecording): { isMe: boolean; name: string } | undefined {
  if (startedBy === `user:${preferences.get().userId}`) return { isMe: true, name: call.get().name };
  const name = call.sdkCall?.peers.find(({ userId }) => startedBy === `user:${userId}`)?.name;
  return name ? { isMe: false, name } : undefined;
}

/** The browser saves the film, from an address that is good for some minutes, or from the answer itself. @throws RecordError */
export async function saveFilm({ recordingId }: KeptRecording): Promise<void> {
  // However long it takes: where there is no address, all of the film comes.
  const answer = await ask('GET', `/${recordingId}/files/${FILM}?link=true`, null);
  const isLink = answer.headers.get('content-type')?.startsWith('application/json');
  const link = document.createElement('a');
  if (isLink) {
    // Of another origin: a page of its own, so that no browser takes it for leaving the call.
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.href = ((await answer.json()) as { url: string }).url;
    if (!/^https?:$/.test(link.protocol)) throw new RecordError('');
  } else {
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `${recordingId}.webm`;
  }
  link.click();
  // The download has begun by then.
  if (!isLink) setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
