import { expect, test } from 'vitest';
import { HandKeeper, justRaised, raisedHands } from './hands.ts';

const peer = (id: string, hand: boolean, handAt = 0) => ({ id, name: id.toUpperCase(), hand, handAt, audience: false });

test('hands are a queue, oldest first, mine among them', () => {
  const peers = [peer('a', true, 300), peer('b', false), peer('c', true, 100)];
  expect(raisedHands(peers, { name: 'Me', handAt: 200 }).map(({ id }) => id)).toEqual(['c', 'me', 'a']);
  expect(raisedHands(peers, undefined).map(({ id }) => id)).toEqual(['c', 'a']);
});

test('news is who raised it just now, not who came with it', () => {
  expect(justRaised([peer('a', false)], [peer('a', true), peer('b', true)])).toEqual(['A']);
  expect(justRaised([peer('a', true)], [peer('a', true)])).toEqual([]);
});

test('a hand goes down after its owner has spoken for a while, once', () => {
  const keeper = new HandKeeper();
  const tick = (speaking: boolean, hand = true) => keeper.mayLower({ hand, speaking }, 500);
  expect([tick(true), tick(false), tick(true), tick(true), tick(true)]).toEqual([false, false, false, false, false]);
  expect(tick(true)).toBe(true);
  expect(tick(true)).toBe(false);
  tick(true, false);
  expect([tick(true), tick(true), tick(true), tick(true)], 'a new hand begins anew').not.toContain(true);
});
