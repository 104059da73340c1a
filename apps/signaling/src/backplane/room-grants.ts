/** What is decided of a person in one room beside their token: what they may do, and what a backend says of them there. */
import type { Grants } from '@tandem/protocol';

/** Those that can be changed, in the order of their letters. */
export const CHANGEABLE_GRANTS = ['publish', 'data', 'kick', 'invite'] as const;
type Changeable = (typeof CHANGEABLE_GRANTS)[number];

/** What a moderator decides of sending: to watch only, and not any more, which is as the token says. A backend decides with true and false. */
export type SpeakDecision = 'watch' | 'again';

/** What is absent stays as it is. */
export type GrantsChange = {
  /** Null: as the token says. */
  readonly [G in Changeable]?: boolean | null | undefined | (G extends 'publish' ? SpeakDecision : never);
} & {
  /** See {@link writeGiven}. */
  readonly given?: string | undefined;
  /** Changes nothing when it is another one by now. */
  readonly before?: RoomGrants | undefined;
};
/** `absent`: that member is not there. `stale`: `before` did not hold. */
export type GrantsOutcome = 'changed' | 'absent' | 'stale';

/**
 * Of a login session in a room: a letter for each of {@link CHANGEABLE_GRANTS}, one for a moderator's {@link SpeakDecision}, then what
 * {@link writeGiven} gives. `1` granted, `0` not, `-` as its token says; `w` watches only, which is `0` of publish, so that nodes that know no
 * such letter keep to it, and `s` speaks again, `-` a backend decided or nothing is. Empty: nothing.
 */
export type RoomGrants = string;

/** How long it holds, ms. */
export const GRANTS_TTL_MS = 24 * 3600 * 1000;
/** For how long a lock does not bind who is moved to a room, ms. */
export const MOVE_TTL_MS = 60_000;

const letterOf = (to: boolean | null | undefined): string => {
  if (to === undefined) return '.';
  return to === null ? '-' : to ? '1' : '0';
};
const SPEAK_LETTERS = { watch: '0', again: '-' } as const;
const DECISION_LETTERS = { watch: 'w', again: 's' } as const;

/** A letter for each, and one for who decided of `publish`; `.` stays as it is. */
export function writeChange({ publish, data, kick, invite }: GrantsChange): string {
  const rest = [data, kick, invite].map(letterOf).join('');
  if (typeof publish === 'string') return SPEAK_LETTERS[publish] + rest + DECISION_LETTERS[publish];
  return letterOf(publish) + rest + (publish === undefined ? '.' : '-');
}

/** Before what a backend says of it. */
const COUNT = CHANGEABLE_GRANTS.length + 1;

/** `change` on top of what it was, as room-grants.lua does. */
export const applyChange = (before: RoomGrants, change: GrantsChange): RoomGrants =>
  [...writeChange(change)].map((to, i) => (to === '.' ? (before[i] ?? '-') : to)).join('') +
  (change.given ?? before.slice(COUNT));

/** What a backend decided or a moderator did, of `publish` as what it comes to. */
export function decidedIn(granted: RoomGrants): { readonly [G in Changeable]?: boolean } {
  const decided: { [G in Changeable]?: boolean } = {};
  CHANGEABLE_GRANTS.forEach((grant, i) => {
    const letter = granted[i];
    if (letter === '1') decided[grant] = true;
    if (letter === '0') decided[grant] = false;
  });
  return decided;
}

/** The grants of a token with those of the room. */
export function grantedIn(token: Grants, granted: RoomGrants): Grants {
  const decided = decidedIn(granted);
  return Object.keys(decided).length === 0 ? token : { ...token, ...decided };
}

/**
 * A letter for each of {@link CHANGEABLE_GRANTS} that a token grants, `1` or `0`; absent where it is `1100`, which is what a token without any grant
 * says. With {@link carried} it tells whether another token says anything new.
 */
export function byToken({ publish = true, data = true, kick = false, invite = false }: Grants): string | undefined {
  const letters = [publish, data, kick, invite].map((is) => (is ? '1' : '0')).join('');
  return letters === BY_BARE_TOKEN ? undefined : letters;
}
const BY_BARE_TOKEN = '1100';

/**
 * What stays decided of somebody whose program goes on with a token of another login: programs renew tokens so. Where that token grants other than
 * the one before, its word is the newer one; and what is decided of that login already holds.
 */
export function carried(
  granted: RoomGrants,
  { was = BY_BARE_TOKEN, is = BY_BARE_TOKEN, there = '' }: Carry,
): RoomGrants {
  const decisions = [...granted.slice(0, COUNT)].map((letter, i) => {
    // The last letter says who decided of the first one.
    const grant = i === COUNT - 1 ? 0 : i;
    const isDecided = [grant, ...(grant === 0 ? [COUNT - 1] : [])].some((at) => (there[at] ?? '-') !== '-');
    if (isDecided) return there[i];
    return was[grant] === is[grant] ? letter : '-';
  });
  return decisions.join('') + (there.slice(COUNT) || granted.slice(COUNT));
}

export interface Carry {
  /** {@link byToken} before. */
  readonly was?: string | undefined;
  /** {@link byToken} now. */
  readonly is?: string | undefined;
  /** What is decided of the other login. */
  readonly there?: RoomGrants | undefined;
}

/** Whether a backend said that it may not send. A moderator takes that back only where they may invite. */
export const isSilenced = (granted: RoomGrants): boolean =>
  granted[0] === '0' && granted[COUNT - 1] !== DECISION_LETTERS.watch;

/** Whether it was invited to speak, by whomever: a lock does not bind it, as it leaves and joins again for that. */
export const isInvitedBy = (granted: RoomGrants): boolean =>
  granted[0] === '1' || granted[COUNT - 1] === DECISION_LETTERS.again;

/** What a backend says of somebody, by names of its own. */
export type Given = Readonly<Record<string, unknown>>;

/** Without spaces; empty for nothing. */
export const writeGiven = (given: Given): string =>
  Object.keys(given).length === 0 ? '' : Buffer.from(JSON.stringify(given)).toString('base64url');

/** What a backend says of it there, in its metadata. */
export const givenIn = (granted: RoomGrants): Given =>
  granted.length <= COUNT ? {} : JSON.parse(Buffer.from(granted.slice(COUNT), 'base64url').toString());

/** Whose grants are changed. */
export interface GrantsTarget {
  readonly peerId: string;
  readonly loginSession: string;
}

/** Whether one of these members, as they are stored, is of that login session. */
export const hasLogin = (members: readonly { readonly info: string }[], login: string): boolean =>
  members.some(({ info }) => info.includes(`"loginSession":${JSON.stringify(login)}`));
