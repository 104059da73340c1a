/** Events of a session that one frame of the server says as a whole. */
import { readPeers } from './room-view.ts';
import type { ServerFrame } from './server-frame.ts';
import type { SessionEvents } from './session-types.ts';
import type { RoomEntry } from './wire.ts';

/** Everything is open unless the server says otherwise. */
export const readEntry = ({ entry, share, chat, look, waiting }: ServerFrame): SessionEvents['entry'] => ({
  entry: entry as RoomEntry,
  share: share !== false,
  chat: chat !== false,
  look: look !== false,
  waiting: readPeers(waiting),
});

export const readGrants = ({ publish, data, kick, invite, metadata }: ServerFrame): SessionEvents['grants'] => ({
  publish: publish === true,
  data: data === true,
  kick: kick === true,
  invite: invite === true,
  metadata: typeof metadata === 'object' ? { ...metadata } : {},
});

export const readMute = ({ peerId, kind }: ServerFrame): SessionEvents['mute-requested'] => ({
  peerId: peerId as string,
  kind: kind === 'video' ? 'video' : 'audio',
});
