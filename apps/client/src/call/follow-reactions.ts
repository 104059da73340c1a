import type { Call } from '@tandem/rtc';
import { REACTIONS_OF_ONE, SenderPace } from './sender-pace.ts';
import type { CallState } from './state.ts';
import { REACTIONS } from './types.ts';

/** Reactions of the others rise over the stage. @returns what ends it */
export function followReactions(call: Call, state: CallState): () => void {
  const pace = new SenderPace();
  return call.on('reaction', ({ peerId, emoji }) => {
    const kind = REACTIONS.find((one) => one === emoji);
    if (!kind || !pace.allow(peerId, performance.now(), REACTIONS_OF_ONE)) return;
    state.float(kind, call.peers.find((peer) => peer.peerId === peerId)?.name ?? '');
  });
}
