/** How sessions, members and rooms are written in Redis, and read back. The scripts in scripts/ read the same formats. */

import { ENTRY_REQUEST_TTL_MS, type EntryRequest, MAX_ENTRY_REQUESTS } from './entry-requests.ts';
import { type RoomEntry, readRestricted } from './room-settings.ts';
import {
  type JoinResult,
  type JoinRule,
  type MemberRecord,
  ROOM_TTL_MS,
  type RoomState,
  type SessionRecord,
  type WriteMark,
} from './types.ts';

/** What a forced end leaves in place of a record. */
export const TOMBSTONE = 'over';

/** Encodes text without spaces, colons and braces, for use in a record and in a key. */
export const word = (text: string) => encodeURIComponent(text.toWellFormed());

/** The record of a session: its fields in one line, separated by spaces, then its info. */
export function writeSession(s: SessionRecord, state: 'attached' | 'detached'): string {
  const { epoch, node, secretHash, userId, loginSession, room } = s;
  return `${state} ${epoch} ${node} ${secretHash} ${word(userId)} ${word(loginSession)} ${word(room)} ${ordered(s)}`;
}

export function readSession(peerId: string, record: string): { session: SessionRecord; attached: boolean } {
  const [state, epoch, node = '', secretHash = '', userId = '', loginSession = '', room = '', ...info] =
    record.split(' ');
  const session = {
    peerId,
    node,
    epoch: Number(epoch),
    secretHash,
    userId: decodeURIComponent(userId),
    loginSession: decodeURIComponent(loginSession),
    room: decodeURIComponent(room),
    ...splitOrder(info.join(' ')),
  };
  return { session, attached: state === 'attached' };
}

/** What scripts/room-join.lua reads. One literal: spreads of arrays allocate an object for each item. */
export function joinArgs(member: MemberRecord, rule: JoinRule): (string | number)[] {
  const { peerId, epoch, awayFor, node } = member;
  const { limit, loginSession, created, info = '', userId = '', seat = '', replaces = '', roomSize = '' } = rule;
  const { moderates, entryRequest = '{}', granted = '' } = rule;
  // biome-ignore format: as the script counts them
  return [
    ROOM_TTL_MS, peerId, epoch, awayFor, node, ordered(member), limit, loginSession, info,
    userId, seat, replaces, roomSize, created ? 'created' : '',
    moderates ? 'moderator' : '', entryRequest, ENTRY_REQUEST_TTL_MS, MAX_ENTRY_REQUESTS,
    granted, word(loginSession),
  ];
}

export function readJoin(answer: string): JoinResult {
  switch (answer) {
    case 'banned':
    case 'full':
    case 'locked':
    case 'over':
    case 'unknown':
      return { ok: false, reason: answer };
    case 'waiting':
    case 'waiting new':
      return { ok: false, reason: 'waiting', isNew: answer !== 'waiting' };
    default:
      if (answer.startsWith('granted '))
        return { ok: false, reason: 'granted', granted: answer.slice('granted '.length) };
      if (answer.startsWith('full ')) return { ok: false, reason: 'full', away: answer.slice(5) };
      return { ok: true, state: readState(answer) };
  }
}

/**
 * Reads a room from a script's answer: the time, the end of the room, who comes in and who asks to, then each field and its value, a line
 * each (scripts/room.lua).
 */
export function readState(answer: string): RoomState {
  const [head = '', ...room] = answer.split('\n');
  const [times = '', ...items] = head.split('\t');
  const { granted, entryRequests } = readItems(items);
  const [time, ends, entry, restricted] = times.split(' ');
  const now = Number(time);
  const members: MemberRecord[] = [];
  let version = 0;
  for (let i = 0; i + 1 < room.length; i += 2) {
    const field = room[i] as string;
    const value = room[i + 1] as string;
    if (field === '#') version = Number.parseInt(value, 10);
    else if (field !== '') members.push(readMember(field, value, now));
  }
  if (ends === undefined) return { version, members, ...granted };
  const waiting = entryRequests.map((line) => readEntryRequest(line, now));
  return {
    ...{ version, members, endsIn: ends === '0' ? Infinity : Number(ends) - now, entry: entry as RoomEntry },
    ...readRestricted(restricted),
    ...granted,
    ...(waiting.length > 0 ? { waiting } : {}),
  };
}

interface Items {
  readonly granted: Pick<RoomState, 'granted'>;
  readonly entryRequests: readonly string[];
}
const NO_ITEMS: Items = { granted: {}, entryRequests: [] };

/** What is behind tabs: where grants were ever changed an item `g` and one for each login session, then entry requests. */
function readItems(items: readonly string[]): Items {
  if (items.length === 0) return NO_ITEMS;
  const isGrant = (item: string) => item === 'g' || item.startsWith('g ');
  const lines = items.filter((item) => item.startsWith('g ')).map((item) => /^g (\S+) (.*)$/.exec(item));
  const granted = new Map(lines.map((line) => [decodeURIComponent(line?.[2] ?? ''), line?.[1] ?? '']));
  return {
    granted: items[0] === 'g' ? { granted } : {},
    entryRequests: items.filter((item) => item !== '' && !isGrant(item)),
  };
}

/** A line of `entryRequest` of scripts/room.lua. */
export function readEntryRequest(line: string, now: number): EntryRequest {
  const [until, peerId = '', node = '', ...info] = line.split(' ');
  return { peerId, node, info: info.join(' '), endsIn: Math.max(1, Number(until) - now) };
}

export function readMember(peerId: string, value: string, now: number): MemberRecord {
  const afterEpoch = value.indexOf(' ');
  const afterAway = value.indexOf(' ', afterEpoch + 1);
  const afterNode = value.indexOf(' ', afterAway + 1);
  const awayUntil = Number(value.slice(afterEpoch + 1, afterAway));
  return {
    peerId,
    node: value.slice(afterAway + 1, afterNode),
    epoch: Number(value.slice(0, afterEpoch)),
    awayFor: awayUntil === 0 ? 0 : Math.max(1, awayUntil - now),
    ...splitOrder(value.slice(afterNode + 1)),
  };
}

/**
 * Writes the order into the head of the info (an object as JSON), where nodes of a version without orders read it as a part of the
 * info: see scripts/order.lua.
 */
export function ordered({ order, info }: { readonly order: number; readonly info: string }): string {
  if (order === 0) return info;
  return `{"order":${order}${info === '{}' ? '}' : `,${info.slice(1)}`}`;
}

function splitOrder(stored: string): { order: number; info: string } {
  const head = /^\{"order":(\d+),?/.exec(stored);
  return head ? { order: Number(head[1]), info: `{${stored.slice(head[0].length)}` } : { order: 0, info: stored };
}

/** Reads only what tells whether a member's record is what its owner wrote last. */
export function readMark(value: string | null | undefined): (WriteMark & { away: boolean }) | undefined {
  const head = value ? /^(\d+) (\d+) \S+ (?:\{"order":(\d+))?/.exec(value) : null;
  return head ? { epoch: Number(head[1]), order: Number(head[3] ?? 0), away: head[2] !== '0' } : undefined;
}
