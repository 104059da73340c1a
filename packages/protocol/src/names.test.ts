import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { displayName, isRoomGrant, isRoomId, roomIdOf } from './names.ts';

const corpus = <T>(file: string): T =>
  JSON.parse(readFileSync(new URL(`../../../test/corpus/${file}`, import.meta.url), 'utf8')) as T;
const id = (name: string) => {
  const result = roomIdOf(name);
  return 'id' in result ? result.id : undefined;
};

test('room names of the corpus: those that differ are never one room, those that are the same are one or none', () => {
  for (const entry of corpus<{ differ?: string[]; same?: string[]; refused?: string[] }[]>('room-names.json')) {
    if (entry.differ) {
      const ids = entry.differ.map(id).filter((found) => found !== undefined);
      expect(new Set(ids).size, entry.differ.join(' ')).toBe(ids.length);
    }
    if (entry.same) expect(new Set(entry.same.map(id)).size, entry.same.join(' ')).toBe(1);
    for (const name of entry.refused ?? []) expect(id(name), JSON.stringify(name)).toBeUndefined();
  }
});

test('names of every script are names; what is typed alike is one room', () => {
  const same = [
    ['会議-1', '会議－１', ' 会議-1 ', '会議\u200b-1'],
    ['Straße', 'STRASSE', 'strasse'],
    ['غرفة', '\u200fغرفة\u200e'],
    ['می‌خواهم', 'میخواهم'],
    ['हिन्दी', 'हिन्दी'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['Team sync', 'team-sync', 'team  sync'],
    ['ｆｕｌｌ', 'full'],
  ];
  for (const names of same) {
    const ids = new Set(names.map(id));
    expect(ids.size, names.join(' ')).toBe(1);
    expect([...ids][0]).toBeTypeOf('string');
  }
  expect(id('会議-1')).toBe('会議-1');
  expect(id('quiet-bay-x7k2m9')).toBe('quiet-bay-x7k2m9');
});

test('what cannot be an id is refused and named, never left out', () => {
  expect(roomIdOf('a/b')).toEqual({ refused: 'character', character: '/' });
  expect(roomIdOf('party 🎉')).toEqual({ refused: 'character', character: '🎉' });
  expect(roomIdOf('a\u0000b')).toMatchObject({ refused: 'character' });
  expect(roomIdOf('\u0301a')).toMatchObject({ refused: 'character' });
  for (const name of ['', ' ', '..', '-', '\u200b', '\u3164']) expect(roomIdOf(name)).toEqual({ refused: 'empty' });
  expect(roomIdOf('x'.repeat(129))).toEqual({ refused: 'too_long' });
  expect(roomIdOf('会'.repeat(43)), 'the bound is in bytes').toEqual({ refused: 'too_long' });
  expect(id('会'.repeat(42))).toHaveLength(42);
  // U+FDFA is 18 characters after compatibility folding.
  expect(roomIdOf('\ufdfa'.repeat(500))).toMatchObject({ refused: expect.any(String) as string });
});

test('an id is its own id: every character alone, and random text', () => {
  const hold = (name: string) => {
    const first = id(name);
    if (first === undefined) return;
    // In a link as well. Plain comparisons: a million of them.
    const linked = decodeURIComponent(encodeURIComponent(first));
    if (id(first) !== first || !isRoomId(first) || Buffer.byteLength(first) > 128 || linked !== first)
      throw new Error(
        `${JSON.stringify(name)} gives ${JSON.stringify(first)}, that gives ${JSON.stringify(id(first))}`,
      );
  };
  // Alphabets, symbols and compatibility forms all; of the ideographs and the rest, which have no case, some.
  const dense = (code: number) => code < 0x3400 || (code >= 0xf900 && code < 0x11000) || code % 61 === 0;
  for (let code = 0; code <= 0x1ffff; code++)
    if (dense(code) && (code < 0xd800 || code > 0xdfff)) hold(`x${String.fromCodePoint(code)}`);
  fc.assert(fc.property(fc.string({ unit: 'binary' }), hold), { numRuns: 1000 });
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), hold), { numRuns: 1000 });
});

test('on the wire: plain ids as ever, others only as the function gives them', () => {
  for (const ok of ['Team', 'a.b_c~d-e', '...', '.a', 'x'.repeat(128), '会議-1']) expect(isRoomId(ok), ok).toBe(true);
  for (const bad of [
    '',
    '.',
    '..',
    'a b',
    'x'.repeat(129),
    'Cafe\u0301',
    'CAFÉ',
    '会議－１',
    'a/b',
    'é\u200b',
    '\ud800',
  ])
    expect(isRoomId(bad), JSON.stringify(bad)).toBe(false);
});

test('a grant names a room by its id, or the beginning of ids', () => {
  for (const ok of ['*', 'team-*', 'Team', '会議-*', '会議-1']) expect(isRoomGrant(ok), ok).toBe(true);
  for (const bad of ['', 'a b', 'a b*', 'a/*', 'Cafe\u0301*', '**', '会議－*'])
    expect(isRoomGrant(bad), bad).toBe(false);
});

test('display names of the corpus: nothing is left that turns, hides or breaks the text around it', () => {
  for (const name of corpus<string[]>('display-names.json')) {
    const shown = displayName(name);
    expect(shown, JSON.stringify(name)).not.toMatch(/[\p{Cc}\p{Bidi_C}\u00ad\u200b\ufeff\u2028\u2029]/u);
    expect(shown.isWellFormed()).toBe(true);
  }
  expect(displayName('\u202eevil')).toBe('evil');
  expect(displayName('\u2066\u00ad')).toBe('');
  expect(displayName('\u200d')).toBe('');
  expect(displayName('Ada\u0000Bob')).toBe('AdaBob');
  expect(displayName('👩‍👩‍👧‍👦 Family'), 'joiners of emoji stay').toBe('👩‍👩‍👧‍👦 Family');
  expect(displayName('غرفة')).toBe('غرفة');
});

test('a display name of any text: bounded, well formed, its own display name', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.string({ unit: 'grapheme' })), (name) => {
      const shown = displayName(name);
      expect(shown.length).toBeLessThanOrEqual(64);
      expect(shown.isWellFormed()).toBe(true);
      expect(displayName(shown)).toBe(shown);
    }),
    { numRuns: 1000 },
  );
});
