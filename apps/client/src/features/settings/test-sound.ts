import { preferences } from '../../lib/preferences.ts';

/** Two soft notes on the chosen speaker. Made here: no file to load. */
export async function playTestSound(): Promise<void> {
  const context = new AudioContext();
  try {
    const { audioOutput } = preferences.get();
    await (context as AudioContext & { setSinkId?: (id: string) => Promise<void> }).setSinkId?.(audioOutput);
  } catch {
    // Output gone: the default one plays.
  }
  const start = context.currentTime + 0.05;
  [440, 587.33].forEach((frequency, index) => {
    const note = context.createOscillator();
    const gain = context.createGain();
    const at = start + index * 0.28;
    note.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.03);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.7);
    note.connect(gain).connect(context.destination);
    note.start(at);
    note.stop(at + 0.75);
  });
  setTimeout(() => void context.close(), 1500);
}
