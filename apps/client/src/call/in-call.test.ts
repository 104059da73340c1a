import type { Call } from '@tandem/rtc';
import { expect, onTestFinished, test, vi } from 'vitest';
import { InCall } from './in-call.ts';
import type { CallModelState } from './types.ts';

class Model extends InCall {
  /** Of the call's events: moderators alone may share now. */
  closeSharing(): void {
    this.sharingClosed();
  }
}

/** Somebody in a call, whose browser's picker answers when it is told to. */
function sharer() {
  const track = Object.assign(new EventTarget(), { kind: 'video', stop: vi.fn() });
  let answer: (stream: object) => void = () => {};
  const asked = new Promise<object>((resolve) => {
    answer = resolve;
  });
  const getDisplayMedia = vi.fn((_wish: object) => asked);
  vi.stubGlobal('navigator', { mediaDevices: { getDisplayMedia } });
  onTestFinished(() => void vi.unstubAllGlobals());
  const setTrack = vi.fn(async () => {});
  const model = new Model();
  model.sdkCall = { setTrack } as unknown as Call;
  model.set({ phase: 'call' });
  const lines = vi.spyOn(model, 'notify').mockReturnValue();
  const pick = () => answer({ getVideoTracks: () => [track], getAudioTracks: () => [] });
  return { model, pick, track, setTrack, getDisplayMedia, words: () => lines.mock.calls.map(([key]) => key) };
}

const MAY_NOT: [string, string, Partial<CallModelState>][] = [
  ['the grant', 'call.grants', { watching: true }],
  ['the room', 'host.shareClosed', { roomEntry: { entry: 'open', share: false, chat: true, look: true, waiting: [] } }],
];

test.each(MAY_NOT)(
  'S-39 a picker that is open while %s takes sharing away shares nothing, and says %s',
  async (_by, line, change) => {
    const { model, pick, track, setTrack, words } = sharer();
    const toggled = model.toggleScreen();
    model.set(change);
    pick();
    await toggled;
    expect(setTrack).not.toHaveBeenCalled();
    expect(track.stop).toHaveBeenCalledOnce();
    expect(model.get().sharing).toBeUndefined();
    expect(words()).toEqual([line]);
  },
);

test('what a picker answers is shared while one may, and a share that is stopped is told to its owner', async () => {
  const { model, pick, track, setTrack, getDisplayMedia, words } = sharer();
  model.closeSharing();
  expect(words(), 'nothing was shared').toEqual([]);
  const toggled = model.toggleScreen();
  pick();
  await toggled;
  expect(setTrack).toHaveBeenCalledWith('screen', track);
  const [[wish = {}] = []] = getDisplayMedia.mock.calls;
  expect(wish, 'the cursor is the pointer of who presents').toMatchObject({ video: { cursor: 'always' } });
  model.closeSharing();
  expect(track.stop).toHaveBeenCalledOnce();
  expect(model.get().sharing).toBeUndefined();
  expect(words()).toEqual(['host.shareClosed']);
});

test('a private line whose addressee is gone goes to nobody, and waits for another choice', async () => {
  const chat = vi.fn();
  const sendFile = vi.fn(async () => new Map());
  const model = new Model();
  const person = (id: string) => ({ id, name: id }) as CallModelState['peers'][number];
  model.sdkCall = { chat, sendFile } as unknown as Call;
  model.set({ phase: 'call', peers: [person('bob'), person('grace')] });
  model.write({ to: { id: 'bob', name: 'Bob' }, text: 'Grace must not know' });
  model.set({ peers: [person('grace'), person('bob again')] });
  expect(model.sendDraft()).toBe(false);
  await model.sendFile(new File(['nor this'], 'plan.txt'));
  expect([chat.mock.calls, sendFile.mock.calls, model.get().draft.text]).toEqual([[], [], 'Grace must not know']);
  model.write({ to: { id: 'bob again', name: 'Bob' } });
  expect(model.sendDraft()).toBe(true);
  expect(chat.mock.calls).toEqual([['Grace must not know', 'bob again']]);
  expect(model.get().draft.text).toBe('');
});

test('who may not share is told so, and no picker is opened', async () => {
  const { model, words } = sharer();
  const open = vi.spyOn(navigator.mediaDevices, 'getDisplayMedia');
  model.set({ watching: true });
  await model.toggleScreen();
  expect(open).not.toHaveBeenCalled();
  expect(words()).toEqual(['call.grants']);
});

test('S-41 who is gone when all are muted, or let in, is no failure; what the service does not do is one', async () => {
  const { model, words } = sharer();
  const ask = vi.fn(async (_session: object, id: string) => {
    if (id !== 'here') throw Object.assign(new Error(id), { code: id });
  });
  model.sdkCall = { session: {} } as unknown as Call;
  await model.moderateEach(['unknown_peer', 'here'], ask);
  await model.moderate((session) => ask(session, 'unknown_peer'));
  expect(words()).toEqual([]);
  await model.moderateEach(['unknown_peer', 'here', 'forbidden'], ask);
  expect(words()).toEqual(['host.failed']);
  expect(ask).toHaveBeenCalledTimes(6);
});

test('a file that is chosen as the call ends is no line of the next one', async () => {
  const { model } = sharer();
  const sent = model.sendFile(new File(['plan'], 'plan.txt'));
  model.sdkCall = undefined;
  await sent;
  expect(model.get().chat).toEqual([]);
});

test('a raised hand that is looked at leaves the chat unread', () => {
  const model = new Model();
  model.set({ unread: 3 });
  model.showPanel('people');
  expect(model.get()).toMatchObject({ panel: 'people', unread: 3 });
  model.showPanel('chat');
  expect(model.get()).toMatchObject({ panel: 'chat', unread: 0 });
  model.openPanel('chat');
  expect(model.get().panel).toBeUndefined();
});

test('in a large room the next line waits, also in a chat that was closed and opened again: no page would show it', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const chat = vi.fn();
  const model = new Model();
  model.sdkCall = { chat } as unknown as Call;
  model.set({ phase: 'call', peers: Array(49).fill({}) });
  const send = (text: string) => {
    model.write({ text });
    return model.sendDraft();
  };
  expect([send('one'), send('two')]).toEqual([true, false]);
  expect(model.get().draft.text).toBe('two');
  vi.advanceTimersByTime(5000);
  expect(model.sendDraft()).toBe(true);
  model.set({ moderator: true });
  expect(send('three')).toBe(true);
  model.set({ moderator: false, peers: [] });
  expect(send('four')).toBe(true);
  expect(chat.mock.calls.map(([text]) => text)).toEqual(['one', 'two', 'three', 'four']);
});
