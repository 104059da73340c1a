/** The operations on rooms of the embedded backplane; each is one step, as the scripts room-*.lua are in Redis. */

import { ENTRY_REQUEST_TTL_MS, type EntryAnswer, type EntryRequest, MAX_ENTRY_REQUESTS } from './entry-requests.ts';
import { carryGrants, otherGrants, toldGrants } from './memory-grants.ts';
import type { MemoryStore, StoredEntryRequest, StoredRoom } from './memory-store.ts';
import { isInvitedBy } from './room-grants.ts';
import { LOOK_LIMIT, type RoomLook } from './room-look.ts';
import {
  compareNames,
  type NewSettings,
  type RoomDescription,
  type RoomListQuery,
  type SettingsCondition,
  type WriteSettingsResult,
} from './room-settings.ts';
import {
  type Ban,
  isLater,
  isMediaPeer,
  type JoinResult,
  type JoinRule,
  type MemberRecord,
  partitionOf,
  type RoomCheck,
  type RoomQuery,
  type RoomState,
  type WriteMark,
} from './types.ts';

export function joinRoom(store: MemoryStore, name: string, member: MemberRecord, rule: JoinRule): JoinResult {
  const { limit, info } = rule;
  let refusal: JoinResult | undefined;
  const state = store.change(name, (room) => {
    reap(store, room);
    const present = room.members.get(member.peerId);
    if (limit > 0)
      refusal =
        refuse(store, name, present !== undefined, rule) ??
        otherGrants(store, name, rule) ??
        takeSeat(store, name, room, { member, isPresent: present !== undefined, rule });
    const kept = info === 'present' && present ? { info: present.info } : {};
    if (!refusal && !(present && isLater(present, member))) put(store, { name, room }, { ...member, ...kept });
  });
  return refusal ?? { ok: true, state: withEnd(store, name, state) };
}

/** @returns the refusal that does not depend on free places */
function refuse(store: MemoryStore, name: string, isPresent: boolean, rule: JoinRule): JoinResult | undefined {
  if (store.isBanned(name, rule.loginSession, rule.userId)) return { ok: false, reason: 'banned' };
  const rules = store.settingsOf(name)?.rules;
  if (!rules) return rule.created ? { ok: false, reason: 'unknown' } : undefined;
  const isOver = rules.closesAt > 0 && rules.closesAt <= store.clock.date();
  return isOver && !isPresent ? { ok: false, reason: 'over' } : undefined;
}

function withEnd(store: MemoryStore, name: string, read: RoomState): RoomState {
  const state = { ...read, ...toldGrants(store, name, read.members) };
  const rules = store.settingsOf(name)?.rules;
  if (!rules) return state;
  const waiting =
    rules.entry === 'ask' ? store.entryRequestsOf(name).map(([, entryRequest]) => told(store, entryRequest)) : [];
  return {
    ...{ ...state, endsIn: rules.endsAt === 0 ? Infinity : rules.endsAt - store.clock.date(), entry: rules.entry },
    ...(rules.restricted === undefined ? {} : { restricted: rules.restricted }),
    ...(waiting.length > 0 ? { waiting } : {}),
  };
}

const told = (store: MemoryStore, { peerId, node, info, until }: StoredEntryRequest): EntryRequest => ({
  ...{ peerId, node, info },
  endsIn: Math.max(1, until - store.clock.now()),
});

export function putMember(store: MemoryStore, name: string, member: MemberRecord): RoomState {
  return store.change(name, (room) => {
    const present = room.members.get(member.peerId);
    if (present && !isLater(present, member)) put(store, { name, room }, member);
  });
}

