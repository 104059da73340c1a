/**
 * Names that people choose: one function makes a room's id of a room's name, one makes a display name fit to be shown.
 * The page, the service that mints tokens and the service that lets people in all use these, so that one name is one room.
 * No import here, so that a browser bundle stays small.
 */

/** Longest room id, in bytes of UTF-8. */
export const MAX_ROOM_ID_BYTES = 128;
/** Longest display name, in UTF-16 units. */
export const MAX_DISPLAY_NAME_LENGTH = 64;

/** A room's id, or why the name cannot be one: `empty` without a letter or digit, `character` names one that is not allowed. */
export type RoomIdResult =
  | { readonly id: string }
  | { readonly refused: 'empty' | 'too_long' }
  | { readonly refused: 'character'; readonly character: string };

/** Unicode calls these invisible and ignorable: soft hyphen, joiners, direction marks, variation selectors, fillers. */
const INVISIBLE = /\p{Default_Ignorable_Code_Point}/gu;
const NOT_ALLOWED = /[^\p{L}\p{M}\p{Nd}._~-]/u;

/**
 * The id of the room that people call `name`: letters, marks and decimal digits of any script, and `.` `_` `~` `-`. What
 * looks or is typed alike gives one id: compatibility forms such as full-width digits, composition and case are folded
 * (Unicode Standard Annex 31, NFKC_Casefold: that of RFC 8265's profiles plus width), invisible characters are left out,
 * runs of white space become one `-`. Any other character is refused rather than left out: "a/b" is not "ab".
 * Idempotent: an id is its own id.
 */
export function roomIdOf(name: string): RoomIdResult {
  // Far longer than any id: nothing is normalized that cannot be one.
  if (name.length > 4 * MAX_ROOM_ID_BYTES) return { refused: 'too_long' };
  const id = fold(name.replace(INVISIBLE, '').trim().replace(/\s+/gu, '-'));
  const [character] = NOT_ALLOWED.exec(id) ?? [];
  if (character !== undefined) return { refused: 'character', character };
  if (!/[\p{L}\p{Nd}]/u.test(id)) return { refused: 'empty' };
  // A mark belongs to the letter before it.
  if (/^\p{M}/u.test(id)) return { refused: 'character', character: id.charAt(0) };
  if (new TextEncoder().encode(id).length > MAX_ROOM_ID_BYTES) return { refused: 'too_long' };
  return { id };
}

/** JavaScript has no case folding; upper case and then lower case is the same but for some letters, hence until nothing changes. */
function fold(text: string): string {
  let folded = text;
  for (let round = 0; round < 4; round++) {
    const next = folded.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC').replace(INVISIBLE, '');
    if (next === folded) break;
    folded = next;
  }
  return folded;
}

/**
 * Characters that every version of the protocol took as a room id: they stay valid as they are, in either case. Not `.` and `..`: no path of a URL names
 * them, as parsers take `%2e` for a dot too (WHATWG URL, "double-dot URL path segment").
 */
const PLAIN = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,128}$/;

/** May this be a room's id on the wire and in a grant? Plain ASCII as ever, else only what {@link roomIdOf} gives. */
export function isRoomId(id: string): boolean {
  if (PLAIN.test(id)) return true;
  const result = roomIdOf(id);
  return 'id' in result && result.id === id;
}

/** May this be one of `grants.rooms`? A room's id, or the beginning of ids and a `*`. */
export function isRoomGrant(pattern: string): boolean {
  if (!pattern.endsWith('*')) return isRoomId(pattern);
  const prefix = pattern.slice(0, -1);
  // With a letter behind it, the beginning of an id is an id.
  return prefix === '' || isRoomId(`${prefix}x`);
}

/**
 * Control characters, those that turn the direction of the text around them (UAX 9), and those that are invisible. The
 * zero-width joiners stay: emoji and the scripts of Persian and India are written with them.
 */
const UNSHOWABLE = /[\p{Cc}\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;

/**
 * A display name fit to be shown between other words: nothing in it is invisible, breaks the line or turns the text around
 * it; at most {@link MAX_DISPLAY_NAME_LENGTH} UTF-16 units, cut between characters. May be empty. Idempotent.
 */
export function displayName(name: string): string {
  const shown = name
    .slice(0, 8 * MAX_DISPLAY_NAME_LENGTH)
    .replace(/\p{Cs}/gu, '')
    .replace(UNSHOWABLE, '')
    .trim();
  const end = /[\uD800-\uDBFF]/.test(shown.charAt(MAX_DISPLAY_NAME_LENGTH - 1)) ? -1 : 0;
  const cut = shown.length > MAX_DISPLAY_NAME_LENGTH ? shown.slice(0, MAX_DISPLAY_NAME_LENGTH + end).trim() : shown;
  // Joiners alone show nothing.
  return cut.replace(/\u200c|\u200d|\p{M}/gu, '').trim() === '' ? '' : cut;
}
