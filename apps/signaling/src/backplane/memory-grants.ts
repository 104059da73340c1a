/** What login sessions may do in rooms of the embedded backplane, as room-grants.lua and room-join.lua have it. */
import type { MemoryStore, StoredRoom } from './memory-store.ts';
import {
  applyChange,
  carried,
  type GrantsChange,
  type GrantsOutcome,
  type GrantsTarget,
  hasLogin,
  type RoomGrants,
} from './room-grants.ts';
import type { JoinRule, MemberRecord, RoomState } from './types.ts';

/** The refusal of a join that does not know the grants of its login session. */
export function otherGrants(store: MemoryStore, name: string, { loginSession, granted = '' }: JoinRule) {
  const now = store.grantsOf(name)?.get(loginSession) ?? '';
  return now === granted ? undefined : ({ ok: false, reason: 'granted', granted: now } as const);
}

export function changeGrants(
  store: MemoryStore,
  name: string,
  { peerId, loginSession, change }: GrantsTarget & { readonly change: GrantsChange },
): GrantsOutcome {
  const member = store.room(name)?.members.get(peerId);
  if (!member?.info.includes(`"loginSession":${JSON.stringify(loginSession)}`)) return 'absent';
  const now = store.grantsOf(name)?.get(loginSession) ?? '';
  if (change.before !== undefined && change.before !== now)
    return applyChange(change.before, change) === now ? 'changed' : 'stale';
  store.changeGrants(name, loginSession, change);
  store.touch(name);
  return 'changed';
}

/** What is decided of the people who are there, as room.lua tells it. Undefined: none was ever changed in that room. */
export function toldGrants(
  store: MemoryStore,
  name: string,
  members: readonly MemberRecord[],
): Pick<RoomState, 'granted'> {
  const granted = store.grantsOf(name);
  if (!granted) return {};
  const isTold = ([login]: readonly [string, RoomGrants]) =>
    encodeURIComponent(login) !== login || hasLogin(members, login);
  return { granted: new Map([...granted].filter(isTold)) };
}

const isPlain = (login: string) => JSON.stringify(login) === `"${login}"`;

/** A member goes on with another login, as carryGrants of room.lua has it. */
export function carryGrants(
  store: MemoryStore,
  { name, room }: { readonly name: string; readonly room: StoredRoom },
  { peerId, info }: Pick<MemberRecord, 'peerId' | 'info'>,
): void {
  const before = room.members.get(peerId)?.info;
  if (before === undefined) return;
  const [was, is] = [before, info].map((text) => JSON.parse(text) as { loginSession?: string; byToken?: string });
  const [from, to] = [was?.loginSession, is?.loginSession];
  if (!from || !to || from === to || !isPlain(from) || !isPlain(to)) return;
  const others = [...room.members.values()].filter((member) => member.peerId !== peerId);
  store.carryGrants(name, { from, to, stays: hasLogin(others, from) }, (granted, there) =>
    carried(granted, { was: was?.byToken, is: is?.byToken, there }),
  );
}
