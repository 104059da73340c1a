import type { ChatLine } from './types.ts';

/** Lines of one person within this time, ms, share a name and a time. */
const FOLLOWS_MS = 120_000;

/** Whether this line stands under the name, the time and the addressee of the one before. */
export const followsOn = (previous: ChatLine | undefined, line: ChatLine): boolean =>
  previous?.peerId === line.peerId &&
  previous.by === line.by &&
  previous.only?.id === line.only?.id &&
  line.shownAt - previous.shownAt < FOLLOWS_MS;
