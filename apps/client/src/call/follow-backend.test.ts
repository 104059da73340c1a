import type { Call } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import { localMedia } from '../media/local-media.ts';
import { followGrants } from './follow-backend.ts';
import { CallState } from './state.ts';
import type { CallModelState } from './types.ts';

/** What a call hears from its session. */
function heard() {
  const handlers = new Map<string, (event: object) => void>();
  const on = (name: string, handler: (event: object) => void) => {
    handlers.set(name, handler);
    return () => {};
  };
  const tell = (name: string, event: object) => handlers.get(name)?.(event);
  return { call: { session: { on } } as unknown as Call, tell };
}

/** A call whose grants change; `shown` is what its person may do, and how often the page said that this has changed. */
function granted(before: Partial<CallModelState>) {
  const { call, tell } = heard();
  const state = new CallState();
  state.set(before);
  const notify = vi.spyOn(state, 'notify').mockReturnValue();
  const stopShare = vi.fn();
  const undo = followGrants(call, state, stopShare);
  const shown = () => {
    const { moderator, watching, writing, invited } = state.get();
    return { moderator, watching, writing, invited, lines: notify.mock.calls.map(([key]) => key) };
  };
  onTestFinished(() => {
    localMedia.stop();
    for (const end of undo) end();
  });
  return { grant: (grants: object) => tell('grants', grants), state, stopShare, shown };
}

test('S-39 who joined as audience watches on, and is asked, when they are given publish; the others get their switches back', () => {
  const audience = granted({ watching: true });
  audience.grant({ publish: true, data: true, kick: true });
  const lines = ['call.grants'];
  expect(audience.shown()).toEqual({ moderator: true, watching: true, writing: true, invited: true, lines });

  const speaker = granted({});
  speaker.grant({ publish: false, data: true, kick: false });
  expect(speaker.shown()).toMatchObject({ watching: true });
  expect(speaker.stopShare).toHaveBeenCalledOnce();
  speaker.grant({ publish: true, data: true, kick: false });
  expect(speaker.shown()).toMatchObject({ watching: false });
  expect(speaker.stopShare).toHaveBeenCalledOnce();
});

test('S-39 grants come again at each resume and join: a line says so when something has changed', () => {
  const { grant, shown } = granted({});
  grant({ publish: true, data: true, kick: false });
  expect(shown().lines).toEqual([]);
  for (const _ of [1, 2]) grant({ publish: true, data: false, kick: false });
  expect(shown()).toEqual({
    moderator: false,
    watching: false,
    writing: false,
    invited: false,
    lines: ['call.grants'],
  });
});

test('S-39 who joined as audience is asked once whether they want to speak, and again when that was taken away', () => {
  const { grant, state, shown } = granted({ watching: true });
  const may = (publish: boolean) => grant({ publish, data: true, kick: false });
  may(false);
  expect(shown()).toMatchObject({ invited: false, lines: [] });
  may(true);
  expect(shown(), 'the question says it').toMatchObject({ invited: true, watching: true, lines: [] });
  state.set({ invited: false });
  may(true);
  expect(shown(), 'a resume says it once more').toMatchObject({ invited: false });
  may(false);
  may(true);
  expect(shown()).toMatchObject({ invited: true, lines: [] });
  may(false);
  expect(shown(), 'the question goes').toMatchObject({ invited: false, watching: true, lines: ['call.grants'] });
});

test('S-39 while one may not publish, what the settings open is closed, and nothing is offered', async () => {
  const opened: MediaStreamTrack[] = [];
  vi.stubGlobal('localStorage', { getItem: () => null, setItem: () => {} });
  vi.stubGlobal('navigator', {
    mediaDevices: {
      addEventListener: () => {},
      removeEventListener: () => {},
      getSupportedConstraints: () => ({}),
      getUserMedia: async () => {
        const track = { kind: 'audio', stop: vi.fn() } as unknown as MediaStreamTrack;
        opened.push(track);
        return { getTracks: () => [track] };
      },
    },
    permissions: { query: async () => ({ state: 'granted' }) },
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  const { grant, state } = granted({ offer: { label: 'Jabra', devices: [] } });
  grant({ publish: false, data: true, kick: false });
  expect(state.get().offer).toBeUndefined();
  await localMedia.chooseDevice('audioinput', 'jabra');
  expect(localMedia.get()).toMatchObject({ audio: 'off', audioTrack: undefined });
  expect(opened.map(({ stop }) => vi.mocked(stop).mock.calls.length)).toEqual([1]);
  // As after `start`, whose request is newer than the first stop.
  localMedia.set({ audio: 'live', video: 'live' });
  expect(localMedia.get()).toMatchObject({ audio: 'off', video: 'off' });
});
