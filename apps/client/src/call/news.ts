/** What a person hears and reads when something happens: a line in the header, a soft sound. Neither in a crowd. */

import type { PeerView } from '@tandem/react';
import type { SoundKind } from '../media/sounds.ts';
import { justRaised } from './hands.ts';
import { QUIET_FROM } from './notices.ts';
import type { CallState } from './state.ts';

/** Longest part of a chat line in the header, in UTF-16 units. */
const EXCERPT = 80;

const isQuiet = (state: CallState): boolean => state.get().peers.length + 1 >= QUIET_FROM;

function sound(state: CallState, kind: SoundKind): void {
  if (isQuiet(state)) return;
  // A sound that does not load is not missed.
  import('../media/sounds.ts').then(({ playSound }) => playSound(kind)).catch(() => {});
}

/** Somebody came or went. */
export function tellPresence(state: CallState, key: 'call.joined' | 'call.left', name: string): void {
  if (state.get().phase !== 'call' || isQuiet(state) || !name) return;
  state.notify(key, { name });
  if (key === 'call.joined') sound(state, 'join');
}

/** Hands that went up between two views of the room. In a crowd too: somebody waits to speak. */
export function tellHands(state: CallState, before: readonly PeerView[], now: readonly PeerView[]): void {
  for (const name of justRaised(before, now)) {
    state.notify('hands.raised', { name }, 'people');
    sound(state, 'hand');
  }
}

/** Somebody waits to be let in: in a crowd too, as a moderator has to act. */
export function tellWaiting(): void {
  import('../media/sounds.ts').then(({ playSound }) => playSound('hand')).catch(() => {});
}

/** A chat line that is not seen because the chat is closed. */
export function tellChat(state: CallState, name: string, text: string): void {
  const excerpt = text.length > EXCERPT ? `${[...text].slice(0, EXCERPT).join('')}…` : text;
  if (!isQuiet(state)) state.notify('chat.toast', { name, text: excerpt }, 'chat');
  sound(state, 'chat');
}
