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

/** What the wire allows (RoomId): letters, digits, . _ ~ - ; spaces become dashes; a pasted link gives its room. */
export function cleanRoomName(input: string): string {
  const text = input.trim();
  if (/^https?:\/\//.test(text)) {
    try {
      const room = new URL(text).searchParams.get('room');
      if (room) return cleanRoomName(room);
    } catch {
      // Not an address after all: clean it like any text.
    }
  }
  return text
    .normalize('NFKD')
    .replace(/\s+/g, '-')
    .replace(/[^A-Za-z0-9._~-]/g, '')
    .slice(0, 128);
}

/** The link that brings somebody into `room`. */
export function inviteLink(room: string, page = location.href): string {
  const url = new URL(page);
  url.search = '';
  url.hash = '';
  url.searchParams.set('room', room);
  return url.href;
}
