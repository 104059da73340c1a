/** What is remembered outlives a page that is used before it has read it. */
import { expect, test, vi } from 'vitest';
import { preferences, savePreferences } from './preferences.ts';

test('a change before anything was read keeps what is stored', () => {
  const stored = new Map([['tandem.preferences', JSON.stringify({ backgroundBlur: true, noiseFilter: true })]]);
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
  });
  savePreferences({ name: 'Bob' });
  expect(preferences.get()).toMatchObject({ name: 'Bob', backgroundBlur: true, noiseFilter: true });
  expect(JSON.parse(stored.get('tandem.preferences') ?? '')).toMatchObject({ name: 'Bob', backgroundBlur: true });
  vi.unstubAllGlobals();
});
