import type { Call } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import { followCaptions, readCaption, readSpoken, withCaption } from './captions.ts';
import { CallState } from './state.ts';
import type { Caption } from './types.ts';

test('a caption has a speaker and words; what is none is not shown', () => {
  expect(readCaption('caption', { name: 'Ada\u202e', text: ' hello ' })).toEqual({
    ...{ id: 'Ada', name: 'Ada', text: 'hello' },
  });
  expect(readCaption('caption', { text: 'hello' })).toEqual({ id: '', name: '', text: 'hello' });
  for (const data of [undefined, null, 'hello', 7, [], {}, { text: 7 }, { text: '  ' }, { name: {}, text: 'hello' }])
    expect(readCaption('caption', data)).toBeUndefined();
  expect(readCaption('note', { text: 'hello' })).toBeUndefined();
  const long = readCaption('caption', { text: `${'a'.repeat(5000)} the end` });
  expect(long?.text).toHaveLength(240);
  expect(long?.text).toMatch(/^…a+ the end$/);
});

test('who speaks of themselves says no name: it is that of the peer', () => {
  const ada = { peerId: 'a', name: 'Ada' };
  expect(readSpoken(ada, { caption: ' hello ', name: 'Bob', id: 'b' })).toEqual({
    id: 'a',
    name: 'Ada',
    text: 'hello',
  });
  for (const data of [undefined, null, 'hello', [], {}, { caption: 7 }, { caption: ' ' }, { text: 'hello' }])
    expect(readSpoken(ada, data)).toBeUndefined();
});

test('one line a speaker, two speakers at most, the latest last', () => {
  const say = (...said: [string, string][]) =>
    said.reduce((shown, [id, text]) => withCaption(shown, { id, name: 'Alex', text }), [] as readonly Caption[]);
  const said = (shown: readonly Caption[]) => shown.map(({ id, text }) => `${id} ${text}`);
  expect(said(say(['a', 'one'], ['b', 'two'], ['a', 'three']))).toEqual(['b two', 'a three']);
  expect(said(say(['a', 'one'], ['b', 'two'], ['c', 'three']))).toEqual(['b two', 'c three']);
});

/** A call with a moderator, a guest and somebody who only watches; `say` is what their pages send. */
function spoken(roomEntry: object | undefined, ...more: object[]) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  let say = (_said: { peerId: string; data: unknown }) => {};
  const call = {
    peers: [
      { peerId: 'mod', name: 'Mod', audience: false, metadata: { moderator: true } },
      { peerId: 'eve', name: 'Eve', audience: false, metadata: {} },
      { peerId: 'zoe', name: 'Zoe', audience: true, metadata: {} },
      ...more,
    ],
    on: (_name: string, handler: typeof say) => {
      say = handler;
      return () => {};
    },
    session: { on: () => () => {} },
  };
  const state = new CallState();
  state.set({ roomEntry } as never);
  followCaptions(call as unknown as Call, state);
  const shown = vi.fn();
  state.subscribe(() => shown(state.get().captions.at(-1)?.text));
  return {
    say: (peerId: string, caption: string) => say({ peerId, data: { caption } }),
    names: () => state.get().captions.map(({ name }) => name),
    shown,
  };
}

test('S-49 where moderators alone write, nobody else puts words on the screen; who only watches never does', () => {
  const closed = spoken({ entry: 'open', chat: false });
  const open = spoken(undefined);
  for (const { say } of [closed, open]) for (const who of ['eve', 'zoe', 'gone', 'mod']) say(who, 'Buy now');
  expect(closed.names()).toEqual(['Mod']);
  expect(open.names()).toEqual(['Eve', 'Mod']);
});

test('two people of one name have a line each', () => {
  const { say, names } = spoken(undefined, { peerId: 'mod2', name: 'Mod', audience: false, metadata: {} });
  say('mod', 'What do you say?');
  say('mod2', 'No.');
  expect(names()).toEqual(['Mod', 'Mod']);
});

test('a flood of words of one person is cut, and takes nothing from another', () => {
  const { say, shown } = spoken(undefined);
  for (let i = 0; i < 1000; i++) say('eve', `word ${i}`);
  expect(shown.mock.calls.length).toBeLessThan(20);
  say('mod', 'order');
  expect(shown).toHaveBeenLastCalledWith('order');
});
