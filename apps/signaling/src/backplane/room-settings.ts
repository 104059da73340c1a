/** What a backend decided about a room, as the store has it. */

/** Who comes in: everybody, those whom a moderator lets in, or moderators only. */
export type RoomEntry = 'open' | 'ask' | 'locked';

/** What a moderator may keep to moderators. */
export const RESTRICTABLE = ['share', 'chat', 'look'] as const;
export type RestrictedPart = (typeof RESTRICTABLE)[number];

/** Read by every join. Times in ms since the epoch, 0 for none. */
export interface RoomRules {
  /** Most people at once; 0: as many as the node allows. */
  readonly maxPeers: number;
  readonly entry: RoomEntry;
  /** What moderators alone may do, in the order of {@link RESTRICTABLE}. Default: nothing. */
  readonly restricted?: readonly RestrictedPart[];
  /** From then on no new people enter. */
  readonly closesAt: number;
  /** Then the room is emptied. */
  readonly endsAt: number;
  /** How long the settings are kept while the room is empty, ms, at least 1. */
  readonly emptyMs: number;
  /** They are kept until then at least. */
  readonly keptUntil: number;
}

export interface NewSettings {
  readonly rules: RoomRules;
  /** JSON that joins do not read. Opaque to the backplane. */
  readonly doc: string;
}
export interface RoomSettings extends NewSettings {
  /** Grows with every write, also over rooms of the same name. */
  readonly revision: number;
}

/** `new`: the room has no settings. `any`: it has some. A number: it has those of that revision. */
export type SettingsCondition = 'new' | 'any' | number;
export type WriteSettingsResult =
  | { readonly kind: 'written'; readonly revision: number }
  /** The condition did not hold, and nothing is changed. */
  | { readonly kind: 'exists' | 'missing' | 'stale' };

export interface RoomDescription {
  /** Version of the first change: tells the room from others of its name. 0: it is empty. */
  readonly firstVersion: number;
  /** When that was, ms since the epoch; 0: it is empty. */
  readonly startedAt: number;
  /** Everybody in it, media nodes' agents too; one that was away too long counts until it is removed. */
  readonly peerIds: readonly string[];
  readonly settings?: RoomSettings;
}

export interface RoomListQuery {
  readonly prefix: string;
  /** Only rooms that come after this one. Default: from the first. */
  readonly after?: string;
  /** Most names. */
  readonly limit: number;
}

/**
 * One line, as scripts/room.lua reads it. A room where one asks is locked for nodes of a version that knows no asking; the field `ask` beside
 * the line tells the two apart.
 */
export function writeRules({ maxPeers, entry, closesAt, endsAt, emptyMs, keptUntil }: RoomRules): string {
  return `${maxPeers} ${entry === 'open' ? 0 : 1} ${closesAt} ${endsAt} ${emptyMs} ${keptUntil}`;
}

/** As it is in the field `restricted` beside the line: names with commas between them. */
export const writeRestricted = ({ restricted = [] }: Partial<RoomRules>): string => restricted.join();

/** @returns nothing for an empty field; parts of a newer version are left out */
export function readRestricted(text: string | null | undefined): Pick<RoomRules, 'restricted'> {
  const names = (text ?? '').split(',');
  const restricted = RESTRICTABLE.filter((part) => names.includes(part));
  return restricted.length > 0 ? { restricted } : {};
}

/** @param asks the field beside the line */
export function readRules(line: string, asks: boolean): RoomRules {
  const [maxPeers = 0, locked, closesAt = 0, endsAt = 0, emptyMs = 0, keptUntil = 0] = line.split(' ').map(Number);
  return { maxPeers, entry: locked !== 1 ? 'open' : asks ? 'ask' : 'locked', closesAt, endsAt, emptyMs, keptUntil };
}

/** The order of names within a partition: that of the bytes of UTF-8, as in Redis. */
export const compareNames = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
