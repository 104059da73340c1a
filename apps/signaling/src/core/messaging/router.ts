/** Delivers a finished frame to a session, wherever it is: here, on another node, or in its mailbox. */
import { type Frame, textOf } from '../../wire/spliced-frame.ts';
import type { NodeContext } from '../context.ts';
import type { Member, Room, Session } from '../model.ts';
import type { SessionRegistry } from '../sessions/session-registry.ts';
import { type Entry, EntryKind } from './batch.ts';
import type { Outbox } from './outbox.ts';
import type { OnRefused, Parking } from './parking.ts';

export interface RouterParts {
  readonly context: NodeContext;
  readonly registry: SessionRegistry;
  readonly outbox: Outbox;
  readonly parking: Parking;
  readonly rooms: ReadonlyMap<string, Room>;
}

export class Router {
  readonly #context: NodeContext;
  readonly #registry: SessionRegistry;
  readonly #outbox: Outbox;
  readonly #parking: Parking;
  readonly #rooms: ReadonlyMap<string, Room>;
  constructor({ context, registry, outbox, parking, rooms }: RouterParts) {
    this.#context = context;
    this.#registry = registry;
    this.#outbox = outbox;
    this.#parking = parking;
    this.#rooms = rooms;
  }

  /** The hot path. */
  toMember(member: Member, frame: Frame, onRefused?: OnRefused): void {
    const { session } = member;
    if (session) {
      if (session.state.kind === 'attached' && !session.parking) {
        this.#context.counters.relayedLocal++;
        session.state.connection.send(frame);
      } else this.#parking.park(member.peerId, textOf(frame), { onRefused });
      return;
    }
    if (!this.#context.up) {
      onRefused?.(this.#context.unavailable());
      return;
    }
    if (member.away || this.#parking.isParking(member.peerId))
      this.#parking.park(member.peerId, textOf(frame), { onRefused });
    else this.#outbox.relay(member.node, member.peerId, frame);
  }

  /** To everybody else in the room: one entry for each other node. */
  toRoom(room: Room, from: Session, frame: Frame): void {
    const nodes = new Set<string>();
    for (const member of room.members.values()) {
      if (member.peerId === from.peerId) continue;
      if (member.session || member.away) {
        if (member.session || this.#context.up) this.toMember(member, frame);
      } else nodes.add(member.node);
    }
    if (!this.#context.up) return;
    for (const node of nodes) this.#outbox.room(node, room.id, frame);
  }

  /** From another node, for a session that should be here. */
  fromNode(peerId: string, frame: Frame): void {
    this.#context.counters.fromNodes++;
    const traced = this.#context.events.traced?.('deliver', frame);
    const session = this.#registry.get(peerId);
    if (session?.state.kind === 'attached' && !session.parking) session.state.connection.send(frame);
    else this.#parking.park(peerId, textOf(frame));
    traced?.();
  }

  /** From another node, for the sessions of this node in that room. */
  roomFromNode(roomId: string, frame: Frame): void {
    this.#context.counters.fromNodes++;
    for (const session of this.#rooms.get(roomId)?.locals ?? []) {
      if (session.state.kind !== 'attached') continue;
      if (session.parking) this.#parking.park(session.peerId, textOf(frame));
      else session.state.connection.send(frame);
    }
    // Away sessions of this node were parked for by the sender's node, which knew.
  }

  /** A batch was not delivered: its node is dead or does not receive. Frames for peers wait in their mailboxes. */
  undelivered(node: string, entries: readonly Entry[], reason: 'no-listener' | 'unavailable'): void {
    for (const { kind, target, frame } of entries) {
      if (kind === EntryKind.control) continue;
      if (reason === 'unavailable') this.#context.counters.dropped++;
      else if (kind === EntryKind.relay) this.#parking.park(target, textOf(frame), { deadNode: node });
      // For members that were known to be away it is in the mailbox already.
      else
        for (const m of this.#rooms.get(target)?.members.values() ?? [])
          if (m.node === node && !m.away) this.#parking.park(m.peerId, textOf(frame), { deadNode: node });
    }
  }
}
