/** The operations on rooms of the embedded backplane; each is one step, as the scripts room-*.lua are in Redis. */
import type { MemoryStore, StoredRoom } from './memory-store.ts';
import {
  type Ban,
  isLater,
  isMediaPeer,
  type JoinResult,
  type JoinRule,
  type MemberRecord,
  type RoomCheck,
  type RoomQuery,
  type RoomState,
  type WriteMark,
} from './types.ts';

export function joinRoom(store: MemoryStore, name: string, member: MemberRecord, rule: JoinRule): JoinResult {
  const { limit, loginSession, info } = rule;
  let refusal: JoinResult | undefined;
  const state = store.change(name, (room) => {
    reap(store, room);
    const present = room.members.get(member.peerId);
    if (limit > 0)
      refusal = store.isBanned(name, loginSession, rule.userId)
        ? { ok: false, reason: 'banned' }
        : takeSeat(store, room, present !== undefined, rule);
    const kept = info === 'present' && present ? { info: present.info } : {};
    if (!refusal && !(present && isLater(present, member))) put(store, room, { ...member, ...kept });
  });
  return refusal ?? { ok: true, state };
}

export function putMember(store: MemoryStore, name: string, member: MemberRecord): RoomState {
  return store.change(name, (room) => {
    const present = room.members.get(member.peerId);
    if (present && !isLater(present, member)) put(store, room, member);
  });
}

export function markAway(
  store: MemoryStore,
  name: string,
  { peerId, deadNode, awayFor }: { readonly peerId: string; readonly deadNode: string; readonly awayFor: number },
): RoomState {
  return store.change(name, (room) => {
    const present = room.members.get(peerId);
    if (present?.node === deadNode && present.awayUntil === 0) put(store, room, { ...present, awayFor });
  });
}

export function dropMember(
  store: MemoryStore,
  name: string,
  { peerId, mark, ban }: { readonly peerId: string; readonly mark: WriteMark; readonly ban: Ban | undefined },
): RoomState {
  return store.change(name, (room) => {
    if (ban) store.ban(name, ban);
    const present = room.members.get(peerId);
    if (present && !isLater(present, mark)) {
      room.members.delete(peerId);
      store.bump(room);
    }
  });
}

export function readRoom(store: MemoryStore, name: string, known: number): RoomState | undefined {
  const state = store.change(name, (room) => reap(store, room));
  return state.version === known ? undefined : state;
}

export function checkRooms(store: MemoryStore, rooms: readonly RoomQuery[]): readonly RoomCheck[] {
  return rooms.map(({ room: name, peerIds }) => {
    const room = store.room(name);
    const members = peerIds.map((peerId) => {
      const member = room?.members.get(peerId);
      return member && { epoch: member.epoch, order: member.order, away: member.awayUntil !== 0 };
    });
    return { version: room?.version ?? 0, members };
  });
}

export function closeRoom(store: MemoryStore, name: string): RoomState {
  const state = store.change(name, () => {});
  store.rooms.delete(name);
  return state;
}

const people = (peerIds: Iterable<string>) => [...peerIds].filter((peerId) => !isMediaPeer(peerId)).length;

/** @returns the refusal; undefined: there is a seat, and it is taken */
function takeSeat(
  store: MemoryStore,
  room: StoredRoom,
  isPresent: boolean,
  { limit, seat, replaces, roomSize = Infinity }: JoinRule,
): JoinResult | undefined {
  const stored = room.members.size > 0 ? (room.size ?? Infinity) : Infinity;
  if (!isPresent && people(room.members.keys()) >= Math.min(limit, stored, roomSize)) {
    const mine = [...room.members.values()].filter(
      ({ awayUntil, info }) => seat !== undefined && awayUntil !== 0 && info.startsWith(seat),
    );
    const away = mine.map(({ peerId }) => peerId).sort()[0];
    if (away === undefined) return { ok: false, reason: 'full' };
    if (away !== replaces) return { ok: false, reason: 'full', away };
    room.members.delete(away);
    store.bump(room);
  }
  room.size = Math.min(stored, roomSize);
  return undefined;
}

function put(store: MemoryStore, room: StoredRoom, member: MemberRecord): void {
  const { awayFor, peerId, node, epoch, order, info } = member;
  const awayUntil = awayFor === 0 ? 0 : store.clock.now() + awayFor;
  room.members.set(peerId, { peerId, node, epoch, order, info, awayUntil });
  store.bump(room);
}

/** Removes the members that were away too long. */
function reap(store: MemoryStore, room: StoredRoom): void {
  const now = store.clock.now();
  for (const [peerId, { awayUntil }] of room.members)
    if (awayUntil !== 0 && awayUntil <= now) {
      room.members.delete(peerId);
      store.bump(room);
    }
}
