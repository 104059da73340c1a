/** A message that is handled: who sent it, and the parts of the node that carry it out. */
import type { ClientMessageMap } from '@tandem/protocol';
import type { FrameHeader } from '../../wire/frame-header.ts';
import type { NodeContext } from '../context.ts';
import { RefusalError } from '../errors.ts';
import type { Parking } from '../messaging/parking.ts';
import type { Router } from '../messaging/router.ts';
import type { Member, Room } from '../model.ts';
import type { MembershipWriter } from '../rooms/membership-writer.ts';
import type { RoomReplicas } from '../rooms/room-replicas.ts';
import type { SessionJoiner } from '../sessions/join.ts';
import type { SessionResumer } from '../sessions/resume.ts';
import type { RoomCloser } from '../sessions/room-closer.ts';
import type { RoomEntries } from '../sessions/room-entries.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import type { SessionTerminator } from '../sessions/terminate.ts';
import type { Connection } from './connection.ts';

/** The parts of a node that handlers use. */
export interface HandlerParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly replicas: RoomReplicas;
  readonly writer: MembershipWriter;
  readonly router: Router;
  readonly parking: Parking;
  readonly joiner: SessionJoiner;
  readonly resumer: SessionResumer;
  readonly terminator: SessionTerminator;
  readonly closer: RoomCloser;
  readonly entries: RoomEntries;
}

export interface Call<Message> {
  readonly parts: HandlerParts;
  readonly connection: Connection;
  readonly message: Message;
  /** The frame as received. */
  readonly bytes: Buffer;
  readonly header: FrameHeader;
}

/** Carries out one type of message. Returns a promise when later frames must wait for it. @throws RefusalError */
export type Handler<T extends keyof ClientMessageMap> = (call: Call<ClientMessageMap[T]>) => Promise<void> | void;

/** The room that the sender is in. @throws RefusalError `not_in_room` */
export function roomOf(connection: Connection): Room {
  const { room } = connection.session;
  if (!room) throw new RefusalError('not_in_room', 'Join a room first.');
  return room;
}

export const unknownPeer = () => new RefusalError('unknown_peer', 'No such peer in your room.', { field: '/peerId' });

/** @throws RefusalError `unknown_peer` */
export function memberOf(room: Room, peerId: string): Member {
  const member = room.members.get(peerId);
  if (!member) throw unknownPeer();
  return member;
}
