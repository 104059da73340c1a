/** The token of who only watches. */
import { storedPreferences } from '../lib/preferences.ts';
import { WhepError } from './whep.ts';

/** A token that watches this room and does nothing else. @throws WhepError; TypeError without an answer */
export async function viewerToken(url: string, room: string, signal: AbortSignal): Promise<string> {
  const { userId } = storedPreferences();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId, grants: { rooms: [room], publish: false } }),
    cache: 'no-store',
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  });
  if (!response.ok)
    throw new WhepError(response.status, 'token', Number(response.headers.get('retry-after')) || undefined);
  return ((await response.json()) as { token: string }).token;
}
