/**
 * From entries of the outbox to events, and what receivers know of a room after each entry. A pure function, and ids depend on nothing else, so
 * that a second dispatcher that folds the same entry makes the same events.
 */
import { createHash } from 'node:crypto';
import type { LeaveReason, OutboxEntry, RecordingOver, RoomChange } from '@tandem/service/room-events';

/** Everything that a receiver may get, besides `endpoint.test`. */
export const EVENT_TYPES = [
  'room.started',
  'room.updated',
  'room.ended',
  'peer.joined',
  'peer.away',
  'peer.back',
  'peer.left',
  'peer.updated',
  'recording.ready',
  'recording.failed',
  'events.dropped',
] as const;
/** Told only to those who name it: every microphone that is turned on or off is one. */
export const OPT_IN_TYPE = 'peer.updated' satisfies EventType;
export type EventType = (typeof EVENT_TYPES)[number];

export interface RoomEvent {
  /** `evt_…`: the same however often it is sent. */
  readonly id: string;
  readonly type: EventType | 'endpoint.test';
  /** Empty: of no room. */
  readonly room: string;
  /** What receivers get, JSON. */
  readonly body: string;
}

/** A room as receivers know it. Short names: it is written with each event of the room. */
export interface ToldRoom {
  /** First version. */
  readonly f: number;
  /** When it started, ms. */
  readonly t: number;
  /** Most people at once. */
  readonly m: number;
  /** Version of the last event. */
  readonly v: number;
  /** Peer id -> user id, and when it joined, ms. */
  readonly p: Readonly<Record<string, readonly [userId: string, joinedAt: number]>>;
  /** Peers that are away without an event that says so. Absent: none. */
  readonly u?: readonly string[];
}

export interface Folded {
  /** Undefined: it has ended. */
  readonly told: ToldRoom | undefined;
  readonly events: readonly RoomEvent[];
}

type RoomEnd = 'empty' | 'closed' | 'lost';

const MEDIA_PREFIX = 'media~';

/**
 * @param told what receivers know of that room before; undefined: nothing
 * @param at when the entry was written, ms since the epoch
 * @param isUntold leaves a change out, see {@link briefChanges}
 */
export function foldEntry(
  told: ToldRoom | undefined,
  entry: OutboxEntry,
  at: number,
  isUntold: (change: RoomChange) => boolean = () => false,
): Folded {
  if (entry.recording) return { told, events: [recordingEvent(entry.room, entry.recording, at)] };
  const fold = new RoomFold(entry.room, told, at);
  // Another room of that name: the end of the former one was lost with it.
  if (told && told.f !== entry.firstVersion) fold.lose();
  for (const change of entry.changes)
    if (isUntold(change)) fold.leaveOut(change);
    else fold.change(change, entry.firstVersion);
  if (entry.members === 0)
    fold.end(entry.changes.some((c) => c.kind === 'left' && c.reason === 'closed') ? 'closed' : 'empty');
  return fold.result();
}

/** Of a room that may be over: without a place in the order of its events. The id hangs on the recording alone, so that a repetition has the same one. */
function recordingEvent(room: string, { status, ...data }: RecordingOver, at: number): RoomEvent {
  const type = status === 'ready' ? 'recording.ready' : 'recording.failed';
  const id = eventId('recording', room, data.recordingId, status);
  const body = { id, type, timestamp: new Date(at).toISOString(), roomId: room, data };
  return { id, type, room, body: JSON.stringify(body) };
}

/** The room is gone without an entry that says so: its store lost it, or its nodes all died and it expired. */
export function foldLost(room: string, told: ToldRoom, at: number): Folded {
  const fold = new RoomFold(room, told, at);
  fold.lose();
  return fold.result();
}

/** Entries of a partition's outbox fell out of it, behind `from` up to `to`, entry ids. */
export function droppedEvent(partition: number, from: string, to: string, count: number, at: number): RoomEvent {
  const id = eventId('dropped', partition, from, to);
  const body = { id, type: 'events.dropped', timestamp: new Date(at).toISOString(), data: { from, to, count } };
  return { id, type: 'events.dropped', room: '', body: JSON.stringify(body) };
}

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** `evt_` and 26 characters of base32 (130 bits of SHA-256). */
export function eventId(...of: readonly (string | number)[]): string {
  const digest = createHash('sha256').update(of.join('\n')).digest();
  let bits = BigInt(`0x${digest.subarray(0, 17).toString('hex')}`) >> 6n;
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = BASE32.charAt(Number(bits & 31n)) + text;
    bits >>= 5n;
  }
  return `evt_${text}`;
}

