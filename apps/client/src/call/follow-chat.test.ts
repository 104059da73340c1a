import type { Call } from '@tandem/rtc';
import { expect, test } from 'vitest';
import { followChat } from './follow-chat.ts';
import type { CallState } from './state.ts';

/** The page's chat while `mod` (a moderator) and `eve` are there; `tell` plays an event of the SDK. */
function chatWhere(roomEntry: object | undefined, people = 2) {
  const handlers = new Map<string, (event: object) => void>();
  const call = {
    peers: [
      { peerId: 'mod', name: 'Mod', metadata: { moderator: true } },
      { peerId: 'eve', name: 'Eve', metadata: {} },
    ],
    on: (name: string, handler: (event: object) => void) => {
      handlers.set(name, handler);
      return () => {};
    },
  };
  const peers = Array(people).fill({});
  const now: { chat: { text: string; host?: boolean }[] } & object = {
    chat: [],
    peers,
    roomEntry,
    panel: 'chat',
    unread: 0,
  } as never;
  const state = { get: () => now, set: (change: object) => Object.assign(now, change) };
  followChat(call as unknown as Call, state as unknown as CallState);
  return {
    tell: (name: string, event: object) => handlers.get(name)?.(event),
    texts: () => now.chat.map(({ text }) => text),
    hosts: () => now.chat.filter(({ host }) => host).map(({ text }) => text),
  };
}

const said = (peerId: string, text: string) => ({ peerId, name: peerId, text, shownAt: 1, mine: false });
const handedOn = (peerId: string, text: string) => ({ peerId, lines: [{ name: 'Ada', text, at: 1 }] });

test('where moderators alone write, neither lines of others nor lines that they hand on are shown', () => {
  const closed = chatWhere({ entry: 'open', chat: false });
  closed.tell('chat', said('eve', 'a line of hers'));
  closed.tell('chat-history', handedOn('eve', 'a line that she says was there'));
  closed.tell('chat-history', handedOn('gone', 'of somebody who is not there'));
  expect(closed.texts()).toEqual([]);
  closed.tell('chat-history', handedOn('mod', 'what was said before'));
  closed.tell('chat', said('mod', 'now'));
  expect(closed.texts()).toEqual(['what was said before', 'now']);
});

test('elsewhere both are', () => {
  const open = chatWhere(undefined);
  open.tell('chat-history', handedOn('eve', 'before'));
  open.tell('chat', said('eve', 'now'));
  expect(open.texts()).toEqual(['before', 'now']);
});

test('in a large room a flood is cut and moderators are not bound; elsewhere everybody writes as they like', () => {
  for (const [people, shown] of [
    [2, 10],
    [60, 3],
  ] as const) {
    const chat = chatWhere(undefined, people);
    for (let i = 0; i < 10; i++) chat.tell('chat', said('eve', `flood ${i}`));
    expect(chat.texts()).toHaveLength(shown);
    for (let i = 0; i < 10; i++) chat.tell('chat', said('mod', `word ${i}`));
    expect(chat.hosts()).toHaveLength(10);
  }
});
