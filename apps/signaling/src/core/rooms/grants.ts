/** What a session may do: by its token, and by the room that it is in, where a backend has changed that. */
import { grantedIn, type RoomGrants } from '../../backplane/room-grants.ts';
import type { Identity } from '../identity.ts';
import type { Session } from '../model.ts';

/** Another token: what a room granted counts from its next answer on. */
export function setToken(session: Session, identity: Identity): void {
  session.identity = identity;
  session.tokenGrants = identity.grants;
  session.granted = '';
}

/** @returns whether that changed what it may do */
export function setGranted(session: Session, granted: RoomGrants): boolean {
  if (session.granted === granted) return false;
  const before = JSON.stringify(grantedIn(session.tokenGrants, session.granted));
  session.granted = granted;
  const grants = grantedIn(session.tokenGrants, granted);
  session.identity = { ...session.identity, grants };
  return JSON.stringify(grants) !== before;
}
