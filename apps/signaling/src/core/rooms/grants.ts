/** What a session may do: by its token, and by the room that it is in, where a backend or a moderator has changed that. */
import type { PeerMetadata } from '@tandem/protocol';
import { byToken, carried, givenIn, grantedIn, type RoomGrants } from '../../backplane/room-grants.ts';
import type { Identity } from '../identity.ts';
import type { Session } from '../model.ts';

/**
 * Another token. What its room granted holds on, also while the store, whose next answer decides, is away; with another login it goes along, see
 * {@link carried}.
 */
export function setToken(session: Session, identity: Identity): void {
  const { room } = session;
  const [from, to] = [session.identity.loginSession, identity.loginSession];
  if (room && from !== to)
    room.granted = carryLogin(room.granted, {
      from,
      to,
      was: byToken(session.tokenGrants),
      is: byToken(identity.grants),
      stays: () =>
        [...room.members.values()].some(({ peerId, info }) => peerId !== session.peerId && info.loginSession === from),
    });
  session.metadata = withoutGiven(session.metadata, Object.keys(session.identity.given ?? {}));
  session.identity = identity;
  session.tokenGrants = identity.grants;
  session.granted = '';
  setGranted(session, room?.granted.get(to) ?? '');
}

interface CarriedLogin {
  readonly from: string;
  readonly to: string;
  /** As {@link byToken}. */
  readonly was: string | undefined;
  readonly is: string | undefined;
  /** Whether another member is of `from`. */
  stays(): boolean;
}

/** What is decided of the people of a room, once the login `from` of one of them is `to`. */
export function carryLogin(
  granted: ReadonlyMap<string, RoomGrants>,
  { from, to, was, is, stays }: CarriedLogin,
): ReadonlyMap<string, RoomGrants> {
  const held = granted.get(from);
  if (held === undefined || from === to) return granted;
  const all = new Map(granted).set(to, carried(held, { was, is, there: granted.get(to) }));
  if (!stays()) all.delete(from);
  return all;
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

/** Moderates by its own token, and has kept that: who was made a moderator in the room is none of these (S-51). */
export const moderatesByToken = ({ tokenGrants, identity }: Pick<Session, 'tokenGrants' | 'identity'>): boolean =>
  tokenGrants.kick === true && identity.grants.kick === true;

/** What a client said of itself, of what its room shows of it. @param names that a backend says */
export function withoutGiven(
  metadata: PeerMetadata | undefined,
  names: readonly string[] = [],
): PeerMetadata | undefined {
  if (metadata === undefined || names.length === 0) return metadata;
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.includes(name)));
}
