import type { RoomGrants } from './room-grants.ts';
import type { RoomRules } from './room-settings.ts';

/** A room as one who is not in it may see it. */
export interface RoomLook {
  /** Of people; above {@link LOOK_LIMIT} a media node's agent counts as one. */
  readonly count: number;
  /** `info` of each of them in the order of peer ids; empty above {@link LOOK_LIMIT}. */
  readonly infos: readonly string[];
  /** Who asks is kept out of it. */
  readonly isBanned: boolean;
  /** What the login session of who asks may do there beside its token. */
  readonly granted: RoomGrants;
  /** Absent: the room has no settings. */
  readonly rules?: RoomRules;
}
/** Of a room with more members no record is read. */
export const LOOK_LIMIT = 50;
