/** The agent's access token: it is a member of each room that it serves, with the grant `media`. */
import { createHash } from 'node:crypto';
import type { MediaNodeConfig } from './config.ts';

/** An answer that takes longer is asked for again by the session, ms. */
const ANSWER_MS = 5000;

/** A digest in place of the room's name: with that the id would be too long, and cut it would be that of other rooms too. */
export function mediaUser(nodeId: string, room: string): string {
  return `media-${nodeId.slice(0, 64)}-${createHash('sha256').update(room).digest('base64url')}`;
}

/**
 * A token for one room alone. Each room has a user of its own, so the limit of sessions a user does not bound the rooms of a node.
 * @throws Error with what auth says; never with the key
 */
export async function accessToken(config: MediaNodeConfig, nodeId: string, room: string): Promise<string> {
  const response = await fetch(new URL('/auth/token', config.AUTH_URL), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': `tk_medianodes_${config.MEDIA_SECRET}` },
    body: JSON.stringify({
      userId: mediaUser(nodeId, room),
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
