/** What moderators alone may do in a room (S-49). */
import type { RestrictedPart } from '../../backplane/room-settings.ts';
import type { Identity } from '../identity.ts';
import type { Session } from '../model.ts';

interface Sender {
  readonly identity: Identity;
  readonly session: Session;
}

export const isRestricted = ({ identity, session }: Sender, part: RestrictedPart): boolean =>
  identity.grants.kick !== true && session.room?.restricted.includes(part) === true;
