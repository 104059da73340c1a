/** What is remembered outlives a page that is used before it has read it. */
import { expect, onTestFinished, test, vi } from 'vitest';
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

/** Pages of one browser: what one stores, the others hear of. */
function browser() {
  const kept = new Map<string, string>();
  const pages = new Set<(event: object) => void>();
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => {
      kept.set(key, value);
      for (const hear of pages) hear({ key });
    },
  });
  vi.stubGlobal('addEventListener', (_name: string, hear: (event: object) => void) => pages.add(hear));
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  return {
    kept,
    open: async () => {
      vi.resetModules();
      const page = await import('./preferences.ts');
      page.loadPreferences();
      page.followWithdrawals();
      return page;
    },
  };
}

test('a consent that one page withdraws is not given again by another, and is over there at once', async () => {
  const { open } = browser();
  const first = await open();
  first.savePreferences({ captionSent: true, name: 'Ada', noiseSuppression: false });
  const second = await open();
  second.savePreferences({ captionSent: false, name: 'Ada Lovelace' });
  expect(first.preferences.get()).toMatchObject({ captionSent: false, name: 'Ada' });
  first.savePreferences({ startMuted: true });
  const next = { captionSent: false, name: 'Ada Lovelace', noiseSuppression: false, startMuted: true };
  expect((await open()).preferences.get()).toMatchObject(next);
});

test('a consent that is given elsewhere begins nothing here, and all pages are the same person', async () => {
  const { open, kept } = browser();
  const first = await open();
  const second = await open();
  first.savePreferences({ name: 'Ada' });
  second.savePreferences({ captionSent: true });
  expect(first.preferences.get().captionSent).toBe(false);
  expect(JSON.parse(kept.get('tandem.preferences') ?? '')).toEqual({
    userId: first.preferences.get().userId,
    name: 'Ada',
    captionSent: true,
  });
});

test.each(['null', '[1]', '7', '"x"', '{'])(
  'stored as %s is as nothing, and is mended by the next change',
  async (spoiled) => {
    const { open, kept } = browser();
    kept.set('tandem.preferences', spoiled);
    const page = await open();
    expect(page.preferences.get()).toMatchObject({ name: '', noiseSuppression: true });
    page.savePreferences({ name: 'Ada' });
    expect(JSON.parse(kept.get('tandem.preferences') ?? '')).toEqual({ userId: expect.any(String), name: 'Ada' });
  },
);
