import type { Call } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
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
  const now: { chat: { text: string; host?: boolean; file?: { name: string } }[] } & object = {
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
    files: () => now.chat.flatMap(({ file }) => (file ? [file.name] : [])),
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

test('a flood is cut, sooner in a large room; moderators are not bound', () => {
  for (const [people, shown] of [
    [2, 20],
    [60, 3],
  ] as const) {
    const chat = chatWhere(undefined, people);
    for (let i = 0; i < 100; i++) chat.tell('chat', said('eve', `flood ${i}`));
    expect(chat.texts()).toHaveLength(shown);
    for (let i = 0; i < 100; i++) chat.tell('chat', said('mod', `word ${i}`));
    expect(chat.hosts()).toHaveLength(100);
  }
});

test('who writes and sends without end pushes out nothing but their own', () => {
  const urls = new Set<string>();
  vi.stubGlobal('URL', {
    createObjectURL: () => {
      const url = `blob:${crypto.randomUUID()}`;
      urls.add(url);
      return url;
    },
    revokeObjectURL: (url: string) => urls.delete(url),
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const chat = chatWhere(undefined);
  const file = (peerId: string, name: string) =>
    chat.tell('file', { peerId, name, size: 5 * 1024 * 1024, blob: new Blob() });
  chat.tell('chat-history', handedOn('eve', 'before'));
  chat.tell('chat', said('eve', 'hers'));
  file('eve', 'hers.pdf');
  // Not paced, as a moderator: what many could do together.
  for (let i = 0; i < 1000; i++) chat.tell('chat', said('mod', `${i}`));
  for (let i = 0; i < 100; i++) file('mod', `${i}.pdf`);
  expect(chat.texts().slice(0, 2)).toEqual(['before', 'hers']);
  expect(chat.files()).toEqual(['hers.pdf', ...Array.from({ length: 19 }, (_, i) => `${i + 81}.pdf`)]);
  expect([chat.texts().length, urls.size]).toEqual([500, 20]);
});
