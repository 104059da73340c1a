/** Tells a session, and its room, what it may do there now. */
import type { ServerMessage } from '@tandem/protocol';
import type { NodeContext } from '../context.ts';
import type { Identity } from '../identity.ts';
import type { Session } from '../model.ts';
import { memberRecord } from './member-record.ts';
import type { MembershipWriter } from './membership-writer.ts';
import { entryOf, showInfo } from './notifications.ts';
import { replaceMetadata } from './replace-metadata.ts';
import type { RoomReplicas } from './room-replicas.ts';

interface Parts {
  readonly context: NodeContext;
  readonly replicas: RoomReplicas;
  readonly writer: MembershipWriter;
}

/** What one may do, and what a backend says of it, as its client hears it where the room has changed that. */
export function grantsOf({ grants, given }: Identity): ServerMessage {
  const { publish = true, data = true, kick = false, invite = false } = grants;
  return { type: 'grants', publish, data, kick, invite, ...(given ? { metadata: given } : {}) };
}

/** What a session may do in its room has changed: its client hears that, and so does the room where it is audience or a moderator now or no more. */
export async function showGrants({ context, replicas, writer }: Parts, session: Session): Promise<void> {
  const { room, identity, state } = session;
  if (!room) return;
  if (state.kind === 'attached') {
    state.connection.tell(JSON.stringify(grantsOf(identity)));
    if (room.hasSettings) state.connection.tell(JSON.stringify(entryOf(room, identity)));
  }
  await replaceMetadata({ replicas, writer }, session, session.metadata ?? {});
  const member = room.members.get(session.peerId);
  if (member && session.room === room) showInfo(room, member, memberRecord(session, context.name).info);
}
