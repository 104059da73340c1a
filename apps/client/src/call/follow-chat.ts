import type { Call } from '@tandem/rtc';
import { tellChat } from './news.ts';
import type { CallState } from './state.ts';
import type { ChatLine } from './types.ts';

/** Lines that the page keeps. */
const KEPT = 500;

/** Adds a line; one that nobody sees is news. */
export function addLine(state: CallState, line: ChatLine): void {
  const unseen = !line.mine && state.get().panel !== 'chat';
  state.set({ chat: [...state.get().chat.slice(1 - KEPT), line], unread: unseen ? state.get().unread + 1 : 0 });
  if (unseen) tellChat(state, line.name, line.file?.name ?? line.text);
}

/** Lines and files of the call, and what was said before. @returns what ends each subscription */
export function followChat(call: Call, state: CallState): (() => void)[] {
  const nameOf = (peerId: string) => call.peers.find((peer) => peer.peerId === peerId)?.name ?? '';
  const urls: string[] = [];
  return [
    call.on('chat', ({ id, peerId, name, text, shownAt, mine, privateTo }) => {
      const only = privateTo === undefined ? {} : { only: { name: mine ? nameOf(privateTo) : '' } };
      addLine(state, { id, peerId, name, text, shownAt, mine, ...only });
    }),
    call.on('chat-history', ({ peerId, lines }) => {
      const by = nameOf(peerId);
      const before = lines.map(({ id, name, text, at }) => ({
        id,
        peerId: name,
        name,
        text,
        shownAt: at,
        mine: false,
        by,
      }));
      state.set({ chat: [...before, ...state.get().chat].slice(-KEPT) });
    }),
    call.on('file', ({ peerId, id, name, size, blob }) => {
      const url = URL.createObjectURL(blob);
      urls.push(url);
      const line = { id, peerId, name: nameOf(peerId), text: '', shownAt: Date.now(), mine: false };
      addLine(state, { ...line, file: { name, size, url } });
    }),
    () => {
      for (const url of urls) URL.revokeObjectURL(url);
    },
  ];
}
