/** What a session may do: by its token, and by the room that it is in, where a backend or a moderator has changed that. */
import type { PeerMetadata } from '@tandem/protocol';
import { givenIn, grantedIn, type RoomGrants } from '../../backplane/room-grants.ts';
import type { Identity } from '../identity.ts';
import type { Session } from '../model.ts';

/** Another token. What its room granted holds on, also while the store, whose next answer decides, is away. */
export function setToken(session: Session, identity: Identity): void {
  session.metadata = withoutGiven(session.metadata, Object.keys(session.identity.given ?? {}));
  session.identity = identity;
  session.tokenGrants = identity.grants;
  session.granted = '';
  setGranted(session, session.room?.granted.get(identity.loginSession) ?? '');
}

/** @returns whether that changed what it may do, or what is said of it */
export function setGranted(session: Session, granted: RoomGrants): boolean {
  if (session.granted === granted) return false;
  const before = decided(session);
  session.granted = granted;
  session.metadata = withoutGiven(session.metadata, Object.keys(session.identity.given ?? {}));
  const { given: _before, ...identity } = session.identity;
  const given = givenIn(granted);
  const isGiven = Object.keys(given).length > 0;
  session.identity = { ...identity, grants: grantedIn(session.tokenGrants, granted), ...(isGiven ? { given } : {}) };
  return decided(session) !== before;
}

const decided = ({ identity: { grants, given } }: Session) => JSON.stringify([grants, given]);

/** What a client said of itself, of what its room shows of it. @param names that a backend says */
export function withoutGiven(
  metadata: PeerMetadata | undefined,
  names: readonly string[] = [],
): PeerMetadata | undefined {
  if (metadata === undefined || names.length === 0) return metadata;
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.includes(name)));
}
