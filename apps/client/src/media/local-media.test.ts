import { expect, onTestFinished, test, vi } from 'vitest';
import { loadPreferences } from '../lib/preferences.ts';
import { LocalMedia } from './local-media.ts';
import { isWithout } from './media-state.ts';

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

/** A device's track, and its end. */
class Track extends EventTarget {
  readonly kind: string;
  readonly label: string;
  readyState = 'live';
  enabled = true;
  constructor(kind: string, label: string) {
    super();
    this.kind = kind;
    this.label = label;
  }
  getSettings = () => ({});
  clone = () => new Track(this.kind, this.label);
  stop(): void {
    this.readyState = 'ended';
  }
  unplug(): void {
    this.stop();
    this.dispatchEvent(new Event('ended'));
  }
}

/** A page whose browser opens the devices that `open` names, or says why not. */
function desk(open: (kind: 'audio' | 'video') => string | Error) {
  const { media, getUserMedia } = page({});
  loadPreferences();
  const listened = vi.fn((_name: string, _listener: () => void) => {});
  const devices: { kind: string; label: string; deviceId: string }[] = [];
  Object.assign(navigator.mediaDevices, { addEventListener: listened, enumerateDevices: async () => [...devices] });
  navigator.permissions.query = async () => ({ state: 'granted' }) as PermissionStatus;
  vi.stubGlobal('MediaStream', class {});
  const node = { connect: () => {}, disconnect: () => {}, getFloatTimeDomainData: () => {} };
  vi.stubGlobal(
    'AudioContext',
    class {
      state = 'running';
      createAnalyser = () => node;
      createMediaStreamSource = () => node;
    },
  );
  getUserMedia.mockImplementation(async (wish) => {
    const tracks = (['audio', 'video'] as const).flatMap((kind) => {
      if (!wish[kind]) return [];
      const label = open(kind);
      if (label instanceof Error) throw label;
      return [new Track(kind, label)];
    });
    return { getTracks: () => tracks } as unknown as MediaStream;
  });
  return { media, devices, listened };
}

const busy = Object.assign(new Error('Could not start source'), { name: 'NotReadableError' });
const missing = Object.assign(new Error('Requested device not found'), { name: 'NotFoundError' });

test('another device that does not start leaves the one that is sent on, and the page says that it is', async () => {
  let answer: (kind: string) => string | Error = (kind) => `first ${kind}`;
  const { media } = desk((kind) => answer(kind));
  await media.start();
  const seen: string[] = [];
  media.subscribe(() => seen.push(media.get().audio, media.get().video));
  answer = () => busy;
  await media.chooseDevice('audioinput', 'second');
  await media.chooseDevice('videoinput', 'second');
  const { audioTrack, videoTrack, problem } = media.get();
  expect([audioTrack?.label, videoTrack?.label, problem]).toEqual(['first audio', 'first video', 'busy']);
  expect(new Set(seen), 'not for a moment off: it is sent').toEqual(new Set(['live']));
  await media.setMuted(true);
  expect(audioTrack?.enabled).toBe(false);
  (videoTrack as unknown as Track).unplug();
  await vi.waitFor(() => expect(media.get().video).toBe('failed'));
  expect(media.get().videoTrack).toBeUndefined();
});

test('a phone, which opens one camera at a time, changes to the one that is chosen', async () => {
  let label = 'front';
  const camera = () => media.get().camera;
  const { media } = desk((kind) => (kind === 'video' && camera()?.readyState === 'live' ? busy : label));
  await media.start();
  expect(camera()?.label).toBe('front');
  media.set({ facing: 'user' });
  label = 'back';
  await media.chooseDevice('videoinput', 'back');
  expect(media.get()).toMatchObject({ video: 'live', problem: undefined, videoTrack: { label: 'back' } });
});

test('what is wrong with both is over when both have started, one after the other', async () => {
  let fault: Error | undefined = busy;
  const { media } = desk((kind) => fault ?? kind);
  await media.start();
  expect(media.get()).toMatchObject({ problem: 'busy', problemKind: 'both', audio: 'failed', video: 'failed' });
  fault = undefined;
  expect(isWithout(media.get())).toBe(true);
  await media.setMuted(false);
  expect(media.get()).toMatchObject({ problem: 'busy', problemKind: 'video', audio: 'live' });
  expect(isWithout(media.get()), 'with a microphone that is heard').toBe(false);
  await media.setCamera(true);
  expect(media.get()).toMatchObject({ problem: undefined, problemKind: undefined, video: 'live' });
});

test('a device that is unplugged a second time is said a second time', async () => {
  const { media } = desk((kind) => kind);
  await media.start();
  const said: string[] = [];
  let before = '';
  media.subscribe(() => {
    const { lost } = media.get();
    if (lost !== before && lost) said.push(lost);
    before = lost;
  });
  for (const times of [1, 2]) {
    await vi.waitFor(() => expect(media.get().audio).toBe('live'));
    (media.get().microphone as unknown as Track).unplug();
    await vi.waitFor(() => expect(said).toEqual(Array(times).fill('audio')));
    // Another microphone is chosen meanwhile.
    await media.chooseDevice('audioinput', 'same');
  }
});

test('who may publish again, after all was let go of, gets a microphone that is plugged in later', async () => {
  const { media, devices, listened } = desk((kind) => (devices.length > 0 ? kind : missing));
  await media.prepare();
  media.stop();
  listened.mockClear();
  await media.setMuted(false);
  expect(media.get()).toMatchObject({ audio: 'failed', problem: 'none' });
  devices.push({ kind: 'audioinput', label: 'headset', deviceId: 'headset' });
  for (const [name, listener] of listened.mock.calls) if (name === 'devicechange') listener();
  await vi.waitFor(() => expect(media.get().audio).toBe('live'));
});
