import type { Call } from '@tandem/rtc';
import { expect, test } from 'vitest';
import { followMove, readMove } from './follow-backend.ts';

test.each([
  [
    { roomId: 'b', token: 't' },
    { roomId: 'b', token: 't' },
  ],
  [
    { roomId: 'b', more: 1 },
    { roomId: 'b', token: undefined },
  ],
  [{ roomId: 'a/b' }, undefined],
  [{ roomId: 7 }, undefined],
  [{ roomId: 'b', token: 7 }, undefined],
  [{ roomId: 'b', token: 't'.repeat(8193) }, undefined],
  [null, undefined],
  ['b', undefined],
])('S-38 %j is a move or none', (data, move) => {
  expect(readMove('move', data)).toEqual(move);
  expect(readMove('note', data)).toBeUndefined();
});

test('S-38 a message is no move until the end of the session says so', () => {
  const handlers = new Map<string, (event: object) => void>();
  const session = { on: (name: string, handler: (event: object) => void) => handlers.set(name, handler) };
  const tell = (name: string, event: object) => handlers.get(name)?.(event);
  const { move } = followMove({ session } as unknown as Call);
  tell('kicked', { reason: 'moved' });
  expect(move(), 'a moderator may write anything').toBeUndefined();
  tell('server-message', { topic: 'move', data: { roomId: 'b' } });
  tell('server-message', { topic: 'note', data: { roomId: 'c' } });
  tell('kicked', { reason: '' });
  expect(move()).toBeUndefined();
  tell('kicked', { reason: 'moved' });
  expect(move()).toEqual({ roomId: 'b', token: undefined });
});
