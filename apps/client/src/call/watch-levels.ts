import { Speakers, sameSet } from '@tandem/react';
import type { Call } from '@tandem/rtc';
import { localMedia } from '../media/local-media.ts';
import { HandKeeper } from './hands.ts';
import { sentMedia } from './sent-media.ts';
import type { CallState } from './state.ts';

/** Louder than a keyboard, quieter than a voice at arm's length. */
const TALK_RMS = 0.03;
const INTERVAL_MS = 150;

/** Who speaks, and whether somebody talks to a closed microphone here. @returns what ends the watch */
export function watchLevels(call: Call, state: CallState, lowerHand: () => void): () => void {
  const speakers = new Speakers();
  const keeper = new HandKeeper();
  let talkedFor = 0;
  const timer = setInterval(() => {
    const { muted, audio } = sentMedia(state);
    const mine = audio === 'live' ? localMedia.level() : 0;
    const levels = new Map(call.peers.map((p) => [p.peerId, p.metadata.audio ? call.audioLevel(p.peerId) : 0]));
    levels.set('me', muted ? 0 : mine);
    const { speaking, speaker } = speakers.push(levels, performance.now());
    const before = state.get();
    if (keeper.mayLower({ hand: before.hand, speaking: speaking.has('me') }, INTERVAL_MS)) lowerHand();
    if (!sameSet(speaking, before.speaking)) state.set({ speaking });
    talkedFor = muted && audio === 'live' && mine > TALK_RMS ? talkedFor + 1 : Math.max(0, talkedFor - 0.25);
    state.set({
      speaker: speaker === 'me' ? before.speaker : speaker,
      talkingMuted: muted && (talkedFor >= 4 || (before.talkingMuted && talkedFor > 0)),
    });
  }, INTERVAL_MS);
  return () => clearInterval(timer);
}
