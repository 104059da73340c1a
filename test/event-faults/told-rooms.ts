/** What a receiver knows of rooms from the webhooks it got, and what must not be in them. */

/** A webhook's body. */
interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly roomId: string;
  readonly roomSid: string;
  readonly sequence: number;
  readonly data: { readonly peerId?: string; readonly numPeers?: number; readonly restored?: boolean };
}

interface ToldRoom {
  readonly sid: string;
  sequence: number;
  isOver: boolean;
  readonly peers: Set<string>;
}

/** Sees each id once, as `webhook-id` is meant. */
export class ToldRooms {
  readonly #bodies = new Map<string, string>();
  readonly #rooms = new Map<string, ToldRoom>();
  readonly #faults: string[] = [];
  /** Webhooks that came again, by their ids. */
  repeated = 0;
  joins = 0;
  leaves = 0;

  /** What must not happen: out of order, unknown, twice under another id, another body under the same one, a wrong count. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  get events(): number {
    return this.#bodies.size;
  }

  /** "room peer" of all who are in. */
  present(): string[] {
    return [...this.#rooms].flatMap(([name, { peers }]) => [...peers].map((peer) => `${name} ${peer}`)).sort();
  }

  receive(body: string): void {
    const event = JSON.parse(body) as ToldEvent;
    const before = this.#bodies.get(event.id);
    this.#bodies.set(event.id, body);
    if (before !== undefined) {
      this.repeated++;
      if (before !== body) this.#fault(event, `the same id with another body, ${before}`);
      return;
    }
    const room = this.#roomOf(event);
    if (event.sequence <= room.sequence) this.#fault(event, `behind ${room.sequence}`);
    room.sequence = event.sequence;
    if (room.isOver) this.#fault(event, 'its room had ended');
    this.#apply(room, event);
  }

  #roomOf(event: ToldEvent): ToldRoom {
    const room = this.#rooms.get(event.roomId);
    if (room?.sid === event.roomSid) return room;
    if (room && !room.isOver) this.#fault(event, `the room ${room.sid} has not ended`);
    if (room && Number(room.sid) > Number(event.roomSid)) this.#fault(event, `of a room before ${room.sid}`);
    if (event.type !== 'room.started') this.#fault(event, 'its room has not started');
    const next = { sid: event.roomSid, sequence: 0, isOver: false, peers: new Set<string>() };
    this.#rooms.set(event.roomId, next);
    return next;
  }

  #apply(room: ToldRoom, event: ToldEvent): void {
    const { peerId = '', numPeers, restored } = event.data;
    const isIn = room.peers.has(peerId);
    switch (event.type) {
      case 'peer.joined':
        if (isIn && !restored) this.#fault(event, 'is in already');
        this.joins++;
        room.peers.add(peerId);
        break;
      case 'peer.left':
        if (!room.peers.delete(peerId)) this.#fault(event, 'was not in');
        this.leaves++;
        break;
      case 'room.ended':
        if (room.peers.size > 0) this.#fault(event, `${room.peers.size} are in`);
        room.isOver = true;
        break;
      default:
        if (event.type.startsWith('peer.') && !isIn) this.#fault(event, 'was not in');
    }
    if (numPeers !== undefined && numPeers !== room.peers.size) this.#fault(event, `${room.peers.size} are in`);
  }

  #fault(event: ToldEvent, what: string): void {
    this.#faults.push(`${event.type} ${event.roomId} ${event.sequence} ${event.data.peerId ?? ''}: ${what}`);
  }
}
