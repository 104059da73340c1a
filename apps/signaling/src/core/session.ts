/** A session: an identity in the service that outlives its sockets. */
import { hash } from 'node:crypto';
import type { PeerMetadata } from '@tandem/protocol';
import type { WriteMark } from '../backplane/types.ts';
import type { Connection } from './connection.ts';
import type { Identity } from './identity.ts';
import type { Room } from './room.ts';

export type SessionState =
  | { readonly kind: 'attached'; readonly connection: Connection }
  /** Its socket is gone; `grace` ends it. */
  | { readonly kind: 'detached'; readonly grace: unknown }
  | { readonly kind: 'ended' };

export interface Session {
  readonly peerId: string;
  readonly secret: string;
  identity: Identity;
  /** {@link guestKey} of whom it began with; absent for a proven user. */
  readonly guest: string | undefined;
  /** Counts owners; a stale owner has a lower one and must not write. */
  epoch: number;
  state: SessionState;
  metadata: PeerMetadata | undefined;
  /** Set once the membership is written. */
  room: Room | undefined;
  /** Frames for it are on their way to the mailbox: later ones must queue behind. */
  parking: boolean;
  /** Counts what it says of itself, over all its owners: in a room, metadata, away or here. Each change is one more. */
  order: number;
  /** As far as this node knows its membership was written up to here; below `order` it is to be written again. */
  savedOrder: number;
  /** Its own record may say otherwise whether it is attached: to be written again. */
  unsynced: boolean;
}

/** What its store gets next is this, and nothing written before counts after it. */
export function markOf({ epoch, order }: Session): WriteMark {
  return { epoch, order };
}

/** `welcome.sessionToken`: the session's name and its secret. */
export function sessionToken(session: { peerId: string; secret: string }): string {
  return `${session.peerId}.${session.secret}`;
}

export function parseSessionToken(token: string): { peerId: string; secret: string } | undefined {
  const at = token.lastIndexOf('.');
  return at < 1 ? undefined : { peerId: token.slice(0, at), secret: token.slice(at + 1) };
}

export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url');
}