export function markAway(
  store: MemoryStore,
  name: string,
  { peerId, deadNode, awayFor }: { readonly peerId: string; readonly deadNode: string; readonly awayFor: number },
): RoomState {
  return store.change(name, (room) => {
    const present = room.members.get(peerId);
    if (present?.node === deadNode && present.awayUntil === 0) put(store, { name, room }, { ...present, awayFor });
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
  return state.version === known ? undefined : withEnd(store, name, state);
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
  if (store.room(name)) store.emptied(name);
  return state;
}

export function forgetRoom(store: MemoryStore, name: string): RoomState {
  store.settings.delete(name);
  store.granted.delete(name);
  return closeRoom(store, name);
}

export function endRoom(store: MemoryStore, name: string): RoomState | undefined {
  const endsAt = store.settingsOf(name)?.rules.endsAt ?? 0;
  return endsAt > 0 && endsAt <= store.clock.date() ? closeRoom(store, name) : undefined;
}

export function writeSettings(
  store: MemoryStore,
  name: string,
  settings: NewSettings,
  condition: SettingsCondition,
): WriteSettingsResult {
  const revision = store.settingsOf(name)?.revision;
  if (condition === 'new' && revision !== undefined) return { kind: 'exists' };
  if (condition !== 'new' && revision === undefined) return { kind: 'missing' };
  if (typeof condition === 'number' && condition !== revision) return { kind: 'stale' };
  const written = store.writeSettings(name, settings);
  store.touch(name);
  return { kind: 'written', revision: written };
}

export function answerEntryRequest(
  store: MemoryStore,
  name: string,
  { peerId, kind, ms }: EntryAnswer & { readonly peerId: string },
): EntryRequest | undefined {
  const found = store.entryRequestsOf(name).find(([, entryRequest]) => entryRequest.peerId === peerId);
  if (!found) return undefined;
  const [loginSession, entryRequest] = found;
  store.settingsOf(name)?.entryRequests.delete(loginSession);
  if (kind === 'admit') store.admit(name, loginSession, ms);
  else if (kind === 'refuse') store.ban(name, { loginSession, ms });
  store.touch(name);
  return told(store, entryRequest);
}

/** Where one asks to come in. */
function askToEnter(store: MemoryStore, name: string, { peerId, node }: MemberRecord, rule: JoinRule): JoinResult {
  const now = store.clock.now();
  const waiting = store.entryRequestsOf(name);
  const known = waiting.find(([login]) => login === rule.loginSession)?.[1];
  if (!known && waiting.length >= MAX_ENTRY_REQUESTS) return { ok: false, reason: 'locked' };
  const asked = {
    peerId,
    node,
    info: rule.entryRequest ?? '{}',
    since: known?.since ?? now,
    until: now + ENTRY_REQUEST_TTL_MS,
  };
  store.settingsOf(name)?.entryRequests.set(rule.loginSession, asked);
  const isNew = known?.peerId !== peerId;
  if (isNew) store.touch(name);
  return { ok: false, reason: 'waiting', isNew };
}

export function describeRooms(store: MemoryStore, names: readonly string[]): readonly (RoomDescription | undefined)[] {
  return names.map((name) => {
    const room = store.room(name);
    const settings = store.settingsOf(name);
    if (!room && !settings) return undefined;
    const { rules, doc, revision } = settings ?? {};
    return {
      firstVersion: room?.firstVersion ?? 0,
      startedAt: room?.startedAt ?? 0,
      peerIds: [...(room?.members.keys() ?? [])],
      ...(rules && doc !== undefined && revision !== undefined ? { settings: { rules, doc, revision } } : {}),
    };
  });
}

export function lookIntoRoom(
  store: MemoryStore,
  name: string,
  { loginSession, userId }: Pick<JoinRule, 'loginSession' | 'userId'>,
): RoomLook {
  const stored = [...(store.room(name)?.members.values() ?? [])];
  const isAll = stored.length <= LOOK_LIMIT;
  const now = store.clock.now();
  const members = stored.filter(
    ({ peerId, awayUntil }) => !isAll || (!isMediaPeer(peerId) && (awayUntil === 0 || awayUntil > now)),
  );
  const rules = store.settingsOf(name)?.rules;
  return {
    count: members.length,
    infos: isAll ? members.sort((a, b) => (a.peerId < b.peerId ? -1 : 1)).map(({ info }) => info) : [],
    isBanned: store.isBanned(name, loginSession, userId),
    granted: store.grantsOf(name)?.get(loginSession) ?? '',
    ...(rules ? { rules } : {}),
  };
}

export function listRooms(store: MemoryStore, { prefix, after, limit }: RoomListQuery): readonly string[] {
  const listed = new Set([...store.rooms.keys(), ...store.settings.keys()].filter((name) => name.startsWith(prefix)));
  const isListed = (name: string) => store.room(name) !== undefined || store.settingsOf(name) !== undefined;
  const compare = (a: string, b: string) => partitionOf(a) - partitionOf(b) || compareNames(a, b);
  const following = [...listed].filter((name) => after === undefined || compare(name, after) > 0);
  return following.filter(isListed).sort(compare).slice(0, limit);
}

/** Is it a member that only receives, by its info? `metadata`, which a client writes, comes last there, and in JSON no string holds a bare quote. */
function isAudience(info: string): boolean {
  const mark = info.indexOf(',"audience":true');
  const metadata = info.indexOf(',"metadata":');
  return mark !== -1 && (metadata === -1 || mark < metadata);
}

/** Are the places taken, `most` of those of one kind or `all`? A media node's agent takes none. */
function isFull(
  { members }: StoredRoom,
  watches: boolean,
  { most, all }: { readonly most: number; readonly all: number },
): boolean {
  const people = [...members.values()].filter(({ peerId }) => !isMediaPeer(peerId));
  return people.length >= all || people.filter(({ info }) => isAudience(info) === watches).length >= most;
}

/** @returns the refusal; undefined: there is a seat, and it is taken */
function takeSeat(
  store: MemoryStore,
  name: string,
  room: StoredRoom,
  { member, isPresent, rule }: { readonly member: MemberRecord; readonly isPresent: boolean; readonly rule: JoinRule },
): JoinResult | undefined {
  const { limit, seat, replaces, roomSize = Infinity } = rule;
  const stored = room.members.size > 0 ? (room.size ?? Infinity) : Infinity;
  const { maxPeers = 0, entry = 'open' } = store.settingsOf(name)?.rules ?? {};
  const isAdmitted = entry === 'ask' && store.isAdmitted(name, rule.loginSession);
  const isMoved = store.isBanned(name, `!moved ${rule.loginSession}`, undefined);
  // Invited to speak: it leaves and joins again for that.
  const isInvited = isInvitedBy(store.grantsOf(name)?.get(rule.loginSession) ?? '');
  const locked = entry !== 'open' && !rule.moderates && !isAdmitted && !isMoved && !isInvited;
  const watches = isAudience(member.info);
  const most = watches ? limit : Math.min(limit, stored, roomSize);
  const all = maxPeers || Infinity;
  if (!isPresent && (locked || isFull(room, watches, { most, all }))) {
    const mine = [...room.members.values()].filter(
      ({ awayUntil, info }) =>
        seat !== undefined && awayUntil !== 0 && info.startsWith(seat) && isAudience(info) === watches,
    );
    const away = mine.map(({ peerId }) => peerId).sort()[0];
    if (away === undefined && locked && entry === 'ask') return askToEnter(store, name, member, rule);
    if (away === undefined) return { ok: false, reason: locked ? 'locked' : 'full' };
    if (away !== replaces) return { ok: false, reason: 'full', away };
    room.members.delete(away);
    store.bump(room);
  }
  room.size = Math.min(stored, roomSize);
  return undefined;
}

type NamedRoom = { readonly name: string; readonly room: StoredRoom };
function put(store: MemoryStore, { name, room }: NamedRoom, member: MemberRecord): void {
  const { awayFor, peerId, node, epoch, order, info } = member;
  const awayUntil = awayFor === 0 ? 0 : store.clock.now() + awayFor;
  carryGrants(store, { name, room }, member);
  room.members.set(peerId, { peerId, node, epoch, order, info, awayUntil });
  store.bump(room);
}

/** Removes the members that were away too long. */
function reap(store: MemoryStore, room: StoredRoom): void {
  const now = store.clock.now();
  for (const [peerId, { awayUntil }] of room.members)
    if (awayUntil !== 0 && awayUntil <= now && room.members.delete(peerId)) store.bump(room);
}
