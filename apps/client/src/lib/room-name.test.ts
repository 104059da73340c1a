import { expect, test } from 'vitest';
import { cleanRoomName, inviteLink, newRoomName } from './room-name.ts';

test('a new name is allowed on the wire and never the same', () => {
  const names = new Set(Array.from({ length: 200 }, () => newRoomName()));
  expect(names.size).toBe(200);
  for (const name of names) expect(name).toMatch(/^[a-z]+-[a-z]+-[a-z0-9]{6}$/);
});

test('what people type becomes a room name', () => {
  expect(cleanRoomName('  Team sync!  ')).toBe('Team-sync');
  expect(cleanRoomName('Café Zürich')).toBe('Cafe-Zurich');
  expect(cleanRoomName('https://calls.example/app/?room=quiet-bay&x=1')).toBe('quiet-bay');
  expect(cleanRoomName('غرفة')).toBe('');
  expect(cleanRoomName('x'.repeat(300))).toHaveLength(128);
});

test('the invitation keeps the place and drops the rest', () => {
  expect(inviteLink('quiet-bay', 'https://calls.example/app/?relay=1#top')).toBe(
    'https://calls.example/app/?room=quiet-bay',
  );
});
