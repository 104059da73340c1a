import { expect, test } from 'vitest';
import { isHeard, mayChat, mayShare } from './permitted.ts';

const roomEntry = { entry: 'open', share: false, chat: false, look: true, waiting: [] } as const;
const known = (moderator: boolean, entry?: typeof roomEntry) => ({
  moderator,
  watching: false,
  writing: true,
  roomEntry: entry && { ...entry, waiting: [] },
});

test('people may share and write until the room says otherwise, moderators always', () => {
  for (const may of [mayShare, mayChat])
    expect([may(known(false)), may(known(false, roomEntry)), may(known(true, roomEntry))]).toEqual([true, false, true]);
});

test('whose grants were taken shares and writes no more, moderators neither', () => {
  const all = known(true);
  expect([mayShare({ ...all, watching: true }), mayChat({ ...all, watching: true })]).toEqual([false, true]);
  expect([mayShare({ ...all, writing: false }), mayChat({ ...all, writing: false })]).toEqual([true, false]);
});

test('where moderators alone write, lines of anybody else are not shown', () => {
  expect(isHeard(known(false), {})).toBe(true);
  expect(isHeard(known(false, roomEntry), { moderator: true })).toBe(true);
  expect(isHeard(known(false, roomEntry), {})).toBe(false);
  expect(isHeard(known(false, roomEntry), { moderator: 'yes' })).toBe(false);
  expect(isHeard(known(false, roomEntry), undefined)).toBe(false);
});
