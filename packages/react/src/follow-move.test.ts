import type { Call } from '@tandem/rtc';
import { expect, test } from 'vitest';
import { followMove, readMove } from './follow-move.ts';

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

/** What a call hears from its session. */
function heard() {
  const handlers = new Map<string, (event: object) => void>();
  const on = (name: string, handler: (event: object) => void) => {
    handlers.set(name, handler);
    return () => {};
  };
  const tell = (name: string, event: object) => handlers.get(name)?.(event);
  return { call: { session: { on } } as unknown as Call, tell };
}

test('S-38 a message is no move until the end of the session says so', () => {
  const { call, tell } = heard();
  const { move } = followMove(call);
  tell('kicked', { reason: 'moved' });
  expect(move(), 'a moderator may write anything').toBeUndefined();
  tell('server-message', { topic: 'move', data: { roomId: 'b' } });
  tell('server-message', { topic: 'note', data: { roomId: 'c' } });
  tell('kicked', { reason: '' });
  expect(move()).toBeUndefined();
  tell('kicked', { reason: 'moved' });
  expect(move()).toEqual({ roomId: 'b', token: undefined });
});

test.each([
  [10_000, 'b'],
  [10_001, undefined],
])('S-38 an end %i ms after the message leads to %s', (later, room) => {
  const { call, tell } = heard();
  let now = 1000;
  const { move } = followMove(call, () => now);
  tell('server-message', { topic: 'move', data: { roomId: 'b' } });
  now += later;
  tell('kicked', { reason: 'moved' });
  expect(move()?.roomId).toBe(room);
});