/** User ids may have two characters that a queue of SQS takes in no message: as JSON escapes they are the same text. */
const jsonOf = (body: object): string =>
  JSON.stringify(body).replace(/[\ufffe\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16)}`);

class RoomFold {
  readonly #room: string;
  readonly #at: number;
  readonly #events: RoomEvent[] = [];
  readonly #people: Map<string, readonly [userId: string, joinedAt: number]>;
  /** See {@link ToldRoom.u}. */
  readonly #untold: Set<string>;
  #first: number;
  #startedAt: number;
  #most: number;
  #version: number;
  #isThere: boolean;

  constructor(room: string, told: ToldRoom | undefined, at: number) {
    this.#room = room;
    this.#at = at;
    this.#people = new Map(Object.entries(told?.p ?? {}));
    this.#untold = new Set(told?.u);
    this.#first = told?.f ?? 0;
    this.#startedAt = told?.t ?? at;
    this.#most = told?.m ?? 0;
    this.#version = told?.v ?? 0;
    this.#isThere = told !== undefined;
  }

  change(change: RoomChange, firstVersion: number): void {
    const { peerId, version } = change;
    // A media node's agent is no person.
    if (peerId.startsWith(MEDIA_PREFIX)) return;
    const known = this.#people.get(peerId);
    switch (change.kind) {
      case 'joined': {
        if (known) return;
        this.#start(firstVersion);
        this.#version = version;
        this.#people.set(peerId, [change.userId, this.#at]);
        this.#most = Math.max(this.#most, this.#people.size);
        const restored = change.isRestored ? { restored: true } : {};
        this.#add('peer.joined', peerId, { peerId, userId: change.userId, ...restored, ...this.#count() });
        return;
      }
      case 'away':
      case 'back':
      case 'updated':
        if (!known) return;
        // Its absence was no event: the two may be folded in two rounds.
        if (change.kind !== 'updated' && this.#untold.delete(peerId) && change.kind === 'back') return;
        this.#version = version;
        this.#add(`peer.${change.kind}`, peerId, { peerId, userId: known[0], ...this.#count() });
        return;
      case 'left':
        if (!known) return;
        this.#version = version;
        this.#leave(peerId, change.reason);
        return;
      case 'settings':
        if (!this.#isThere) return;
        this.#version = version;
        this.#add('room.updated', '', { etag: `"${change.revision}"` });
        return;
      default:
        change satisfies never;
    }
  }

  /** A change that becomes no event, for the events of those that follow. */
  leaveOut({ kind, peerId }: RoomChange): void {
    if (kind === 'away' && this.#people.has(peerId)) this.#untold.add(peerId);
    if (kind === 'back') this.#untold.delete(peerId);
  }

  /** Everybody left unseen, and the room with them. */
  lose(): void {
    for (const peerId of [...this.#people.keys()]) {
      this.#version++;
      this.#leave(peerId, 'timeout');
    }
    this.end('lost');
  }

  end(reason: RoomEnd): void {
    if (!this.#isThere) return;
    this.#version++;
    this.#isThere = false;
    this.#people.clear();
    this.#untold.clear();
    this.#add('room.ended', '', {
      reason,
      startedAt: new Date(this.#startedAt).toISOString(),
      endedAt: new Date(this.#at).toISOString(),
      durationSeconds: this.#secondsSince(this.#startedAt),
      peakPeers: this.#most,
    });
  }

  result(): Folded {
    const told = {
      f: this.#first,
      t: this.#startedAt,
      m: this.#most,
      v: this.#version,
      p: Object.fromEntries(this.#people),
      ...(this.#untold.size === 0 ? {} : { u: [...this.#untold] }),
    };
    return { told: this.#isThere ? told : undefined, events: this.#events };
  }

  #start(firstVersion: number): void {
    if (this.#isThere) return;
    this.#isThere = true;
    this.#first = firstVersion;
    this.#startedAt = this.#at;
    this.#most = 0;
    this.#version = firstVersion;
    this.#add('room.started', '', {});
  }

  #leave(peerId: string, reason: LeaveReason): void {
    const [userId, joinedAt] = this.#people.get(peerId) ?? ['', this.#at];
    this.#people.delete(peerId);
    this.#untold.delete(peerId);
    const stay = { joinedAt: new Date(joinedAt).toISOString(), durationSeconds: this.#secondsSince(joinedAt) };
    this.#add('peer.left', peerId, { peerId, userId, reason, ...stay, ...this.#count() });
  }

  #count() {
    return { numPeers: this.#people.size };
  }

  #secondsSince(time: number): number {
    return Math.max(0, Math.round((this.#at - time) / 1000));
  }

  #add(type: EventType, peerId: string, data: object): void {
    const id = eventId(this.#room, this.#first, this.#version, type, peerId);
    const body = {
      ...{ id, type, timestamp: new Date(this.#at).toISOString(), roomId: this.#room },
      ...{ roomSid: String(this.#first), sequence: this.#version, data },
    };
    this.#events.push({ id, type, room: this.#room, body: jsonOf(body) });
  }
}
