import { Store } from './store.ts';

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
  backgroundBlur: boolean;
  mirror: boolean;
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
  mirror: true,
};

export const preferences = new Store<Preferences>(defaults);

/** Read what is stored. Private windows may refuse storage: then the defaults live as long as the page. */
export function loadPreferences(): void {
  let stored: Partial<Preferences> = {};
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Preferences>;
  } catch {
    // Storage refused or spoiled: start fresh.
  }
  preferences.set({ ...defaults, ...stored, userId: stored.userId || crypto.randomUUID() });
}

export function savePreferences(change: Partial<Preferences>): void {
  preferences.set(change);
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences.get()));
  } catch {
    // Same: not remembered, still in force.
  }
}
