/** Delivers a finished frame to a session, wherever it is: here, on another node, or in its mailbox. */
import { Unavailable } from '../backplane/types.ts';
import { type Frame, textOf } from '../wire/spliced-frame.ts';
import { type Entry, EntryKind } from './batch.ts';
import { Refusal } from './errors.ts';
import type { SignalingNode } from './node.ts';
import type { Member, Room } from './room.ts';
import type { Session } from './session.ts';

/** Called, at once or later, when a frame could be neither delivered nor parked. */
export type OnRefused = (refusal: Refusal) => void;

interface ParkQueue {
  /** Park also when the session seems attached there: that node is dead or deaf, or is this one, and the socket is gone. */
  deadNode: string | undefined;
  frames: string[];
  refused: (OnRefused | undefined)[];
}

export class Router {
  readonly #node: SignalingNode;
  /** Frames behind a park that is under way, per addressee: order is kept. */
  readonly #parking = new Map<string, ParkQueue>();
  constructor(node: SignalingNode) {
    this.#node = node;
  }

  /** The hot path. */
  toMember(member: Member, frame: Frame, onRefused?: OnRefused): void {
    const { session } = member;
    if (session) {
      if (session.state.kind === 'attached' && !session.parking) {
        this.#node.counters.relayedLocal++;
        session.state.connection.send(frame);
      } else this.park(member.peerId, textOf(frame), undefined, onRefused);
      return;
    }
    if (!this.#node.up) {
      onRefused?.(this.unavailable());
      return;
    }
    if (member.away || this.#parking.has(member.peerId)) this.park(member.peerId, textOf(frame), undefined, onRefused);
    else this.#node.outbox.relay(member.node, member.peerId, frame);
  }

  /** To everybody else in the room: one entry for each other node. */
  toRoom(room: Room, from: Session, frame: Frame): void {
    const nodes = new Set<string>();
    for (const member of room.members.values()) {
      if (member.peerId === from.peerId) continue;
      if (member.session || member.away) {
        if (member.session || this.#node.up) this.toMember(member, frame);
      } else nodes.add(member.node);
    }
    if (!this.#node.up) return;
    for (const node of nodes) this.#node.outbox.room(node, room.id, frame);
  }

  /** From another node, for a session that should be here. */
  fromNode(peerId: string, frame: Frame): void {
    this.#node.counters.fromNodes++;
    const traced = this.#node.events.traced?.('deliver', frame);
    const session = this.#node.sessions.get(peerId);
    if (session?.state.kind === 'attached' && !session.parking) session.state.connection.send(frame);
    else this.park(peerId, textOf(frame));
    traced?.();
  }

  /** From another node, for everybody here in that room. */
  roomFromNode(roomId: string, frame: Frame): void {
    this.#node.counters.fromNodes++;
    for (const session of this.#node.membership.rooms.get(roomId)?.locals ?? [])
      if (session.state.kind === 'attached' && !session.parking) session.state.connection.send(frame);
    // Away sessions of this node were parked for by the sender's node, which knew.
  }

  /** A batch went nowhere. Its node is dead or deaf: what was for peers waits in their mailboxes. */
  undelivered(node: string, entries: readonly Entry[], reason: 'no-listener' | 'unavailable'): void {
    for (const { kind, target, frame } of entries) {
      if (kind === EntryKind.control) continue;
      if (reason === 'unavailable') this.#node.counters.dropped++;
      else if (kind === EntryKind.relay) this.park(target, textOf(frame), node);
      // Whoever was known to be away has it in the mailbox already.
      else
        for (const m of this.#node.membership.rooms.get(target)?.members.values() ?? [])
          if (m.node === node && !m.away) this.park(m.peerId, textOf(frame), node);
    }
    this.#node.membership.doubtNode(node);
  }

  unavailable(): Refusal {
    return new Refusal('unavailable', 'The room store is away; try again.', {
      retryAfter: this.#node.settings.retryAfter,
    });
  }

  park(peerId: string, text: string, deadNode?: string, onRefused?: OnRefused): void {
    const queue = this.#parking.get(peerId);
    if (queue) {
      queue.deadNode ??= deadNode;
      if (queue.frames.length >= 1024) {
        this.#node.counters.dropped++;
        onRefused?.(new Refusal('mailbox_full', 'The peer is away and its mailbox is full.'));
        return;
      }
      queue.frames.push(text);
      queue.refused.push(onRefused);
      return;
    }
    this.#parking.set(peerId, { deadNode, frames: [text], refused: [onRefused] });
    void this.#flush(peerId);
  }

  async #flush(peerId: string): Promise<void> {
    const session = this.#node.sessions.get(peerId);
    if (session) session.parking = true;
    const queue = this.#parking.get(peerId) as ParkQueue;
    let step = Infinity;
    while (queue.frames.length > 0) {
      const frames = queue.frames.splice(0, step);
      const refused = queue.refused.splice(0, step);
      const refuse = (refusal: Refusal) => {
        this.#node.counters.dropped += frames.length;
        for (const r of refused) r?.(refusal);
      };
      try {
        const result = await this.#node.backplane.park(peerId, frames, queue.deadNode);
        if (result.kind === 'parked') this.#node.counters.parked += frames.length;
        else if (result.kind === 'full' && frames.length > 1) {
          // It takes all of a step or none: halves find what still fits.
          queue.frames.unshift(...frames);
          queue.refused.unshift(...refused);
          step = frames.length >> 1;
        } else if (result.kind === 'full') {
          // Nothing may slip in behind what was refused.
          frames.push(...queue.frames.splice(0));
          refused.push(...queue.refused.splice(0));
          refuse(new Refusal('mailbox_full', 'The peer is away and its mailbox is full.'));
        } else if (result.kind === 'gone') refuse(new Refusal('unknown_peer', 'The peer is gone.'));
        else this.#deliverTo(result.node, peerId, frames);
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error;
        refuse(this.unavailable());
      }
    }
    this.#parking.delete(peerId);
    const now = this.#node.sessions.get(peerId);
    if (now) now.parking = false;
  }

  /** The session turned out to be attached. */
  #deliverTo(node: string, peerId: string, frames: readonly string[]): void {
    if (node !== this.#node.name) {
      for (const text of frames) this.#node.outbox.relay(node, peerId, text);
      return;
    }
    const session = this.#node.sessions.get(peerId);
    if (session?.state.kind === 'attached') for (const text of frames) session.state.connection.send(text);
    // The store does not know yet that its socket is gone.
    else if (session) for (const text of frames) this.park(peerId, text, node);
    else this.#node.counters.dropped += frames.length;
  }
}
