/** `resume`: the socket's new session is replaced by the one that its token names. */
import type { ServerMessage } from '@tandem/protocol';
import { isMediaPeer } from '../../backplane/types.ts';
import { RefusalError } from '../errors.ts';
import { tokenLife } from '../identity.ts';
import { entryOf, hearsEntry } from '../rooms/notifications.ts';
import { grantsOf } from '../rooms/show-grants.ts';
import { tokenEnds } from '../rooms/token-ends.ts';
import { parseSessionToken, sessionToken } from '../sessions/session-keys.ts';
import type { Handler } from './call.ts';
import type { Connection } from './connection.ts';

export const resume: Handler<'resume'> = async ({ parts, connection, message }) => {
  const { context, registry, resumer, parking } = parts;
  if (!connection.fresh)
    throw new RefusalError('bad_message', 'resume must be the first frame of a socket.', { field: '/type' });
  const token = parseSessionToken(message.sessionToken);
  if (!token) throw new RefusalError('session_unknown', 'That is no session token.', { field: '/sessionToken' });
  const unused = connection.session;
  connection.hold();
  let unread: readonly string[] = [];
  try {
    const { session, parked } = await connection.whileResuming(
      resumer.resume({ ...token, identity: connection.identity, connection }),
    );
    connection.session = session;
    if (!unused.room) registry.forget(unused);
    if (!connection.closed) connection.sendMessage(resumedMessage(context.name, connection, parked.length));
    const { room } = session;
    if (!connection.closed && room && isMediaPeer(session.peerId))
      connection.sendMessage(tokenEnds(room.members.values()));
    if (!connection.closed && room && session.granted !== '') connection.sendMessage(grantsOf(connection.identity));
    // What the room lets its people do may have changed meanwhile.
    if (!connection.closed && room && (room.hasSettings || hearsEntry(session)))
      connection.sendMessage(entryOf(room, connection.identity));
    unread = connection.release(parked);
  } catch (error) {
    // Closed for a later resume: the end of such a socket is not reported.
    if (connection.closed) registry.forget(unused);
    throw error;
  } finally {
    connection.release();
  }
  if (!connection.closed) return;
  // The socket went while the resume was on its way; another one may have resumed since.
  const { session } = connection;
  const { state } = session;
  if (state.kind === 'attached' && state.connection === connection) connection.host.onGone(connection);
  // The mailbox is empty now, and its frames were not read.
  for (const text of unread) parking.park(session.peerId, text);
};

/** With the room as it is in the moment that this is sent. */
function resumedMessage(node: string, { session, identity }: Connection, parked: number): ServerMessage {
  const { peerId, room } = session;
  return {
    type: 'resumed',
    peerId,
    sessionToken: sessionToken(session),
    node,
    ...tokenLife(identity),
    ...(room ? { roomId: room.id, version: room.version } : {}),
    peers: room?.peers(peerId) ?? [],
    ...room?.media(),
    parked,
  };
}
