/** What this person may do in the room, as the server says (S-49). Only for what to show: the server and the others check it too. */
import type { CallModelState } from './types.ts';

type Known = Pick<CallModelState, 'moderator' | 'roomEntry'>;

export const mayShare = ({ moderator, roomEntry }: Known): boolean => moderator || roomEntry?.share !== false;
export const mayChat = ({ moderator, roomEntry }: Known): boolean => moderator || roomEntry?.chat !== false;

/** Where moderators alone write: of whom a line is shown. `said` is what the server let that person say of itself. */
export const isHeard = (known: Pick<Known, 'roomEntry'>, said: { readonly moderator?: unknown } | undefined): boolean =>
  known.roomEntry?.chat !== false || said?.moderator === true;
