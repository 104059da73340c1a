/** What a backend lets a person do in one room, beside its token: `publish`, `data` and `kick`, a letter each. */
import type { Grants } from '@tandem/protocol';

/** Those that can be changed, in the order of the letters. */
export const CHANGEABLE_GRANTS = ['publish', 'data', 'kick'] as const;
type Changeable = (typeof CHANGEABLE_GRANTS)[number];

/** Absent: stays as it is. Null: as the token says. */
export type GrantsChange = { readonly [G in Changeable]?: boolean | null | undefined };

/** Of a login session in a room: `1` granted, `0` not, `-` as its token says. Empty: all as its token says. */
export type RoomGrants = string;

/** How long it holds, ms. */
export const GRANTS_TTL_MS = 24 * 3600 * 1000;
/** For how long a lock does not bind who is moved to a room, ms. */
export const MOVE_TTL_MS = 60_000;

/** A letter for each; `.` stays as it is. */
export const writeChange = (change: GrantsChange): string =>
  CHANGEABLE_GRANTS.map((grant) => {
    const to = change[grant];
    return to === undefined ? '.' : to === null ? '-' : to ? '1' : '0';
  }).join('');

/** `change` on top of what it was, as room-grants.lua does. */
export const applyChange = (before: RoomGrants, change: string): RoomGrants =>
  [...change].map((to, i) => (to === '.' ? (before[i] ?? '-') : to)).join('');

/** The grants of a token with those of the room. */
export function grantedIn(token: Grants, granted: RoomGrants): Grants {
  const changed = CHANGEABLE_GRANTS.flatMap((grant, i) => {
    const letter = granted[i];
    return letter === '0' || letter === '1' ? [[grant, letter === '1'] as const] : [];
  });
  return changed.length === 0 ? token : { ...token, ...Object.fromEntries(changed) };
}

/** Whose grants are changed. */
export interface GrantsTarget {
  readonly peerId: string;
  readonly loginSession: string;
}
