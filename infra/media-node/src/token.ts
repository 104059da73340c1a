/** The agent's access token: it is a member of each room that it serves, with the grant `media`. */
import type { MediaNodeConfig } from './config.ts';

/** An answer that takes longer is asked for again by the session, ms. */
const ANSWER_MS = 5000;

/**
 * A token for one room alone. Each room has a user of its own, so the limit of sessions a user does not bound the rooms of a node.
 * @throws Error with what auth says; never with the key
 */
export async function accessToken(config: MediaNodeConfig, nodeId: string, room: string): Promise<string> {
  const response = await fetch(new URL('/auth/token', config.AUTH_URL), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': config.MEDIA_API_KEY },
    body: JSON.stringify({
      userId: `media-${nodeId}-${room}`.slice(0, 128),
      name: 'media',
      grants: { rooms: [room], media: true, duplicate: 'newest' },
    }),
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  const body = (await response.json()) as {
    accessToken?: string;
    access_token?: string;
    title?: string;
    detail?: string;
  };
  const token = body.accessToken ?? body.access_token;
  if (!response.ok || !token) throw new Error(`auth: ${body.detail ?? body.title ?? response.status}`);
  return token;
}
