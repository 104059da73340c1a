import { expect, test, vi } from 'vitest';
import { LocalMedia } from './local-media.ts';

test('who was muted at the last visit is muted from the first moment, before the page has read its preferences', () => {
  vi.stubGlobal('localStorage', { getItem: () => JSON.stringify({ startMuted: true }), setItem: () => {} });
  vi.stubGlobal('navigator', {
    mediaDevices: {
      addEventListener: () => {},
      removeEventListener: () => {},
      enumerateDevices: async () => [],
      getUserMedia: () => new Promise(() => {}),
    },
    permissions: { query: async () => ({ state: 'prompt' }) },
  });
  const media = new LocalMedia();
  void media.prepare();
  expect(media.get().muted).toBe(true);
  media.stop();
  vi.unstubAllGlobals();
});
