import { expect, onTestFinished, test, vi } from 'vitest';
import { LocalMedia } from './local-media.ts';

/** A page that finds `stored`, and whose browser never answers what it is asked for. */
function page(stored: object) {
  const kept = new Map([['tandem.preferences', JSON.stringify(stored)]]);
  const getUserMedia = vi.fn((_wish: MediaStreamConstraints) => new Promise<MediaStream>(() => {}));
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  });
  vi.stubGlobal('navigator', {
    mediaDevices: {
      addEventListener: () => {},
      removeEventListener: () => {},
      getSupportedConstraints: () => ({}),
      enumerateDevices: async () => [],
      getUserMedia,
    },
    permissions: { query: async () => ({ state: 'prompt' }) },
  });
  const media = new LocalMedia();
  onTestFinished(() => {
    media.stop();
    vi.unstubAllGlobals();
  });
  return { media, getUserMedia, remembered: () => JSON.parse(kept.get('tandem.preferences') ?? '{}') };
}

test('who was muted at the last visit is muted from the first moment, before the page has read its preferences', () => {
  const { media } = page({ startMuted: true });
  void media.prepare();
  expect(media.get().muted).toBe(true);
});

test('what the call switches off stays so in this page, the next call among it, and is not remembered as my wish', async () => {
  const { media, getUserMedia, remembered } = page({});
  await media.setMuted(true, 'call');
  await media.setCamera(false, 'call');
  expect(remembered()).toEqual({});
  media.stop();
  void media.prepare();
  void media.start();
  expect(media.get().muted).toBe(true);
  expect(getUserMedia.mock.calls.map(([wish]) => 'video' in wish)).toEqual([false]);
  await media.setMuted(true);
  await media.setCamera(false);
  expect(remembered()).toMatchObject({ startMuted: true, startCameraOff: true });
});
