import { idOf, newRoomName, roomFrom, secretOf } from '../../lib/room-name.ts';

/** The room to join. `new`: an unused name. `link`: the address of the page had it. `typed`: somebody types or pastes it here. */
export interface RoomWish {
  readonly from: 'new' | 'link' | 'typed';
  /** A room's id, or what was typed or sent in its place. */
  readonly name: string;
  /** The call is encrypted with it. */
  readonly secret?: string | undefined;
}

/** A pasted link has its secret in it; what stands for the same room afterwards keeps it. */
export const secretFor = (name: string, link: string, { name: before, secret }: RoomWish): string | undefined =>
  secretOf(link) ?? (idOf(name) === idOf(before) ? secret : undefined);

/**
 * What the address of the page asks for.
 * @param before the wish until now. A fragment that is no key takes neither its secret nor its room: the same room without
 * encryption is another call, where others can read along
 */
export function wishOf(address: string, before?: RoomWish): RoomWish {
  const name = new URL(address).searchParams.get('room')?.trim();
  if (!name) return before ?? { from: 'new', name: newRoomName() };
  const result = roomFrom(name);
  const secret = before ? secretFor(name, address, before) : secretOf(address);
  // A link to what cannot be a room shows what it says, and why: it never leads to another room.
  return 'id' in result ? { from: 'link', name: result.id, secret } : { from: 'typed', name, secret };
}
