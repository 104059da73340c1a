import type { Call } from '@tandem/rtc';
import { tellChat } from './news.ts';
import { isHeard } from './permitted.ts';
import { isSlow, QUICK_CHAT, SenderPace, SLOW_CHAT } from './sender-pace.ts';
import type { CallState } from './state.ts';
import type { ChatLine } from './types.ts';

/** Lines that the page keeps. */
const KEPT = 500;
/** Bytes of files that the page keeps. */
const KEPT_FILE_BYTES = 100 * 1024 * 1024;

/** The oldest of who has most goes, until the rest fits: to send much does not push out what others said. What goes is let go of. */
function fit(lines: readonly ChatLine[], most: number, sizeOf: (line: ChatLine) => number): readonly ChatLine[] {
  const left = [...lines];
  for (;;) {
    const shares = new Map<string, number>();
    let all = 0;
    // What somebody remembers of others is one share: the names in it are their word.
    const owner = ({ by, peerId }: ChatLine) => (by === undefined ? peerId : '');
    for (const line of left) {
      all += sizeOf(line);
      shares.set(owner(line), (shares.get(owner(line)) ?? 0) + sizeOf(line));
    }
    if (all <= most) return left;
    const largest = Math.max(...shares.values());
    const at = left.findIndex((line) => sizeOf(line) > 0 && shares.get(owner(line)) === largest);
    for (const { file } of left.splice(at, 1)) if (file) URL.revokeObjectURL(file.url);
  }
}

const bounded = (lines: readonly ChatLine[]) =>
  fit(
    fit(lines, KEPT_FILE_BYTES, ({ file }) => file?.size ?? 0),
    KEPT,
    () => 1,
  );

let keys = 0;

/** Adds a line; one that is not seen is news. */
export function addLine(state: CallState, line: Omit<ChatLine, 'key'>): void {
  const unseen = !line.mine && state.get().panel !== 'chat';
  state.set({
    chat: bounded([...state.get().chat, { ...line, key: ++keys }]),
    unread: unseen ? state.get().unread + 1 : 0,
  });
  if (unseen) tellChat(state, line.name, line.file?.name ?? line.text);
}

/** Lines and files of the call, and what was said before. @returns what ends each subscription */
export function followChat(call: Call, state: CallState): (() => void)[] {
  const nameOf = (peerId: string) => call.peers.find((peer) => peer.peerId === peerId)?.name ?? '';
  const isHidden = (peerId: string) =>
    !isHeard(state.get(), call.peers.find((peer) => peer.peerId === peerId)?.metadata);
  const isModerator = (peerId: string) =>
    call.peers.find((peer) => peer.peerId === peerId)?.metadata?.moderator === true;
  const pace = new SenderPace();
  return [
    call.on('chat', ({ peerId, name, text, shownAt, mine, privateTo }) => {
      const host = mine ? state.get().moderator : isModerator(peerId);
      if (!mine && isHidden(peerId)) return;
      if (!mine && !host && !pace.allow(peerId, performance.now(), isSlow(state.get()) ? SLOW_CHAT : QUICK_CHAT))
        return;
      const only = privateTo === undefined ? {} : { only: { id: privateTo, name: mine ? nameOf(privateTo) : '' } };
      addLine(state, { peerId, name, text, shownAt, mine, host, ...only });
    }),
    call.on('chat-history', ({ peerId, lines }) => {
      // Where moderators alone write, lines that others hand on would be a way around it.
      if (isHidden(peerId)) return;
      const by = nameOf(peerId);
      const before = lines.map(({ name, text, at }) => ({
        key: ++keys,
        peerId: name,
        name,
        text,
        shownAt: at,
        mine: false,
        by,
      }));
      state.set({ chat: bounded([...before, ...state.get().chat]) });
    }),
    call.on('file', ({ peerId, name, size, blob }) => {
      if (isHidden(peerId)) return;
      const line = { peerId, name: nameOf(peerId), text: '', shownAt: Date.now(), mine: false };
      addLine(state, { ...line, file: { name, size, url: URL.createObjectURL(blob) } });
    }),
    () => {
      for (const { file } of state.get().chat) if (file) URL.revokeObjectURL(file.url);
    },
  ];
}
