import { Store } from '@tandem/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { initialState } from '../call/state.ts';
import type { CallModelState } from '../call/types.ts';
import { preferences } from '../lib/preferences.ts';
import { HostMethods } from './host-methods.ts';

/** A call that is joined at once, and a person who is still asked for camera and microphone. */
function frame() {
  const joined: unknown[][] = [];
  class OpenDoor extends Store<CallModelState> {
    async join(...to: unknown[]) {
      joined.push(to);
      this.set({ phase: 'call' });
    }
    leave() {
      this.set({ phase: 'ended' });
    }
    cancelJoin() {
      this.set({ phase: 'lobby' });
    }
    toLobby() {
      this.set({ phase: 'lobby' });
    }
  }
  const call = new OpenDoor(initialState);
  const asked = Promise.withResolvers<void>();
  const media = { prepare: () => asked.promise, setMuted: async () => {}, setCamera: async () => {} };
  return { call, methods: new HostMethods(call, media), allow: () => asked.resolve(), joined };
}

beforeEach(() => {
  vi.stubGlobal('location', { search: '?room=standup', href: 'https://calls.example.org/?room=standup' });
  vi.spyOn(preferences, 'get').mockReturnValue({ ...preferences.get(), name: 'Ada' });
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('who was told to leave while the browser still asks for the camera is not in the call afterwards', async () => {
  const { call, methods, allow } = frame();
  const joined = methods.carryOut('join', undefined);
  expect(await methods.carryOut('leave', undefined)).toBeUndefined();
  allow();
  expect(await joined).toBe('not_joined');
  expect(call.get().phase).toBe('lobby');
  expect(await methods.carryOut('join', undefined), 'a later join is another wish').toBeUndefined();
  expect(call.get().phase).toBe('call');
});

test('the room and its secret are those that the page around has given, whatever the address says later', async () => {
  vi.stubGlobal('location', { search: '?room=standup', href: 'https://calls.example.org/?room=standup#k=a_b-c' });
  const { methods, allow, joined } = frame();
  vi.stubGlobal('location', { search: '', href: 'https://calls.example.org/#main' });
  allow();
  expect(await methods.carryOut('join', undefined)).toBeUndefined();
  expect(joined).toEqual([['standup', 'Ada', 'a_b-c']]);
});
