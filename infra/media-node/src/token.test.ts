import { expect, test } from 'vitest';
import { mediaUser } from './token.ts';

test('two rooms with long names that begin alike have two users, within 128 characters', () => {
  const rooms = ['a', 'b'].map((end) => `${'r'.repeat(127)}${end}`);
  const users = rooms.map((room) => mediaUser('i-0123456789abcdef0', room));
  expect(new Set(users).size).toBe(2);
  for (const user of [...users, mediaUser('n'.repeat(200), 'r')]) expect(user).toMatch(/^media-[\w.-]{1,122}$/);
});
