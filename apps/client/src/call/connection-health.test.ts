import type { Grade, PairQuality, Trouble, TroubleCode } from '@tandem/rtc';
import { expect, test } from 'vitest';
import { connectionHealth } from './connection-health.ts';

const trouble = (code: TroubleCode, value = 1): Trouble => ({ code, value, words: '' });
const leg = (id: string, grade: Grade | undefined, ...codes: Trouble[]) => ({
  id,
  quality: grade && ({ grade, trouble: codes } as unknown as PairQuality),
});

test('nothing measured yet: no grade, no fault', () => {
  expect(connectionHealth([])).toEqual({ grade: undefined, fault: 'none', trouble: [], weak: [] });
  expect(connectionHealth([leg('a', undefined)]).grade).toBeUndefined();
});

test('one bad leg among good ones is the other person’s, not mine', () => {
  const health = connectionHealth([leg('a', 'poor', trouble('loss-in')), leg('b', 'good'), leg('c', 'good')]);
  expect(health).toEqual({ grade: 'good', fault: 'theirs', trouble: [], weak: ['a'] });
});

test('most legs bad at once: mine, with the worst figure of each cause', () => {
  const lossy = trouble('loss-in', 0.2);
  const health = connectionHealth([
    leg('a', 'poor', lossy),
    leg('b', 'poor', trouble('loss-in', 0.1), trouble('delay', 400)),
    leg('c', 'good'),
  ]);
  expect(health).toMatchObject({ grade: 'poor', fault: 'mine', weak: [] });
  expect(health.trouble).toEqual([lossy, trouble('delay', 400)]);
});

test('one leg of two is no majority', () => {
  expect(connectionHealth([leg('a', 'poor'), leg('b', 'good')])).toMatchObject({ grade: 'good', weak: ['a'] });
});

test('with one other person the two ends cannot be told apart, unless this device says so itself', () => {
  expect(connectionHealth([leg('a', 'poor', trouble('loss-in'))])).toMatchObject({ grade: 'poor', fault: 'between' });
  expect(connectionHealth([leg('a', 'fair', trouble('uplink'))])).toMatchObject({ grade: 'fair', fault: 'mine' });
  expect(connectionHealth([leg('a', 'good')])).toMatchObject({ grade: 'good', fault: 'none' });
});

test('a busy device is mine even while every picture arrives', () => {
  const health = connectionHealth([leg('a', 'good', trouble('cpu')), leg('b', 'good'), leg('c', 'poor')]);
  expect(health).toMatchObject({ grade: 'fair', fault: 'mine', weak: ['c'] });
});
