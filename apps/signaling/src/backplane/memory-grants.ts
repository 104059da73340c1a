/** What login sessions may do in rooms of the embedded backplane, as room-grants.lua and room-join.lua have it. */
import type { MemoryStore } from './memory-store.ts';
import type { GrantsChange, GrantsOutcome, GrantsTarget } from './room-grants.ts';
import type { JoinRule } from './types.ts';

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
  if (change.before !== undefined && change.before !== (store.grantsOf(name)?.get(loginSession) ?? '')) return 'stale';
  store.changeGrants(name, loginSession, change);
  store.touch(name);
  return 'changed';
}
