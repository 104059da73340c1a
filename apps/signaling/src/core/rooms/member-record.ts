/** What is stored of a session as a member of a room. */
import type { PeerInfo, PeerMetadata } from '@tandem/protocol';
import { byToken } from '../../backplane/room-grants.ts';
import type { Entrant, MemberRecord } from '../../backplane/types.ts';
import type { Identity } from '../identity.ts';
import type { MemberInfo, Session } from '../model.ts';
import { markOf } from '../sessions/session-keys.ts';
import type { CoreSettings } from '../settings.ts';
import { moderatesByToken } from './grants.ts';

/** Display name that the token proves. */
const provenName = ({ guest, name }: Identity) => (guest ? undefined : name);

/** Whose claims are proven: what it may do, and what of that its token says. */
export type Claimant = Pick<Session, 'identity' | 'tokenGrants'>;

/**
 * A name that the token proves is the only one that its bearer has; `moderator` is said of those with the grant `kick`, and of no peer else. What a
 * backend says of it counts before what it says itself, and is named.
 */
export function withProvenClaims(claimant: Claimant, metadata: PeerMetadata): PeerMetadata {
  const { identity } = claimant;
  const name = provenName(identity);
  const { moderator: _claimed, moderatorByToken: _byToken, fromBackend: _named, ...said } = metadata;
  return {
    ...said,
    ...identity.given,
    ...(identity.given ? { fromBackend: Object.keys(identity.given) } : {}),
    ...(name === undefined ? {} : { name }),
    ...(identity.grants.kick === true ? { moderator: true } : {}),
    ...(moderatesByToken(claimant) ? { moderatorByToken: true } : {}),
  };
}

/** It only watches: it may not publish, or it has joined as audience and may by now (S-51). */
export const isAudience = ({ identity, metadata }: Pick<Session, 'identity' | 'metadata'>): boolean =>
  identity.grants.publish === false || metadata?.audience === true;

/** What a session in a room says of itself. Whether it is audience is said by joining, where places are counted: it leaves first. */
export function saidInRoom(session: Pick<Session, 'metadata'>, metadata: PeerMetadata): PeerMetadata {
  const { audience: _said, ...said } = metadata;
  const { audience } = session.metadata ?? {};
  return audience === undefined ? said : { ...said, audience };
}

/** @param awayFor ms until the member leaves; default 0: present */
export function memberRecord(session: Session, node: string, awayFor = 0): MemberRecord {
  const { identity, guest } = session;
  const { given } = identity;
  const metadata = session.metadata ?? (given || identity.grants.kick === true ? {} : undefined);
  const name = provenName(identity);
  const grantedByToken = byToken(session.tokenGrants);
  // What tells users apart comes first (see entrantOf), then what is no news to others (room.lua, `shown`), what a client writes last (the store
  // counts by what is before).
  const info: MemberInfo = {
    ...(guest === undefined ? {} : { guest }),
    userId: identity.userId,
    loginSession: identity.loginSession,
    ...(Number.isFinite(identity.expiresAt) ? { until: identity.expiresAt } : {}),
    ...(session.joinedAt === undefined ? {} : { joinedAt: session.joinedAt }),
    ...(name === undefined ? {} : { name }),
    ...(isAudience(session) ? { audience: true as const } : {}),
    ...(session.tokenGrants.publish === false ? { listener: true as const } : {}),
    ...(grantedByToken === undefined ? {} : { byToken: grantedByToken }),
    ...(given ? { given: Object.keys(given) } : {}),
    ...(metadata === undefined ? {} : { metadata: withProvenClaims(session, metadata) }),
  };
  return { peerId: session.peerId, node, ...markOf(session), awayFor, info: JSON.stringify(info) };
}

/** What moderators read of a session that asks to come in: as much of a peer as tells who it is. */
export function entryRequestInfo({ identity, metadata }: Session): string {
  const name = provenName(identity);
  const info: Omit<PeerInfo, 'peerId'> = {
    userId: identity.userId,
    ...(name === undefined ? {} : { name }),
    ...(metadata?.name === undefined ? {} : { metadata: { name: metadata.name } }),
  };
  return JSON.stringify(info);
}

/** What a join says to the store of this session's user. `seat` is how every {@link memberRecord} of that user begins. */
export function entrantOf({ identity: { userId, grants }, guest }: Session): Entrant {
  const roomSize = grants.maxRoomSize === undefined ? {} : { roomSize: grants.maxRoomSize };
  if (guest === undefined) return { userId, seat: `{"userId":${JSON.stringify(userId)},`, ...roomSize };
  return { seat: `{"guest":"${guest.slice(0, guest.indexOf('.') + 1)}`, ...roomSize };
}

/** @returns the `limit` of a {@link JoinRule} */
export function placesFor(session: Session, { maxRoomSize, maxAudience }: CoreSettings): number {
  const { grants } = session.identity;
  // A media node's agent is no person: it enters a full room, and no ban of a person is about it.
  if (grants.media) return 0;
  return isAudience(session) ? maxAudience : Math.min(grants.maxRoomSize ?? maxRoomSize, maxRoomSize);
}
