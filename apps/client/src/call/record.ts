import { apiUrl, loadRuntimeConfig } from '../lib/runtime-config.ts';
import { call } from './call-model.ts';

interface Recording {
  readonly recordingId: string;
  readonly status: string;
}

/** How the film of a recording looks: everybody in a grid, or who speaks large. */
export type FilmLayout = 'grid' | 'speaker';

/**
 * Asks the server API to begin or end the recording of this call. What becomes of it the media node says, to everybody.
 * @param layout of what is begun @throws Error in the words of the server
 */
export async function record(what: 'start' | 'stop', layout: FilmLayout = 'grid'): Promise<void> {
  let token = '';
  await call.moderate(async (session) => {
    token = await session.accessToken();
  });
  const { signalingUrl } = await loadRuntimeConfig();
  const path = `/v1/rooms/${encodeURIComponent(call.get().room)}/recordings`;
  const ask = async (method: string, more = ''): Promise<unknown> => {
    const response = await fetch(apiUrl(signalingUrl, path + more), {
      method,
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(15_000),
    });
    const answer = (await response.json()) as { detail?: string };
    if (!response.ok) throw new Error(answer.detail ?? String(response.status));
    return answer;
  };
  if (what === 'start') {
    await ask('POST', `?layout=${layout}`);
    return;
  }
  const { recordings } = (await ask('GET', '?limit=1')) as { recordings: readonly Recording[] };
  const latest = recordings[0];
  if (latest) await ask('POST', `/${latest.recordingId}/stop`);
}
