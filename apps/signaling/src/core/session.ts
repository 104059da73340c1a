/** A session: an identity in the service that outlives its sockets. */
import { hash } from 'node:crypto';
import type { PeerMetadata } from '@tandem/protocol';
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
  /** Counts owners; a stale owner has a lower one and must not write. */
  epoch: number;
  state: SessionState;
  metadata: PeerMetadata | undefined;
  /** Set once the membership is written. */
  room: Room | undefined;
  /** Frames for it are on their way to the mailbox: later ones must queue behind. */
  parking: boolean;
  /** Its room's store has it otherwise than it is: to be written again. */
  unsaved: boolean;
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
