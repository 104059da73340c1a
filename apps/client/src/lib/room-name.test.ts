import { expect, test } from 'vitest';
import { inviteLink, newRoomName, roomFrom } from './room-name.ts';

test('a new name is allowed on the wire and never the same', () => {
  const names = new Set(Array.from({ length: 200 }, () => newRoomName()));
  expect(names.size).toBe(200);
  for (const name of names) expect(name).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{6}$/);
});

test('what people type or paste is a room, or is refused: it never becomes another one', () => {
  expect(roomFrom('  Team sync  ')).toEqual({ id: 'team-sync' });
  expect(roomFrom('https://calls.example/app/?room=quiet-bay&x=1')).toEqual({ id: 'quiet-bay' });
  expect(roomFrom('غرفة')).toEqual({ id: 'غرفة' });
  expect(roomFrom(inviteLink('会議-1', 'https://calls.example/'))).toEqual({ id: '会議-1' });
  expect(roomFrom('https://calls.example/app/')).toEqual({ refused: 'character', character: ':' });
  expect(roomFrom('Team sync!')).toEqual({ refused: 'character', character: '!' });
  expect(roomFrom('x'.repeat(300))).toEqual({ refused: 'too_long' });
});

test('the invitation keeps the place and drops the rest', () => {
  expect(inviteLink('quiet-bay', 'https://calls.example/app/?relay=1#top')).toBe(
    'https://calls.example/app/?room=quiet-bay',
  );
});
