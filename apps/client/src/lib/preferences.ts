import { Store } from '@tandem/react';
import { randomId } from './random-id.ts';

/** What this browser remembers between visits. Nothing here is secret, nothing leaves the browser. */
export interface Preferences {
  userId: string;
  name: string;
  language: string;
  theme: 'system' | 'light' | 'dark';
  audioInput: string;
  audioOutput: string;
  videoInput: string;
  startMuted: boolean;
  startCameraOff: boolean;
  noiseSuppression: boolean;
  /** On top of noiseSuppression, in its place. */
  noiseFilter: boolean;
  voiceIsolation: boolean;
  /** The background is covered: blurred, or by the picture of `backdrop`. */
  backgroundBlur: boolean;
  /** Name of a picture behind me. Another word counts as `blur`. */
  backdrop: string;
  /** Name of the picture of one's own that this browser keeps; empty: none. */
  ownBackdrop: string;
  mirror: boolean;
  /** My own picture in a call: a tile like the others, `small` in a corner, or `hidden`. Another word counts as `full`. */
  selfView: string;
  /** Corner of my own picture when it floats, e.g. `bottom-end`. Another word counts as that. */
  selfCorner: string;
  /** Soft sounds in a call: somebody joins, raises a hand, writes. */
  soundJoin: boolean;
  soundHand: boolean;
  soundChat: boolean;
  /** Captions are shown where the deployment sends them. */
  captions: boolean;
  /** What I say is recognized on this device, and shown to the others in words. */
  captionMine: boolean;
  /** The same by the deployment's captions service, which gets my microphone for it: a consent of its own. */
  captionSent: boolean;
  /** Single keys act in a call. */
  shortcuts: boolean;
}

const KEY = 'tandem.preferences';
const defaults: Preferences = {
  userId: '',
  name: '',
  language: '',
  theme: 'system',
  audioInput: '',
  audioOutput: '',
  videoInput: '',
  startMuted: false,
  startCameraOff: false,
  noiseSuppression: true,
  noiseFilter: false,
  voiceIsolation: false,
  backgroundBlur: false,
  backdrop: 'blur',
  ownBackdrop: '',
  mirror: true,
  selfView: 'full',
  selfCorner: 'bottom-end',
  soundJoin: true,
  soundHand: true,
  soundChat: true,
  captions: true,
  captionMine: false,
  captionSent: false,
  shortcuts: true,
};

export const preferences = new Store<Preferences>(defaults);

let loaded = false;

/** As it is stored now: another page of this browser may have changed it, and a newer one may know more. */
function readStored(): Readonly<Record<string, unknown>> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof stored === 'object' && stored !== null && !Array.isArray(stored)) return { ...stored };
  } catch {
    // Storage refused or spoiled: start fresh.
  }
  return {};
}

/** Read what is stored. Private windows may refuse storage: then the defaults live as long as the page. */
export function loadPreferences(): void {
  loaded = true;
  const known = Object.entries(readStored()).filter(
    ([key, value]) => typeof value === typeof (defaults as unknown as Record<string, unknown>)[key],
  );
  preferences.set({ ...defaults, ...Object.fromEntries(known) });
  if (!preferences.get().userId) preferences.set({ userId: randomId() });
}

/** What is stored, also before the page has read it: an effect of a child runs before that of the root. */
export function storedPreferences(): Preferences {
  if (!loaded) loadPreferences();
  return preferences.get();
}

/** Stores `change` and nothing else: what this page read at its start may be out of date. */
export function savePreferences(change: Partial<Preferences>): void {
  // A change made before the page has read them must not overwrite the others with defaults.
  const { userId } = storedPreferences();
  preferences.set(change);
  try {
    localStorage.setItem(KEY, JSON.stringify({ userId, ...readStored(), ...change }));
  } catch {
    // Same: not remembered, still in force.
  }
}

/**
 * A consent that is withdrawn in another page of this browser is withdrawn here, also in the middle of a call. Everything else, a
 * consent that is given too, is taken from there at the next visit: devices and pictures in use here are not changed from afar.
 * @returns what ends it
 */
export function followWithdrawals(): () => void {
  const follow = ({ key }: StorageEvent) => {
    // Null: all of it was deleted.
    if (key !== KEY && key !== null) return;
    const { captionMine, captionSent } = readStored();
    if (captionMine !== true) preferences.set({ captionMine: false });
    if (captionSent !== true) preferences.set({ captionSent: false });
  };
  addEventListener('storage', follow);
  return () => removeEventListener('storage', follow);
}
