/** What somebody who is invited to speak sees and hears of themselves stays theirs until they say yes (S-39). */
import type { Call } from '@tandem/rtc';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { savePreferences } from '../lib/preferences.ts';
import { localMedia } from '../media/local-media.ts';
import { followGrants } from './follow-backend.ts';
import { followMedia } from './follow-media.ts';
import { CallState } from './state.ts';
import { transcribe } from './transcribe.ts';
import { watchLevels } from './watch-levels.ts';

const recognize = vi.hoisted(() => vi.fn(async (_track: MediaStreamTrack) => () => {}));
vi.mock('./recognize.ts', () => ({ recognize }));

const track = (kind: string) => ({ kind, stop: vi.fn() }) as unknown as MediaStreamTrack;
const open = () =>
  localMedia.set({ audio: 'live', video: 'live', audioTrack: track('audio'), videoTrack: track('video') });

/** Of the audience, invited. */
function invited() {
  const handlers = new Map<string, (event: object) => void>();
  const on = (name: string, handler: (event: object) => void) => {
    handlers.set(name, handler);
    return () => {};
  };
  const setTrack = vi.fn(async (_kind: string, _track: MediaStreamTrack | null) => {});
  const call = { session: { on }, setTrack, setAudio: () => {}, peers: [], on: () => () => {} } as unknown as Call;
  const state = new CallState();
  vi.spyOn(state, 'notify').mockReturnValue();
  state.set({ watching: true, invited: true });
  const may = (publish: boolean) => handlers.get('grants')?.({ publish, data: true, kick: false, invite: false });
  return { call, state, may, sent: () => setTrack.mock.calls.filter(([, one]) => one !== null) };
}

beforeEach(() => {
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} });
  vi.stubGlobal('navigator', { mediaDevices: { removeEventListener: () => {} } });
  onTestFinished(() => {
    localMedia.stop();
    vi.unstubAllGlobals();
  });
});

test('S-39 an invitation that is withdrawn while somebody looks at themselves sends nothing, not for a moment', () => {
  const { call, state, may, sent } = invited();
  for (const end of [followMedia(call, state, () => {}), ...followGrants(call, state, () => {})]) onTestFinished(end);
  may(true);
  state.set({ rehearsing: true });
  open();
  expect(localMedia.get().audio).toBe('live');
  may(false);
  expect(localMedia.get()).toMatchObject({ audio: 'off', video: 'off', audioTrack: undefined });
  expect(state.get()).toMatchObject({ rehearsing: false, invited: false });
  expect(sent()).toEqual([]);
});

test('S-39 what is said before the yes is not recognized: no service hears it, and the room reads none of it', async () => {
  savePreferences({ captionSent: true });
  onTestFinished(() => savePreferences({ captionSent: false }));
  const { call, state } = invited();
  state.set({ rehearsing: true });
  onTestFinished(transcribe(call, state));
  open();
  await vi.dynamicImportSettled();
  expect(recognize).not.toHaveBeenCalled();
  localMedia.stop();
  state.set({ rehearsing: false, watching: false });
  open();
  await vi.waitFor(() => expect(recognize).toHaveBeenCalledOnce());
});

test('S-39 the level that somebody tries before the yes lowers no hand, and they are not shown as speaking', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { call, state } = invited();
  const level = vi.spyOn(localMedia, 'level').mockReturnValue(0.5);
  onTestFinished(() => level.mockRestore());
  const lowered = vi.fn();
  state.set({ rehearsing: true, hand: true });
  onTestFinished(watchLevels(call, state, lowered));
  open();
  vi.advanceTimersByTime(20_000);
  expect([...state.get().speaking]).toEqual([]);
  expect(lowered).not.toHaveBeenCalled();
  state.set({ rehearsing: false });
  vi.advanceTimersByTime(20_000);
  expect([...state.get().speaking]).toEqual(['me']);
  expect(lowered).toHaveBeenCalled();
});
