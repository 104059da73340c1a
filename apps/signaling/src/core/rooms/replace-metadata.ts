/** What a session says of itself, as its room gets to see it. */
import type { PeerMetadata } from '@tandem/protocol';
import { ignoreUnavailable } from '../../backplane/types.ts';
import type { Session } from '../model.ts';
import { withProvenClaims } from './member-record.ts';
import type { MembershipWriter } from './membership-writer.ts';
import { isRestricted } from './restriction.ts';
import type { RoomReplicas } from './room-replicas.ts';

interface Parts {
  readonly replicas: RoomReplicas;
  readonly writer: MembershipWriter;
}

/** Without what the session may not claim: see {@link withProvenClaims}, and a shared screen where moderators alone share (S-49). */
export async function replaceMetadata(
  { replicas, writer }: Parts,
  session: Session,
  said: PeerMetadata,
): Promise<void> {
  const { identity, room } = session;
  const proven = withProvenClaims(session, said);
  const isRefused = proven.screen === true && isRestricted({ identity, session }, 'share');
  const metadata = isRefused ? { ...proven, screen: false } : proven;
  session.metadata = metadata;
  session.order++;
  if (!room) return;
  replicas.showLocally(session, { metadata });
  // With the backplane away it is kept, and written when that is back.
  await writer.put(session).catch(ignoreUnavailable);
}

/** What the session last said of itself, by the rules of now. */
export async function repeatMetadata(parts: Parts, session: Session): Promise<void> {
  if (session.metadata) await replaceMetadata(parts, session, session.metadata);
}
