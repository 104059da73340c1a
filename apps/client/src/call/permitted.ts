/** What this person may do in the room, as the server says (S-49). Only for what to show: the server and the others check it too. */
import type { CallModelState } from './types.ts';

type Known = Pick<CallModelState, 'moderator' | 'roomEntry' | 'watching' | 'writing'>;

export const mayShare = ({ moderator, roomEntry, watching }: Known): boolean =>
  !watching && (moderator || roomEntry?.share !== false);
export const mayChat = ({ moderator, roomEntry, writing }: Known): boolean =>
  writing && (moderator || roomEntry?.chat !== false);

/** Who alone was to get what I write is not there. It is for no other, and who comes back has another id. */
export const isAddresseeGone = ({ draft: { to }, peers }: Pick<CallModelState, 'draft' | 'peers'>): boolean =>
  to !== undefined && !peers.some(({ id }) => id === to.id);

/** Where moderators alone write: of whom a line is shown. `said` is what the server let that person say of itself. */
export const isHeard = (known: Pick<Known, 'roomEntry'>, said: { readonly moderator?: unknown } | undefined): boolean =>
  known.roomEntry?.chat !== false || said?.moderator === true;
