import { expect, test } from 'vitest';
import { fragmentOf, inviteLink, newRoomName, roomFrom, secretOf } from './room-name.ts';

test('a new name is allowed on the wire and never the same', () => {
  const names = new Set(Array.from({ length: 200 }, () => newRoomName()));
  expect(names.size).toBe(200);
  for (const name of names) expect(name).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{6}$/);
});

test('what people type or paste is a room, or is refused: it never becomes another one', () => {
  expect(roomFrom('  Team sync  ')).toEqual({ id: 'team-sync' });
  expect(roomFrom('https://calls.example/app/?room=quiet-bay&x=1')).toEqual({ id: 'quiet-bay' });
  expect(roomFrom('غرفة')).toEqual({ id: 'غرفة' });
  expect(roomFrom(inviteLink('会議-1', undefined, 'https://calls.example/'))).toEqual({ id: '会議-1' });
  expect(roomFrom('https://calls.example/app/')).toEqual({ refused: 'character', character: ':' });
  expect(roomFrom('Team sync!')).toEqual({ refused: 'character', character: '!' });
  expect(roomFrom('x'.repeat(300))).toEqual({ refused: 'too_long' });
});

test('the invitation keeps the place and drops the rest', () => {
  expect(inviteLink('quiet-bay', undefined, 'https://calls.example/app/?relay=1#top')).toBe(
    'https://calls.example/app/?room=quiet-bay',
  );
});

test('the secret of an encrypted room is in the fragment of its link, and comes out of it again', () => {
  const link = inviteLink('quiet-bay', 'a_b-c', 'https://calls.example/app/?relay=1#k=old');
  expect(link).toBe('https://calls.example/app/?room=quiet-bay#k=a_b-c');
  expect(roomFrom(link)).toEqual({ id: 'quiet-bay' });
  expect(secretOf(link)).toBe('a_b-c');
  for (const plain of ['', 'quiet-bay', 'https://calls.example/?room=quiet-bay', 'https://calls.example/#top'])
    expect(secretOf(plain)).toBeUndefined();
  expect(fragmentOf(undefined)).toBe('');
});
