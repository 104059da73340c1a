import { type RoomIdResult, roomIdOf } from '@tandem/protocol/names';

const ADJECTIVES =
  'amber brisk calm clear cosy early fair fresh gentle golden green keen kind light lively mellow open quiet silver soft steady sunny warm wide'.split(
    ' ',
  );
const NOUNS =
  'bay birch bridge brook cedar cove creek dune fern field garden glade grove harbor heath hill isle lake lane maple meadow orchard pine river shore spring stone trail valley willow'.split(
    ' ',
  );
/** No vowels and no look-alikes: nothing to misread aloud, no words by accident. */
const LETTERS = 'bcdfghjkmnpqrstvwxz23456789';

const pick = <T>(list: ArrayLike<T>, random: number): T => list[random % list.length] as T;

/** A room name that can be said on the phone and not be guessed: two words and six characters (about 38 bits). */
export function newRoomName(random = crypto.getRandomValues(new Uint32Array(8))): string {
  const tail = Array.from(random.slice(2), (n) => pick(LETTERS, n)).join('');
  return `${pick(ADJECTIVES, random[0] ?? 0)}-${pick(NOUNS, random[1] ?? 0)}-${tail}`;
}

/** The room that people mean by what they typed or pasted: a name, or a link to a room. */
export function roomFrom(input: string): RoomIdResult {
  const text = input.trim();
  if (/^https?:\/\//.test(text)) {
    try {
      const room = new URL(text).searchParams.get('room');
      if (room !== null) return roomIdOf(room);
    } catch {
      // Not an address after all: read it like any text.
    }
  }
  return roomIdOf(text);
}

/** The id of the room that people mean, or nothing. */
export function idOf(input: string): string | undefined {
  const room = roomFrom(input);
  return 'id' in room ? room.id : undefined;
}

/** The secret of an encrypted room, in the fragment of its link: browsers send that to no server. */
export function secretOf(link: string): string | undefined {
  return new URLSearchParams(link.split('#')[1]).get('k') ?? undefined;
}

/** `#k=…`, or nothing for a room that is not encrypted. */
export function fragmentOf(secret: string | undefined): string {
  return secret === undefined ? '' : `#k=${secret}`;
}

/** Writes the room that one is in to the address of this page. */
export function showAddress(room: string, secret: string | undefined): void {
  const query = new URLSearchParams(location.search);
  query.set('room', room);
  history.replaceState(null, '', `?${query}${fragmentOf(secret)}`);
}

/** The link that brings somebody into `room`. */
export function inviteLink(room: string, secret?: string, page = location.href): string {
  const url = new URL(page);
  url.search = '';
  url.hash = fragmentOf(secret);
  url.searchParams.set('room', room);
  return url.href;
}

/** The page on which others watch `room` without being in it. */
export function liveLink(room: string, page = location.href): string {
  const url = new URL('live/', page);
  url.searchParams.set('room', room);
  return url.href;
}
