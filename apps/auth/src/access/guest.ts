/** Guests: a self-chosen id, which proves nothing. */
import type { AccessMethod } from '../store/store.ts';

/** Guests' ids begin so wherever there are also users with a proof of who they are. */
export const GUEST = 'guest:';

type Access = ReadonlySet<AccessMethod>;

export const guestId = (access: Access, asked: string) => (access.size > 1 ? `${GUEST}${asked}` : asked);

export const isGuest = (access: Access, userId: string) =>
  access.has('open') && (access.size === 1 || userId.startsWith(GUEST));
