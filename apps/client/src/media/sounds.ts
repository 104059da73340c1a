import { audioContext } from '@tandem/react';
import { preferences } from '../lib/preferences.ts';

/** What a sound stands for; each can be switched off. */
export type SoundKind = 'join' | 'hand' | 'chat';

/** Notes in Hz, quiet and short: heard beside a voice, not over it. */
const NOTES: Record<SoundKind, readonly number[]> = { join: [392, 523.25], hand: [587.33, 587.33], chat: [659.26] };
const SWITCHES = { join: 'soundJoin', hand: 'soundHand', chat: 'soundChat' } as const;
const LOUDNESS = 0.06;
/** Two of one kind within this time, ms, are one. */
const APART_MS = 1500;
const lastPlayed = new Map<SoundKind, number>();

/** Plays it, unless it is switched off or has just been heard. A browser that holds sound back plays nothing. */
export function playSound(kind: SoundKind, now = performance.now()): boolean {
  if (!preferences.get()[SWITCHES[kind]]) return false;
  if (now - (lastPlayed.get(kind) ?? Number.NEGATIVE_INFINITY) < APART_MS) return false;
  lastPlayed.set(kind, now);
  const context = audioContext();
  if (context.state !== 'running') return false;
  NOTES[kind].forEach((frequency, index) => {
    const note = context.createOscillator();
    const gain = context.createGain();
    const at = context.currentTime + index * 0.12;
    note.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0005, at + 0.25);
    note.connect(gain).connect(context.destination);
    note.start(at);
    note.stop(at + 0.3);
  });
  return true;
}
