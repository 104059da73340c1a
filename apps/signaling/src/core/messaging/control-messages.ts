/** What nodes say to each other in `control` entries of a batch, as JSON. Other versions of this program read it: only add. */
import type { CloseName, ServerMessage } from '@tandem/protocol';
import type { MemberRecord, WriteMark } from '../../backplane/types.ts';

/** A change of a room, to the nodes that have members in it. */
export type RoomControl =
  | { readonly t: 'put'; readonly room: string; readonly version: number; readonly member: MemberRecord }
  | {
      readonly t: 'drop';
      readonly room: string;
      readonly version: number;
      readonly peerId: string;
      readonly reason: string;
      /** Of the removal. Nodes of an older version do not say. */
      readonly mark?: WriteMark;
    };

/** Who may enter a room, or who asks to, has changed: the addressee reads it again. */
export interface EntryControl {
  readonly t: 'entry';
  readonly room: string;
  readonly version: number;
}

/** About one session, to the node that holds it. */
export type SessionControl =
  | { readonly t: 'fence'; readonly peerId: string; readonly epoch: number }
  /** The store says that the sender took it over at that epoch, and the sender does not have it: the addressee goes on. */
  | { readonly t: 'keep'; readonly peerId: string; readonly epoch: number }
  | {
      readonly t: 'end';
      readonly peerId: string;
      readonly close: CloseName;
      readonly reason?: string;
      readonly first?: ServerMessage;
    }
  /** A moderator has decided about a session that asks to come in. */
  | { readonly t: 'admission'; readonly peerId: string; readonly room: string; readonly admitted: boolean };

export type NodeControl = RoomControl | EntryControl | SessionControl;
